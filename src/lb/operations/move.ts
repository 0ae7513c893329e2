import type { LbAction } from "../../model/action.ts";
import { mutating } from "../../model/command.ts";
import type { Command } from "../../model/command.ts";
import { failure } from "../../model/errors.ts";
import { exitFailure } from "../../model/exit.ts";
import { done, failed, run } from "../../model/operation.ts";
import type { Operation } from "../../model/operation.ts";
import { addressText, refName } from "../normalize.ts";
import { MOVE_EXIT, PERL_MOVE } from "../perl-move.ts";

type Move = Extract<LbAction, { kind: "lb.move" }>;

const MOVE = `
trap '' HUP INT TERM PIPE
perl -e '${PERL_MOVE}' "$@"
`;

function moveCommand({ server, from, to }: Move): Command {
  const { backend, server: name } = server;
  const args = [backend, name, from.address, String(from.port), to.address, String(to.port)];
  return mutating("lb.move", MOVE, args);
}

/** See `lb.move`. */
export function* move(action: Move): Operation {
  const { balancer, server, to } = action;
  const { code, stdout, stderr } = yield* run(balancer, moveCommand(action));
  if (code === 0) return done(stdout.trim());
  const says = stderr.trim().split("\n")[0] ?? "";
  const doing = `moving ${refName(server)} to ${addressText(to)}`;
  switch (code) {
    case MOVE_EXIT.missing:
    case MOVE_EXIT.refused:
      return failed(failure("balancer-config", `${balancer}: ${says}`, "run drover plan"));
    case MOVE_EXIT.notTaken:
      return failed(failure("balancer-answer", `${balancer}: ${says}`, "see there: journalctl -u haproxy"));
    default:
      return failed(exitFailure({ host: balancer, doing, code, stderr }));
  }
}
