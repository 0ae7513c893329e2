import { EXIT_CODE } from "../report/exit-code.ts";
import { several } from "../report/words.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";

/** `drover validate`: checks all files of the fleet; touches no host. */
export async function validateCommand(context: Context): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const { fleet, topology } = files;
  const instances = topology.apps.reduce((sum, app) => sum + app.instances.length, 0);
  if (context.options.output === "json") {
    context.print.line(JSON.stringify({ errors: [], hosts: fleet.hosts.length, apps: fleet.apps.length, instances }));
  } else {
    const counts = [
      several(fleet.hosts.length, "host"),
      several(fleet.apps.length, "app"),
      several(instances, "instance"),
    ];
    context.print.line(`${fleet.name}: valid; ${counts.join(", ")}`);
  }
  return EXIT_CODE.done;
}
