import { EXIT_CODE } from "../report/exit-code.ts";
import type { Allowed } from "./allowed.ts";
import type { Context } from "./context.ts";
import { change } from "./change.ts";
import { readFleet } from "./fleet-files.ts";

/** `drover apply`: brings everything to what the files say, each app that differs as one ordinary rollout. */
export async function applyCommand(context: Context, { allowEmpty }: Allowed): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  return await change(context, files, {
    scope: { kind: "fleet" },
    purpose: "apply",
    edit: null,
    ask: true,
    allowEmpty,
  });
}
