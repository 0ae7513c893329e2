import { reading } from "../../model/command.ts";
import type { Command } from "../../model/command.ts";
import { DroverError, failure } from "../../model/errors.ts";
import { done, failed, pause, run } from "../../model/operation.ts";
import type { Answer, Ask, Operation } from "../../model/operation.ts";
import type { VipAction } from "../../model/vip.ts";
import { parseAddresses } from "../facts.ts";
import { addressKey } from "../normalize.ts";

type Await = Extract<VipAction, { kind: "vip.await" }>;

/** Which addresses a host has. */
const LOOK: Command = reading("vip.look", "ip -o addr show");

/** Milliseconds between two looks. */
const EVERY = 100;

/** How many of the VIPs each balancer has on it. */
function* look({ balancers, vips }: Await): Generator<Ask, ReadonlyMap<string, number>, Answer> {
  const held = new Map<string, number>();
  for (const balancer of balancers) {
    const { code, stdout } = yield* run(balancer, LOOK);
    if (code !== 0) throw new DroverError(failure("unknown-state", `${balancer} does not tell its addresses`));
    const here = new Set(parseAddresses(stdout).map(({ address }) => addressKey(address)));
    held.set(balancer, vips.filter(({ address }) => here.has(addressKey(address))).length);
  }
  return held;
}

function words(held: ReadonlyMap<string, number>, all: number): readonly string[] {
  return [...held].map(([balancer, count]) => `${balancer} holds ${String(count)} of ${String(all)}`);
}

/** See `vip.await`. */
export function* awaitHolder(action: Await): Operation {
  const { vips, not, deadline } = action;
  while (true) {
    const held = yield* look(action);
    const holders = [...held].filter(([, count]) => count > 0);
    const [holder] = holders;
    if (holders.length === 1 && holder !== undefined && holder[1] === vips.length && holder[0] !== not) {
      return done(`${holder[0]} holds it`);
    }
    if ((yield* pause(EVERY)) < deadline) continue;
    const who = holders.length === 0 ? "no balancer holds" : `${holders.map(([name]) => name).join(" and ")} hold`;
    const says = holders.length === 1 ? `the VIP did not settle: ${who}s it` : `${who} the VIP`;
    return failed(failure("balancer-config", says, "see there: journalctl -u keepalived", words(held, vips.length)));
  }
}
