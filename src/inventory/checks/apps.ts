import type { Diagnostic } from "../../model/fleet.ts";
import { quote } from "../describe.ts";
import { complain, formatPlace, placeOf } from "../diagnostics.ts";
import { noMatch } from "./no-match.ts";
import type { PlacedApp, World } from "./world.ts";

/** Every app once, on at least one host, and no port of a host for two of them. */
export function checkApps({ apps, hosts, complete }: World): readonly Diagnostic[] {
  const wrong: Diagnostic[] = [];
  apps.forEach((app, index) => {
    const before = apps.slice(0, index);
    const same = before.find((other) => other.fields.app !== undefined && other.fields.app === app.fields.app);
    if (same !== undefined) {
      const first = formatPlace(placeOf(same.file, ["app"]));
      wrong.push(
        complain(
          app.file,
          ["app"],
          `expected each app once, got ${quote(app.fields.app ?? "")} again (first at ${first})`,
        ),
      );
    }
    if (app.on?.length === 0 && complete && app.selector !== null) {
      const names = hosts.map(({ name }) => name);
      wrong.push(complain(app.file, ["hosts"], noMatch(app.fields.hosts ?? "", app.selector, names)));
    }
    wrong.push(...before.flatMap((other) => checkPort(app, other)));
  });
  return wrong;
}

function checkPort(app: PlacedApp, other: PlacedApp): readonly Diagnostic[] {
  const { port } = app.fields;
  if (port === undefined || port === null || port !== other.fields.port) return [];
  const shared = (app.on ?? []).filter((host) => other.on?.includes(host));
  if (shared.length === 0) return [];
  const owner = `${other.fields.app ?? "another app"} (${formatPlace(placeOf(other.file, ["port"]))})`;
  return [
    complain(app.file, ["port"], `expected a free port, got ${port}, which ${owner} has on ${shared.join(", ")}`),
  ];
}
