import type { Diagnostic } from "../../model/fleet.ts";
import { complain, formatPlace, placeOf } from "../diagnostics.ts";
import { checkAppName } from "./app-names.ts";
import type { PlacedApp, World } from "./world.ts";

/** An app talks to other apps, which have a port. */
export function checkTalksTo(world: World): readonly Diagnostic[] {
  return world.apps.flatMap((app) =>
    (app.fields.talksTo ?? []).flatMap((name, index) => checkOne(world, app, { name, index })),
  );
}

function checkOne(
  world: World,
  { file, fields }: PlacedApp,
  { name, index }: { readonly name: string; readonly index: number },
): readonly Diagnostic[] {
  const path = ["talksTo", index];
  // Instances on other hosts are other machines, which a policy can name.
  if (name === fields.app)
    return [
      complain(file, path, "expected another app, got this one (a policy can let its instances reach each other)"),
    ];
  const other = world.apps.find((each) => each.fields.app === name);
  if (other === undefined) return checkAppName(world, { file, path }, name);
  if (other.fields.port !== null) return [];
  const where = formatPlace(placeOf(other.file, ["app"]));
  return [complain(file, path, `expected an app with a port, got ${name} (${where}) without`)];
}
