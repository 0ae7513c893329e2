import type { EndVerdict } from "../model/firewall.ts";
import { printable, several } from "./words.ts";

/** A rule that lets something pass. */
export interface ExplainedRule {
  /** E.g. `orders-db:0`, the first rule of a policy in its direction, or `app/shop/talksTo:0`. */
  readonly source: string;
  /** Where the files say so, as `drover.yaml:7:9`; null: it follows from the fleet as a whole. */
  readonly place: string | null;
}

/** One way from a source to a destination at a port. */
export interface ExplainedFlow {
  /** A host, with an address where its addresses are not treated alike; or an address from outside. */
  readonly source: string;
  readonly destination: string;
  /** `tcp/5432`. */
  readonly port: string;
  readonly allowed: boolean;
  /** Within one host nothing is refused, and neither end has a say. */
  readonly loopback: boolean;
  readonly egress: EndVerdict<ExplainedRule>;
  readonly ingress: EndVerdict<ExplainedRule>;
}

/** What `firewall explain` answers. */
export interface Explanation {
  /** As they were asked for. */
  readonly source: string;
  readonly destination: string;
  readonly port: string;
  /** Whether the files have a `firewall:` block; without one nothing is refused. */
  readonly managed: boolean;
  /** Whether every one of the flows is allowed; false where there is none. */
  readonly allowed: boolean;
  readonly flows: readonly ExplainedFlow[];
  /** Destinations at which no port is called so: the name opens nothing there. */
  readonly nameless: readonly string[];
  /** Pairs without addresses of one family, as `app1 → db1`. */
  readonly apart: readonly string[];
}

/** The answer in one line, then every way, those that are decided alike together. */
export function explanationLines(explanation: Explanation): readonly string[] {
  const { source, destination, port, managed, flows, nameless, apart } = explanation;
  const question = printable(`${source} → ${destination} at ${port}`);
  if (!managed) return [`allowed: ${question}: drover.yaml has no firewall: block, drover manages no firewalls here`];
  const open = flows.filter(({ allowed }) => allowed).length;
  const answer = open === 0 ? "denied" : open === flows.length ? "allowed" : "partly allowed";
  const count = flows.length < 2 ? "" : `: ${String(open)} of ${several(flows.length, "way")}`;
  return [
    `${answer}: ${question}${count}`,
    ...groupsOf(flows).flatMap((group) => ["", ...groupLines(group)]),
    ...(nameless.length + apart.length === 0 ? [] : [""]),
    ...(nameless.length === 0
      ? []
      : [`nothing on ${names(nameless)} is called ${printable(port)}: the name opens nothing`]),
    ...apart.map((pair) => `no common address family: ${printable(pair)}`),
  ];
}

/** Flows decided alike: from every source to every destination, but for a host to itself. */
interface Group {
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly like: ExplainedFlow;
}

function groupsOf(flows: readonly ExplainedFlow[]): readonly Group[] {
  const alike = Map.groupBy(flows, ({ port, allowed, loopback, egress, ingress }) =>
    JSON.stringify([loopback, port, allowed, loopback ? null : [egress, ingress]]),
  );
  const order = [...new Set(flows.map(({ destination }) => destination))];
  const groups = [...alike.values()].flatMap((some) => {
    const [like] = some;
    if (like === undefined) return [];
    return like.loopback ? [ownGroup(like, some)] : products(like, some, order);
  });
  return groups.toSorted((left, right) => rank(left.like) - rank(right.like));
}

/** What is denied is what somebody came to see; what a host does with itself is nothing to see. */
function rank({ allowed, loopback }: ExplainedFlow): number {
  return loopback ? 2 : Number(allowed);
}

function ownGroup(like: ExplainedFlow, flows: readonly ExplainedFlow[]): Group {
  return { sources: [...new Set(flows.map(({ source }) => source))], destinations: [], like };
}

/** Sources that reach the same destinations together; whether a host is its own destination tells none of them apart. */
function products(like: ExplainedFlow, flows: readonly ExplainedFlow[], order: readonly string[]): readonly Group[] {
  const reached = Map.groupBy(flows, ({ source }) => source);
  const met = new Set(flows.map(({ destination }) => destination));
  const all = order.filter((destination) => met.has(destination));
  const groups = new Map<string, { readonly sources: string[]; readonly destinations: readonly string[] }>();
  for (const [source, own] of reached) {
    const to = new Set(own.map(({ destination }) => destination));
    const destinations = all.filter((each) => to.has(each) || each === source);
    const key = JSON.stringify(destinations);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { sources: [source], destinations });
    else group.sources.push(source);
  }
  return [...groups.values()].map(({ sources, destinations }) => {
    const [only] = sources;
    const others = sources.length === 1 ? destinations.filter((each) => each !== only) : destinations;
    return { sources, destinations: others, like };
  });
}

function groupLines({ sources, destinations, like }: Group): readonly string[] {
  const verdict = like.allowed ? "allowed" : "denied";
  if (like.loopback) {
    return [
      `${verdict}: ${names(sources)} → itself at ${printable(like.port)}`,
      "  within a host nothing is refused, nor between its apps",
    ];
  }
  const itself = sources.some((source) => destinations.includes(source)) ? ", but for a host to itself" : "";
  return [
    `${verdict}: ${names(sources)} → ${names(destinations)} at ${printable(like.port)}${itself}`,
    `  out of ${each(sources)}: ${endInWords(like.egress, "out")}`,
    `  into ${each(destinations)}: ${endInWords(like.ingress, "in")}`,
  ];
}

function names(all: readonly string[]): string {
  return printable(all.join(", "));
}

function each(all: readonly string[]): string {
  return all.length === 1 ? names(all) : "each of them";
}

function endInWords(end: EndVerdict<ExplainedRule>, way: "in" | "out"): string {
  switch (end.kind) {
    case "foreign":
      return "no host of the inventory; drover has no say there";
    case "unmanaged":
      return "its firewall is not drover's";
    case "self":
      return "within the host";
    case "open":
      return "open, no policy isolates what goes out";
    case "allowed":
      return rulesInWords(end.rules);
    case "refused":
      return way === "in"
        ? "REFUSED, no rule lets it in"
        : "REFUSED, what goes out is isolated and no rule lets it out";
  }
}

function rulesInWords(rules: readonly ExplainedRule[]): string {
  return rules
    .map(({ source, place }) => printable(`let through by ${source}${place === null ? "" : ` at ${place}`}`))
    .join("; ");
}
