import type { EndVerdict, FirewallModel, FirewallRule } from "../model/firewall.ts";
import type { Topology } from "../model/topology.ts";
import { bitsOf, type FlowPacket, rulesFor } from "./evaluate.ts";
import {
  type AskedPort,
  type ExplainedEnd,
  findEnd,
  type FlowPort,
  type FoundEnd,
  isLoopbackEnd,
  portsAt,
  readPort,
} from "./explain-ends.ts";

/** May this one speak to that one? As it was asked. */
export interface FirewallQuestion {
  /** Host, app or address. */
  readonly source: string;
  readonly destination: string;
  /** `tcp/5432`, `5432`, `udp/53`, or the name of a port at the destination. */
  readonly port: string;
}

/** The answer for two machines and one port. Where it depends on which addresses they use, there are several. */
export interface FirewallAnswer extends FlowPort {
  readonly source: ExplainedEnd;
  readonly destination: ExplainedEnd;
  /** No end that is ours refuses. */
  readonly allowed: boolean;
  /** At the source, of direction `out`; rules in the order of the model. */
  readonly leaving: EndVerdict<FirewallRule>;
  /** At the destination, of direction `in`; likewise. */
  readonly entering: EndVerdict<FirewallRule>;
}

/** All answers, or why there is none. */
export type FirewallExplanation =
  | {
      readonly kind: "answers";
      /** Source by source, each destination by destination. */
      readonly answers: readonly FirewallAnswer[];
      /** Destinations at which the port's name stands for nothing. */
      readonly nameless: readonly string[];
      /** Pairs that have no address of the same family. */
      readonly apart: readonly { readonly source: string; readonly destination: string }[];
    }
  /** Neither host nor app nor address; no port. */
  | { readonly kind: "unknown"; readonly what: "source" | "destination" | "port"; readonly text: string }
  /** The app has no instance. */
  | { readonly kind: "nowhere"; readonly what: "source" | "destination"; readonly app: string }
  /** Neither end is a host of the fleet. */
  | { readonly kind: "foreign" };

type Models = ReadonlyMap<string, FirewallModel>;

/** One address each. */
interface Way {
  readonly from: ExplainedEnd;
  readonly to: ExplainedEnd;
  readonly source: string;
  readonly destination: string;
}

function verdict(
  models: Models,
  direction: "in" | "out",
  host: string | null,
  packet: FlowPacket,
): EndVerdict<FirewallRule> {
  if (host === null) return { kind: "foreign" };
  const model = models.get(host);
  if (model === undefined) return { kind: "unmanaged" };
  if (direction === "out" && !model.egress) return { kind: "open" };
  const rules = rulesFor(model, direction, packet);
  return rules.length === 0 ? { kind: "refused" } : { kind: "allowed", rules };
}

function isSelf({ from, to }: Way): boolean {
  return isLoopbackEnd(from) || isLoopbackEnd(to) || (from.host !== null && from.host === to.host);
}

function answerFor(models: Models, way: Way, port: FlowPort): FirewallAnswer {
  const { from, to, source, destination } = way;
  const ends = {
    ...port,
    source: { host: from.host, addresses: [source] },
    destination: { host: to.host, addresses: [destination] },
  };
  if (isSelf(way)) return { ...ends, allowed: true, leaving: { kind: "self" }, entering: { kind: "self" } };
  const leaving = verdict(models, "out", from.host, { ...port, address: destination });
  const entering = verdict(models, "in", to.host, { ...port, address: source });
  const allowed = leaving.kind !== "refused" && entering.kind !== "refused";
  return { ...ends, allowed, leaving, entering };
}

function waysOf(from: ExplainedEnd, to: ExplainedEnd): readonly Way[] {
  return from.addresses.flatMap((source) =>
    to.addresses
      // A packet has two addresses of one family.
      .filter((destination) => bitsOf(source)?.length === bitsOf(destination)?.length)
      .map((destination) => ({ from, to, source, destination })),
  );
}

function sameVerdict(a: EndVerdict<FirewallRule>, b: EndVerdict<FirewallRule>): boolean {
  if (a.kind !== "allowed" || b.kind !== "allowed") return a.kind === b.kind;
  return a.rules.length === b.rules.length && a.rules.every((rule, index) => rule === b.rules[index]);
}

function withAddresses(end: ExplainedEnd, addresses: readonly string[]): ExplainedEnd {
  return { ...end, addresses: [...new Set([...end.addresses, ...addresses])] };
}

/** Addresses with the same answer in one; an answer is for every way between its addresses. */
function grouped(answers: readonly FirewallAnswer[]): readonly FirewallAnswer[] {
  const groups: FirewallAnswer[] = [];
  for (const answer of answers) {
    const at = groups.findIndex(
      (one) => sameVerdict(one.leaving, answer.leaving) && sameVerdict(one.entering, answer.entering),
    );
    const group = groups[at];
    if (group === undefined) groups.push(answer);
    else {
      groups[at] = {
        ...group,
        source: withAddresses(group.source, answer.source.addresses),
        destination: withAddresses(group.destination, answer.destination.addresses),
      };
    }
  }
  return groups;
}

function nameOf({ host, addresses }: ExplainedEnd): string {
  return host ?? addresses.join(", ");
}

function explainPairs(
  { topology, models, asked }: { readonly topology: Topology; readonly models: Models; readonly asked: AskedPort },
  source: FoundEnd,
  destination: FoundEnd,
): FirewallExplanation {
  const pairs = source.ends.flatMap((from) => destination.ends.map((to) => ({ from, to, ways: waysOf(from, to) })));
  const ports = new Map(
    destination.ends.map((to) => [to, portsAt(topology, asked, { host: to.host, app: destination.app })]),
  );
  return {
    kind: "answers",
    answers: pairs.flatMap(({ to, ways }) =>
      (ports.get(to) ?? []).flatMap((port) => grouped(ways.map((way) => answerFor(models, way, port)))),
    ),
    nameless: destination.ends.filter((to) => ports.get(to)?.length === 0).map(nameOf),
    apart: pairs
      .filter(({ ways }) => ways.length === 0)
      .map(({ from, to }) => ({ source: nameOf(from), destination: nameOf(to) })),
  };
}

function isForeign({ ends }: FoundEnd): boolean {
  return ends.every((end) => end.host === null && !isLoopbackEnd(end));
}

/** Whether a flow passes between two ends, and why, by the models (desired or in force) of the hosts. Pure. */
export function explain(question: FirewallQuestion, topology: Topology, models: Models): FirewallExplanation {
  const [source, destination] = [findEnd(topology, question.source), findEnd(topology, question.destination)];
  const asked = readPort(question.port);
  if (source === null) return { kind: "unknown", what: "source", text: question.source };
  if (destination === null) return { kind: "unknown", what: "destination", text: question.destination };
  if (asked === null) return { kind: "unknown", what: "port", text: question.port };
  for (const [what, { ends, app }] of [["source", source] as const, ["destination", destination] as const]) {
    if (ends.length === 0) return { kind: "nowhere", what, app: app ?? "" };
  }
  if (isForeign(source) && isForeign(destination)) return { kind: "foreign" };
  return explainPairs({ topology, models, asked }, source, destination);
}
