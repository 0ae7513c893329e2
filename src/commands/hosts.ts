import { selectHosts } from "../inventory/selector/match.ts";
import { parseSelector } from "../inventory/selector/parse.ts";
import { failure } from "../model/errors.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { table } from "../report/table.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import { tellFailure } from "./tell.ts";

/** `drover hosts [SELECTOR]`: the inventory, or the part of it that a selector picks; touches no host. */
export async function hostsCommand(context: Context, selector: string | undefined): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const all = files.fleet.hosts;
  const parsed = selector === undefined ? null : parseSelector(selector);
  if (parsed?.kind === "error") {
    const where = `column ${String(parsed.at + 1)}`;
    return tellFailure(context, failure("usage", `selector ${JSON.stringify(selector)}, ${where}: ${parsed.message}`));
  }
  const picked = parsed === null ? all : selectHosts(all, parsed.selector);
  if (picked.length === 0) {
    return tellFailure(
      context,
      failure("usage", `no host matches ${JSON.stringify(selector)}`, "see them all: drover hosts"),
    );
  }
  if (context.options.output === "json") {
    context.print.line(JSON.stringify({ hosts: picked }));
    return EXIT_CODE.done;
  }
  const appsOn = (host: string): string =>
    files.topology.apps
      .filter((app) => app.instances.some((instance) => instance.host === host))
      .map((app) => app.name)
      .join(" ");
  const rows = picked.map((host) => [
    host.name,
    host.addresses.join(" "),
    Object.entries(host.tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(" "),
    appsOn(host.name),
  ]);
  for (const line of table(["host", "address", "tags", "apps"], rows)) context.print.line(line);
  return EXIT_CODE.done;
}
