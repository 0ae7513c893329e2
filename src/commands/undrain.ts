import { EXIT_CODE, exitCode } from "../report/exit-code.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import type { Move } from "./move-host.ts";
import { moveHost, tellSettled } from "./move-host.ts";
import { runRollout } from "./run-rollout.ts";

/** `drover undrain HOST`: lets a host back in, each balancer when it finds it healthy. */
export async function undrainCommand(context: Context, host: string): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  return await moveHost(context, files, {
    host,
    to: "in",
    purpose: `undrain of ${host}`,
    allowEmpty: false,
    use: (move) => undrain(move, host),
  });
}

async function undrain({ runner, state, plan, notes }: Move, host: string): Promise<number> {
  const { context, lease } = runner;
  const isListed = state.drains[host] !== undefined;
  if (plan === null) {
    if (isListed) await lease.setDrain(host, null);
    const says = isListed ? `${host} is in service again` : `${host} is not drained`;
    return tellSettled(context, { host, says, notes, drain: null });
  }
  const { ending } = await runRollout(runner, plan, []);
  // Only now: an app that is not healthy again stays listed, with its reason.
  if (ending.kind === "done" && isListed) await lease.setDrain(host, null);
  return exitCode(ending);
}
