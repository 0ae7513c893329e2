// Drives keepalived on a pair of real balancers the way a plan would, step by step, without a controller.
import { operateVip } from "../../../src/vip/operations.ts";
import { diffVip } from "../../../src/vip/diff.ts";
import { vipFact, type VipFacts } from "../../../src/vip/facts.ts";
import {
  awaitHolder,
  handOver,
  installVip,
  takeBack,
  type DraftStages,
  type VipInput,
} from "../../../src/vip/steps.ts";
import type { Action } from "../../../src/model/action.ts";
import type { Outcome } from "../../../src/model/operation.ts";
import type { Draft } from "../../../src/model/plan.ts";
import type { VipAction } from "../../../src/model/vip.ts";
import { driver } from "./drive.ts";
import { until, type Lab } from "./lab.ts";
import {
  holders,
  measureFailover,
  oneHolder,
  pairConfig,
  VIP4,
  VIP6,
  type Failover,
  type PairSketch,
  type Watch,
} from "./vip.ts";

/** The two balancers. */
export const PAIR: readonly string[] = ["lb1", "lb2"];

/** A pair in a lab. */
export interface Pair {
  readonly go: (action: VipAction) => Promise<Outcome>;
  /** Carries drafts out, stage by stage; throws where one fails. */
  readonly done: (drafts: DraftStages) => Promise<void>;
  readonly facts: (host: string) => Promise<VipFacts>;
  /** Brings the balancers to a sketch, the holder last; gives for each one that changed whether it was on the wire. */
  readonly apply: (sketch: PairSketch) => Promise<readonly boolean[]>;
}

function isVip(action: Action): action is VipAction {
  return action.kind.startsWith("vip.");
}

/** The pair of a lab that is up. */
export function pairOf(lab: Lab): Pair {
  const { drive, gather } = driver(lab);
  const go = (action: VipAction): Promise<Outcome> => drive(operateVip(action));
  const facts = (host: string): Promise<VipFacts> => gather(host, vipFact);
  const one = async ({ action, says }: Draft): Promise<void> => {
    if (!isVip(action)) throw new Error(`${action.kind} is none of keepalived's`);
    const outcome = await go(action);
    if (outcome.kind === "failed") throw new Error(`${says}: ${JSON.stringify(outcome.failure, null, 1)}`);
  };
  const done = async (drafts: DraftStages): Promise<void> => {
    for (const stage of drafts) await Promise.all(stage.map(one));
  };
  return {
    go,
    done,
    facts,
    async apply(sketch) {
      const hosts = sketch.hosts ?? PAIR;
      const [holder] = await holders(lab, hosts);
      const order = hosts.toSorted((left, right) => Number(left === holder) - Number(right === holder));
      const inputs: VipInput[] = [];
      for (const balancer of order) {
        const found = await facts(balancer);
        const { model, config } = pairConfig(balancer, sketch);
        const diff = diffVip(config, found);
        if (diff.kind === "same") continue;
        const { config: before, manifest } = found.stable;
        const previous = { sha256: before?.sha256 ?? null, model: manifest?.model ?? null };
        inputs.push({ balancer, model, config, wire: diff.wire, previous });
      }
      await done(installVip("isolate", inputs));
      await done(awaitHolder("isolate", hosts, sketch.vips ?? [VIP4, VIP6], null));
      return inputs.map(({ wire }) => wire);
    },
  };
}

/** What can happen to the balancer that holds the VIP. */
export interface Mishap {
  readonly name: string;
  readonly happen: (holder: string) => Promise<unknown>;
  readonly repair: (holder: string) => Promise<unknown>;
}

/** What is measured of each, and how many milliseconds nobody may answer. */
export const FAILOVERS: readonly {
  readonly settings: "standard" | "fast";
  readonly mishap: "killed" | "cut" | "haproxy" | "maintenance" | "keepalived";
  readonly limit: number;
}[] = [
  { settings: "standard", mishap: "killed", limit: 3700 },
  { settings: "standard", mishap: "cut", limit: 3700 },
  { settings: "standard", mishap: "haproxy", limit: 3700 },
  { settings: "standard", mishap: "keepalived", limit: 4000 },
  { settings: "standard", mishap: "maintenance", limit: 700 },
  { settings: "fast", mishap: "killed", limit: 500 },
  { settings: "fast", mishap: "maintenance", limit: 100 },
];

/** Milliseconds to watch after something happened: longer than any move takes. */
export const AFTER: Readonly<Record<"standard" | "fast", number>> = { standard: 6000, fast: 2000 };

/** The mishaps of the failover figures, in a lab. */
export function mishapsOf(
  lab: Lab,
): Readonly<Record<"killed" | "cut" | "haproxy" | "maintenance" | "keepalived", Mishap>> {
  const { sh } = driver(lab);
  const pair = pairOf(lab);
  const vips = [VIP4, VIP6];
  return {
    killed: { name: "host killed", happen: (host) => lab.kill(host), repair: (host) => lab.start(host) },
    cut: { name: "host cut off", happen: (host) => lab.partition(host, "all"), repair: (host) => lab.heal(host) },
    haproxy: {
      name: "HAProxy dead for good",
      happen: (host) => sh(host, "systemctl mask --runtime haproxy 2>/dev/null; systemctl kill -s KILL haproxy"),
      repair: (host) =>
        sh(
          host,
          "systemctl unmask --runtime haproxy 2>/dev/null; systemctl reset-failed haproxy; systemctl start haproxy",
        ),
    },
    maintenance: {
      name: "planned hand-over",
      // Without the gate after it: looking from here takes a busy machine's time away from what is measured.
      happen: (host) => pair.done(handOver("isolate", host, PAIR, vips).slice(0, 1)),
      repair: (host) => pair.done(takeBack("isolate", host, PAIR, vips)),
    },
    keepalived: {
      name: "keepalived killed, parent and child",
      happen: (host) => sh(host, "systemctl kill -s KILL keepalived"),
      repair: () => Promise.resolve(),
    },
  };
}

/** Lets a mishap happen to the holder, measures, repairs, and waits until the pair is whole again. */
export async function failover(lab: Lab, { happen, repair }: Mishap, watch: Watch): Promise<Failover> {
  const { sh } = driver(lab);
  const holder = await oneHolder(lab, watch.vip);
  const seen = await measureFailover(lab, () => happen(holder), watch);
  await repair(holder);
  await until(`${holder} is well again`, async () => {
    const { stable, live } = await pairOf(lab).facts(holder);
    return stable.active && live.alive;
  });
  // Out of FAULT, and so ready to take over, two good checks later.
  await until(`${holder} is ready to take over`, async () => {
    const log = await sh(
      holder,
      "journalctl -q -u keepalived -o cat --no-pager -b | grep -E 'Entering|Now in FAULT' | tail -1",
    );
    return /BACKUP STATE|MASTER STATE/.test(log);
  });
  await oneHolder(lab, watch.vip);
  return seen;
}
