import { failure } from "../model/errors.ts";
import type { App } from "../model/fleet.ts";
import { suggest } from "../inventory/suggest.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { change } from "./change.ts";
import type { Allowed } from "./allowed.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { readFleet } from "./fleet-files.ts";
import { tellFailure } from "./tell.ts";

/** `drover rollout start APP [--release X]`: moves one app to a release, host by host. */
export async function rolloutStartCommand(
  context: Context,
  name: string,
  { release, allowEmpty }: Allowed & { readonly release: string | undefined },
): Promise<number> {
  const asWritten = await readFleet(context, null);
  if (asWritten === null) return EXIT_CODE.usage;
  const app = findApp(context, asWritten, name);
  if (app === null) return EXIT_CODE.usage;
  const files =
    release === undefined || release === app.release ? asWritten : await readFleet(context, { app: name, release });
  if (files === null) return EXIT_CODE.usage;
  const edit =
    release === undefined || release === app.release ? null : { file: app.file, from: app.release, to: release };
  const purpose = `rollout of ${name}${release === undefined ? "" : ` to ${release}`}`;
  return await change(context, files, { scope: { kind: "app", app: name }, purpose, edit, ask: false, allowEmpty });
}

/** The app of that name; null after having said that there is none. */
export function findApp(context: Context, { fleet }: FleetFiles, name: string): App | null {
  const app = fleet.apps.find((each) => each.name === name);
  if (app !== undefined) return app;
  const names = fleet.apps.map((each) => each.name);
  const near = suggest(name, names);
  const hint = near === null ? `the apps are: ${names.join(", ")}` : `did you mean ${near}?`;
  tellFailure(context, failure("usage", `there is no app ${JSON.stringify(name)}`, hint));
  return null;
}
