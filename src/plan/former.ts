import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import type { Draft, DraftUndo } from "../model/plan.ts";
import type { PlanInput } from "./input.ts";

/** What drover made of a host when it was a balancer. */
export interface FormerBalancer {
  readonly haproxy: boolean;
  readonly keepalived: boolean;
}

const PARTS = ["haproxy", "keepalived"] as const;

function parse(stdout: string): FormerBalancer {
  const found = stdout.split("\n").filter((line) => line !== "");
  const strange = found.find((name) => !PARTS.some((part) => part === name));
  if (strange !== undefined) throw new DroverError(failure("unknown-state", "a host's manifests could not be listed"));
  return { haproxy: found.includes("haproxy"), keepalived: found.includes("keepalived") };
}

/** Asked of every host that is in no balancer set: it may have been in one. */
export const formerFact: Fact<FormerBalancer> = {
  name: "former",
  text: `for part in ${PARTS.join(" ")}; do if [ -e "/var/lib/drover/manifest/$part.json" ]; then echo "$part"; fi; done`,
  parse,
};

/** Steps that take drover's parts off hosts that have left their balancer set, and why. */
export interface Farewell {
  /** Before the others are told that they have left: the last thing such a keepalived says is that it goes. */
  readonly keepalived: readonly (readonly Draft[])[];
  readonly haproxy: readonly (readonly Draft[])[];
  readonly reasons: readonly string[];
}

const GONE: DraftUndo = {
  kind: "none",
  reason: "the host is no balancer any more; in a set again, it is set up again",
};

/** Plans the way out of all hosts that have left their set. */
export function planFarewell({ topology, views }: PlanInput): Farewell {
  const hosts = topology.hosts.flatMap(({ name }) => {
    const former = views.get(name)?.former;
    return former?.kind === "known" ? [{ name, ...former.value }] : [];
  });
  const stop = hosts.filter(({ keepalived }) => keepalived).map(({ name }) => ({ ...LEAVE, host: name }));
  const empty = hosts.filter(({ haproxy }) => haproxy).map(({ name }) => ({ ...LEAVE, host: name }));
  return {
    keepalived: stop.map(({ host, ...step }) => [
      {
        ...step,
        host,
        says: `remove keepalived.conf from ${host}`,
        action: { kind: "vip.restore", balancer: host, sha256: null, model: null },
      },
    ]),
    haproxy: empty.map(({ host, ...step }) => [
      {
        ...step,
        host,
        says: `stop HAProxy on ${host}`,
        action: { kind: "lb.restore", balancer: host, sha256: null, model: null },
      },
    ]),
    reasons: [...new Set([...stop, ...empty].map(({ host }) => host))].map(
      (host) => `${host}: is no balancer any more`,
    ),
  };
}

const LEAVE: Pick<Draft, "phase" | "kind" | "deadline" | "undo"> = {
  phase: "contract",
  kind: "act",
  deadline: 120_000,
  undo: GONE,
};
