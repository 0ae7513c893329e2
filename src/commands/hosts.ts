import { selectHosts } from "../inventory/selector/match.ts";
import { parseSelector } from "../inventory/selector/parse.ts";
import { failure } from "../model/errors.ts";
import type { Host } from "../model/fleet.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { table } from "../report/table.ts";
import type { Context } from "./context.ts";
import type { Inventory } from "./fleet-files.ts";
import { errorLines, readHosts } from "./fleet-files.ts";
import { tellFailure } from "./tell.ts";

/**
 * `drover hosts [SELECTOR]`: the inventory, or the part of it that a selector picks; touches no host. Mistakes in other
 * files do not keep it from that, but are told too.
 */
export async function hostsCommand(context: Context, selector: string | undefined): Promise<number> {
  const inventory = await readHosts(context);
  const all = inventory.hosts;
  const parsed = selector === undefined ? null : parseSelector(selector);
  if (parsed?.kind === "error") {
    const where = `column ${String(parsed.at + 1)}`;
    return tellFailure(context, failure("usage", `selector ${JSON.stringify(selector)}, ${where}: ${parsed.message}`));
  }
  const picked = parsed === null ? all : selectHosts(all, parsed.selector);
  if (picked.length === 0 && all.length > 0) {
    return tellFailure(
      context,
      failure("usage", `no host matches ${JSON.stringify(selector)}`, "see them all: drover hosts"),
    );
  }
  if (context.options.output === "json") context.print.line(json(picked, inventory));
  else for (const line of text(picked, inventory)) context.print.line(line);
  return inventory.errors.length > 0 ? EXIT_CODE.usage : EXIT_CODE.done;
}

function json(picked: readonly Host[], { errors }: Inventory): string {
  return JSON.stringify(errors.length > 0 ? { hosts: picked, errors } : { hosts: picked });
}

function text(picked: readonly Host[], { topology, errors }: Inventory): readonly string[] {
  const appsOn = (host: string): string =>
    (topology?.apps ?? [])
      .filter((app) => app.instances.some((instance) => instance.host === host))
      .map((app) => app.name)
      .join(" ");
  const rows = picked.map((host) => [
    host.name,
    host.addresses.join(" "),
    Object.entries(host.tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(" "),
    topology === null ? "?" : appsOn(host.name),
  ]);
  const hosts = picked.length === 0 ? [] : table(["host", "address", "tags", "apps"], rows);
  return errors.length === 0 ? hosts : [...hosts, ...errorLines(errors)];
}
