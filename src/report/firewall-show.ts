import type { Failure } from "../model/errors.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { table } from "./table.ts";
import { failureLines, printable } from "./words.ts";

/** One way in or out of a host, in words. */
export interface ShownRule {
  readonly direction: "in" | "out";
  /** The other end: `anyone`, hosts by name, prefixes. */
  readonly peers: readonly string[];
  /** `tcp/80`, `udp/5000-5010`, `tcp/*`, `vrrp`, `any`. */
  readonly ports: readonly string[];
  /** Who asked for it, e.g. `orders-db:0`, `app/shop/talksTo:0`. */
  readonly source: string;
  /** Where the files say so, as `drover.yaml:7:9`; null: they do not say so any more. */
  readonly place: string | null;
}

/** What one host told of its firewall, next to what the files want. */
export interface FirewallTold {
  /** The generation that was confirmed; null: drover has set up no firewall there. */
  readonly generation: number | null;
  /** The generation in force per family; null: none. */
  readonly active: { readonly v4: number | null; readonly v6: number | null };
  /** Committed and not confirmed: the host goes back by itself. */
  readonly unconfirmed: number | null;
  /** Whether the confirmed generation is loaded at boot. */
  readonly enabled: boolean;
  /** Whether what goes out is refused, too, but for rules; null: no firewall. */
  readonly egress: boolean | null;
  /** Of the confirmed generation. */
  readonly rules: readonly ShownRule[];
  /** What differs from the files, as sentences. */
  readonly pending: readonly string[];
  /** What differs from what was confirmed, as sentences. */
  readonly drift: readonly string[];
  /** Why drover would not touch it: other programs that rule this host's packets, packages that are not there. */
  readonly rivals: readonly string[];
  readonly missing: readonly string[];
  /** Others' rules that decide before drover's, as iptables prints them. */
  readonly ahead: readonly string[];
  /** Ports that Docker publishes past these rules. */
  readonly published: readonly string[];
}

/** One host's firewall. */
export interface FirewallShow {
  readonly host: string;
  /** Whether the files have a `firewall:` block. */
  readonly managed: boolean;
  /** Null: it did not tell, and `why` says so. */
  readonly told: FirewallTold | null;
  readonly why: Failure | null;
}

/** 1 where the host did not tell, 2 where something is not as the files or the last confirmation say. */
export function firewallShowCode({ told }: FirewallShow): number {
  if (told === null) return EXIT_CODE.failed;
  return differences(told).length > 0 ? EXIT_CODE.differences : EXIT_CODE.done;
}

/** What is in force, the rules, what differs, and what bypasses them. */
export function firewallShowLines(show: FirewallShow): readonly string[] {
  const { host, managed, told, why } = show;
  if (told === null) return [`${printable(host)}: unknown`, ...(why === null ? [] : failureLines(why)).map(indented)];
  const unmanaged = managed ? [] : ["drover.yaml has no firewall: block, so drover does not manage firewalls here"];
  const rules = told.rules.length === 0 ? [] : ["", ...ruleTable(told.rules)];
  const notes = [...differences(told), ...remarks(told)];
  return [
    `${printable(host)}: ${stateSentence(told)}`,
    ...unmanaged,
    ...(told.egress === null ? [] : [refusedSentence(told, told.egress)]),
    ...rules,
    ...(notes.length === 0 ? [] : ["", ...notes.map(printable)]),
  ];
}

const indented = (line: string): string => `  ${line}`;

function stateSentence({ generation, active, unconfirmed, enabled }: FirewallTold): string {
  const { v4, v6 } = active;
  if (generation === null && unconfirmed === null && v4 === null && v6 === null) return "no firewall of drover's";
  const force =
    v4 === v6
      ? v4 === null
        ? "NOTHING IN FORCE"
        : `generation ${String(v4)} in force, IPv4 and IPv6`
      : `IPv4: ${inForce(v4)}; IPv6: ${inForce(v6)}`;
  if (unconfirmed !== null) return `${force}, NOT CONFIRMED`;
  const boot = enabled ? "loaded at boot" : "NOT LOADED AT BOOT";
  return generation === null ? `${force}, never confirmed` : `${force}, ${confirmed(generation, active)}, ${boot}`;
}

function inForce(generation: number | null): string {
  return generation === null ? "NOTHING IN FORCE" : `generation ${String(generation)} in force`;
}

function confirmed(generation: number, { v4, v6 }: FirewallTold["active"]): string {
  return v4 === generation && v6 === generation ? "confirmed" : `but CONFIRMED IS ${String(generation)}`;
}

/** What the rules below do. They are those of the confirmed generation, whatever became of it. */
function refusedSentence({ generation, active, unconfirmed }: FirewallTold, egress: boolean): string {
  const off = [...(active.v4 === generation ? [] : ["IPv4"]), ...(active.v6 === generation ? [] : ["IPv6"])];
  if (off.length > 0 && unconfirmed === null) {
    return `the rules of generation ${String(generation)}, NOT IN FORCE for ${off.join(" and ")}:`;
  }
  const refused = "everything else that comes in is dropped, but for answers and pings";
  return egress ? `${refused}; everything else that goes out is refused` : `${refused}; what goes out is open`;
}

/** How many names of peers a row holds; JSON has all. */
const NAMES = 3;

function ruleTable(rules: readonly ShownRule[]): readonly string[] {
  const rows = rules.map(({ direction, peers, ports, source, place }) => [
    direction,
    shortened(peers),
    ports.join(" "),
    source,
    place ?? "not in the files",
  ]);
  return table(["", "peer", "ports", "because of", "written at"], rows);
}

/** The first few, and how many more there are. */
function shortened(names: readonly string[]): string {
  const rest = names.length - NAMES;
  // One more name is shorter than the words for it.
  return rest <= 1 ? names.join(", ") : `${names.slice(0, NAMES).join(", ")} and ${String(rest)} more`;
}

/** What makes the exit code 2. */
function differences(told: FirewallTold): readonly string[] {
  const { generation, active, unconfirmed, enabled } = told;
  const back = generation === null ? "to none" : `to generation ${String(generation)}`;
  const isOff = generation !== null && unconfirmed === null;
  return [
    ...(unconfirmed === null
      ? []
      : [`not confirmed: generation ${String(unconfirmed)}; the host goes back ${back} by itself`]),
    ...(isOff && !enabled ? ["drift: the firewall is not loaded at boot → drover apply"] : []),
    ...(isOff && (active.v4 !== generation || active.v6 !== generation)
      ? [`drift: what is in force is not generation ${String(generation)}, which was confirmed → drover apply`]
      : []),
    ...told.drift.map((each) => `drift: ${each}`),
    ...told.pending.map((each) => `pending: ${each} → drover apply`),
    ...told.rivals.map((each) => `in the way: ${each}`),
    ...(told.missing.length === 0 ? [] : [`missing packages: ${told.missing.join(" ")} → apt-get install`]),
  ];
}

/** What is worth knowing and no difference: it is not drover's. */
function remarks({ ahead, published }: FirewallTold): readonly string[] {
  return [
    ...ahead.map((rule) => `decides before drover's rules: ${rule}`),
    ...published.map((port) => `published by Docker, past these rules: ${port}`),
  ];
}
