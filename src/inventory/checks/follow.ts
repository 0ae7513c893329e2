import type { Diagnostic } from "../../model/fleet.ts";
import { quote } from "../describe.ts";
import { complain, complainAtKey, formatPlace, placeOf } from "../diagnostics.ts";
import type { FollowFields } from "../schema/follow.ts";
import type { World } from "./world.ts";

/** What a set follows has a name that no app has, and somebody who can be asked. */
export function checkFollow(world: World): readonly Diagnostic[] {
  return (world.balancers ?? []).flatMap(({ name: lb, fields }) =>
    fields.follow.flatMap((service) => checkOne(world, lb, service)),
  );
}

function checkOne({ drover, apps }: World, lb: string, { name, nameservers }: FollowFields): readonly Diagnostic[] {
  const path = ["loadBalancers", lb, "follow", name];
  const app = apps.find(({ fields }) => fields.app === name);
  const taken =
    app === undefined
      ? []
      : [
          complainAtKey(
            drover.file,
            path,
            `expected a name that no app has, got ${quote(name)} (${formatPlace(placeOf(app.file, ["app"]))})`,
          ),
        ];
  // A dns block that could not be read may well say who.
  const isMute = nameservers === null && drover.fields.dns === null;
  const mute = isMute
    ? [complain(drover.file, path, "expected nameservers: [ADDRESS, …], got none, and the fleet has no dns servers")]
    : [];
  return [...taken, ...mute];
}
