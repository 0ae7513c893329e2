import type { Diagnostic } from "../../model/fleet.ts";
import { quote } from "../describe.ts";
import { complain, complainAtKey, formatPlace, placeOf } from "../diagnostics.ts";
import type { AppPort } from "./app-ports.ts";
import { portsOfApp } from "./app-ports.ts";
import { noMatch } from "./no-match.ts";
import type { PlacedApp, World } from "./world.ts";

/** Every app once, on at least one host, and no port of a host for two of them or twice for one. */
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
    wrong.push(...before.flatMap((other) => checkPorts(app, other)));
    wrong.push(...checkNamed(app));
  });
  return wrong;
}

/** Of two apps on one host, none has a port of the other. */
function checkPorts(app: PlacedApp, other: PlacedApp): readonly Diagnostic[] {
  const shared = (app.on ?? []).filter((host) => other.on?.includes(host));
  if (shared.length === 0) return [];
  const theirs = portsOfApp(other);
  return portsOfApp(app).flatMap((port) => {
    const taken = theirs.find((each) => isSame(each, port));
    if (taken === undefined) return [];
    const owner = `${other.fields.app ?? "another app"} (${formatPlace(placeOf(other.file, taken.path))})`;
    const got = `${port.says}, which ${owner} has on ${shared.join(", ")}`;
    return [complain(app.file, port.path, `expected a free port, got ${got}`)];
  });
}

/** An app's ports differ, and none has the name of the app, which is that of its own port. */
function checkNamed(app: PlacedApp): readonly Diagnostic[] {
  const ports = portsOfApp(app);
  return ports.flatMap((port, index) => {
    const [key] = port.path;
    if (key !== "ports") return [];
    if (port.name === app.fields.app)
      return [
        complainAtKey(app.file, port.path, `expected another name, got ${quote(port.name)} of the app's own port`),
      ];
    const first = ports.slice(0, index).find((each) => isSame(each, port));
    if (first === undefined) return [];
    const owner = `${first.path.join(".")} (${formatPlace(placeOf(app.file, first.path))})`;
    return [complain(app.file, port.path, `expected a free port, got ${port.says}, which ${owner} has`)];
  });
}

function isSame(left: AppPort, right: AppPort): boolean {
  return left.protocol === right.protocol && left.port === right.port;
}
