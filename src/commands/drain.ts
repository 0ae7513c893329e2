import type { Failure } from "../model/errors.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Ending } from "../model/event.ts";
import type { HostDrain } from "../model/ports.ts";
import { EXIT_CODE, exitCode } from "../report/exit-code.ts";
import { printable } from "../report/words.ts";
import type { Allowed } from "./allowed.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import type { Move } from "./move-host.ts";
import { forget, moveHost, tellSettled, unknownHost } from "./move-host.ts";
import { runRollout } from "./run-rollout.ts";
import { tellFailure } from "./tell.ts";

/** `drover drain HOST -m REASON`: takes a host out of every balancer, for as long as nobody undrains it. */
export async function drainCommand(
  context: Context,
  host: string,
  { reason, allowEmpty }: Allowed & { readonly reason: string },
): Promise<number> {
  const wrong = reasonProblem(reason);
  if (wrong !== null) return tellFailure(context, wrong);
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  if (!files.topology.hosts.some(({ name }) => name === host)) return unknownHost(context, host, files.topology);
  return await moveHost(context, files, {
    host,
    to: "out",
    purpose: `drain of ${host}`,
    allowEmpty,
    use: (move) => drain(move, host, reason),
  });
}

/** The most characters a reason may have; it is shown on one line of `status`. */
const LONGEST_REASON = 200;

function reasonProblem(reason: string): Failure | null {
  const length = Array.from(reason).length;
  const hint = `say why in one line, e.g. -m "new disk"`;
  if (reason.trim() === "") return failure("usage", "the reason is empty", hint);
  if (length > LONGEST_REASON) {
    const numbers = `${String(length)} characters, at most ${String(LONGEST_REASON)}`;
    return failure("usage", `the reason is too long: ${numbers}`, hint);
  }
  const isPlain = printable(reason) === reason && !reason.includes("\t") && reason.isWellFormed();
  return isPlain ? null : failure("usage", "the reason holds characters that cannot be printed", hint);
}

async function drain({ runner, state, plan, notes }: Move, host: string, reason: string): Promise<number> {
  const { context, lease } = runner;
  const before = state.drains[host] ?? null;
  const since = new Date(context.clock.now()).toISOString();
  const record: HostDrain = before ?? { reason, operator: context.operator, since };
  // Before the first step: whatever ends this run, what it has drained is listed, with a name.
  if (before === null) await lease.setDrain(host, record);
  if (plan === null) {
    const says = before === null ? `${host} is drained` : `${host} is drained already`;
    return tellSettled(context, { host, says, notes, drain: record });
  }
  try {
    const { ending } = await runRollout(runner, plan, []);
    if (before === null && wasPutBack(ending)) await forget(runner, host);
    return exitCode(ending);
  } catch (error) {
    // It could not even begin.
    if (error instanceof DroverError && before === null) await forget(runner, host);
    throw error;
  }
}

/** True when nothing of the drain is left. */
function wasPutBack(ending: Ending): boolean {
  return ending.kind === "failed" || ending.kind === "reverted" || (ending.kind === "interrupted" && !ending.open);
}
