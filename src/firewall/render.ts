import { DroverError, failure } from "../model/errors.ts";
import type { FirewallModel, FirewallTexts } from "../model/firewall.ts";
import { sha256 } from "../model/hash.ts";
import { type RuleLines, ruleLines } from "./rule-lines.ts";
import { setsText } from "./sets.ts";
import { type Family, generationChain, logPrefix } from "./syntax.ts";

/** All lines are written as iptables prints them. */

const REPLIES = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";

/** RFC 4890 §4.4.1: neighbour and router discovery (133-136), multicast listeners (130-132, 143). Errors are RELATED. */
const ICMP6_TYPES = [130, 131, 132, 133, 134, 135, 136, 143] as const;

const NEIGHBOURS: Readonly<Record<Family, readonly string[]>> = {
  v4: [],
  v6: ICMP6_TYPES.map((type) => `-p ipv6-icmp -m icmp6 --icmpv6-type ${String(type)} -j ACCEPT`),
};

const PING: Readonly<Record<Family, string>> = {
  v4: "-p icmp -m icmp --icmp-type 8 -j ACCEPT",
  v6: "-p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT",
};

/** RFC 2131 §4.1, RFC 8415 §7.2: answers come to an address that the client may not have yet, conntrack knows none of it. */
const DHCP: Readonly<Record<Family, { readonly in: string; readonly out: string }>> = {
  v4: {
    in: "-p udp -m udp --sport 67 --dport 68 -j ACCEPT",
    out: "-p udp -m udp --sport 68 --dport 67 -j ACCEPT",
  },
  v6: {
    in: "-p udp -m udp --sport 547 --dport 546 -j ACCEPT",
    out: "-p udp -m udp --sport 546 --dport 547 -j ACCEPT",
  },
};

/** Whoever goes out is told at once; who comes in learns nothing. */
const REFUSED: Readonly<Record<Family, string>> = {
  v4: "-j REJECT --reject-with icmp-admin-prohibited",
  v6: "-j REJECT --reject-with icmp6-adm-prohibited",
};

function logLines(direction: "in" | "out", log: boolean): readonly string[] {
  if (!log) return [];
  return [`-m limit --limit 5/sec --limit-burst 10 -j LOG --log-prefix "${logPrefix(direction)}"`];
}

function inputLines(family: Family, rules: readonly string[], log: boolean): readonly string[] {
  return [
    "-i lo -j ACCEPT",
    // Ahead of INVALID: older kernels count neighbour discovery among it.
    ...NEIGHBOURS[family],
    REPLIES,
    "-m conntrack --ctstate INVALID -j DROP",
    PING[family],
    DHCP[family].in,
    ...rules,
    ...logLines("in", log),
    "-j DROP",
  ];
}

function outputLines(family: Family, rules: readonly string[], log: boolean): readonly string[] {
  return [
    "-o lo -j ACCEPT",
    ...NEIGHBOURS[family],
    REPLIES,
    DHCP[family].out,
    ...rules,
    ...logLines("out", log),
    REFUSED[family],
  ];
}

/** In the same commit as the rules: the two chains that INPUT and OUTPUT lead to, emptied and filled. */
function flipLines(incoming: string, outgoing: string): readonly string[] {
  return [
    "-A DRV-INPUT -j DRV-SEVER-I",
    `-A DRV-INPUT -j ${incoming}`,
    "-A DRV-OUTPUT -j DRV-SEVER-O",
    `-A DRV-OUTPUT -j ${outgoing}`,
  ];
}

function restoreText(lines: readonly string[]): string {
  return ["*filter", ...lines, "COMMIT"].map((line) => `${line}\n`).join("");
}

interface FamilyText {
  readonly text: string;
  readonly sets: RuleLines["sets"];
}

function familyText(model: FirewallModel, generation: number, family: Family): FamilyText {
  const [incoming, outgoing] = [generationChain("in", generation), generationChain("out", generation)];
  const inRules = ruleLines(model.rules, "in", family);
  const outRules = ruleLines(model.rules, "out", family);
  if (!model.egress && outRules.lines.length > 0) {
    throw new DroverError(failure("bug", "a host that lets everything go out has rules for what goes out"));
  }
  const text = restoreText([
    ":DRV-INPUT - [0:0]",
    ":DRV-OUTPUT - [0:0]",
    `:${incoming} - [0:0]`,
    `:${outgoing} - [0:0]`,
    ...inputLines(family, inRules.lines, model.log).map((line) => `-A ${incoming} ${line}`),
    ...(model.egress ? outputLines(family, outRules.lines, model.log).map((line) => `-A ${outgoing} ${line}`) : []),
    ...flipLines(incoming, outgoing),
  ]);
  return { text, sets: [...inRules.sets, ...outRules.sets] };
}

function textsOf(model: FirewallModel, generation: number): FirewallTexts {
  const [v4, v6] = [familyText(model, generation, "v4"), familyText(model, generation, "v6")];
  return { sets: setsText([...v4.sets, ...v6.sets]), v4: v4.text, v6: v6.text };
}

/**
 * A model as one generation, which counts from 1: pure, sorted, byte-stable. The chains `DRV-SEVER-I` and `DRV-SEVER-O` have
 * to be there when it is loaded; the jumps from INPUT and OUTPUT are not part of it. Throws a DroverError for what iptables
 * would read as something else.
 */
export function renderFirewall(model: FirewallModel, generation: number): FirewallTexts {
  if (generation < 1) throw new DroverError(failure("bug", `${String(generation)} is no generation`));
  return textsOf(model, generation);
}

/** What is rendered, whatever the generation: 64 hex digits. The same for models that let the same pass by the same rules. */
export function firewallHash(model: FirewallModel): string {
  const { sets, v4, v6 } = textsOf(model, 0);
  return sha256([sets, v4, v6].join("\0"));
}
