/**
 * What `iptables -S`, `ip6tables -S` and `ipset save` print, as data. Rules are rendered as they are printed, so the kernel
 * gives back what it was given; what is left are the few words that differ from version to version.
 */

/** The three as printed; rules and sets of others may be among them. */
export interface FirewallPrinted {
  readonly v4: string;
  readonly v6: string;
  readonly sets: string;
}

/** Rules by chain, in order, each without `-A CHAIN`. A chain without rules is there, too. */
export type Chains = ReadonlyMap<string, readonly string[]>;

/** Members by set; they are printed in no order. */
export type Sets = ReadonlyMap<string, ReadonlySet<string>>;

const PROTOCOLS: Readonly<Record<string, string>> = { "112": "vrrp", "58": "ipv6-icmp", icmpv6: "ipv6-icmp" };

/** One rule in the form in which two ways to print it are equal. */
function canonicalRule(text: string): string {
  return text
    .trim()
    .replace(/(^| )-p (\S+)/, (all, before: string, name: string) => {
      const other = PROTOCOLS[name];
      return other === undefined ? all : `${before}-p ${other}`;
    })
    .replace(/--ctstate (\S+)/, (_, states: string) => `--ctstate ${states.split(",").toSorted().join(",")}`)
    .replace(/--comment (drv:\S+)(?= |$)/, '--comment "$1"');
}

/** Reads what `iptables -S` prints. Lines that it does not know are left out. */
export function chainsOf(printed: string): Chains {
  const chains = new Map<string, string[]>();
  const chain = (name: string): string[] => {
    const known = chains.get(name) ?? [];
    chains.set(name, known);
    return known;
  };
  for (const line of printed.split("\n")) {
    const [, option, name, rest = ""] = /^-([PNA]) (\S+)(?: (.*))?$/.exec(line.trim()) ?? [];
    if (name === undefined) continue;
    if (option === "A") chain(name).push(canonicalRule(rest));
    else chain(name);
  }
  return chains;
}

/** Reads what `ipset save` prints; of a set's limits nothing is kept, since they grow by themselves. */
export function setsOf(printed: string): Sets {
  const sets = new Map<string, Set<string>>();
  for (const line of printed.split("\n")) {
    const [, option, name, rest = ""] = /^(create|add) (\S+)(?: (.*))?$/.exec(line.trim()) ?? [];
    if (name === undefined) continue;
    const members = sets.get(name) ?? new Set();
    sets.set(name, members);
    if (option === "add") members.add(rest.replace(/^(\d+(?:\.\d+){3})\/32$|^(\S*:\S*)\/128$/, "$1$2"));
  }
  return sets;
}

const WAYS = [
  { from: "INPUT", ours: "DRV-INPUT" },
  { from: "OUTPUT", ours: "DRV-OUTPUT" },
] as const;

/** Targets that end a packet's way through INPUT or OUTPUT; RETURN leaves it to the policy. */
const TERMINAL = /(?:^| )-j (?:ACCEPT|DROP|REJECT|RETURN|QUEUE|NFQUEUE|TARPIT|DELUDE|SYNPROXY)(?= |$)/;
/** Ours lets that pass as well. */
const LOOPBACK = /^-[io] lo -j ACCEPT$/;

/**
 * Rules of others in INPUT and OUTPUT that decide about packets before drover's do, as `iptables -S` prints them. A jump to
 * another chain is not among them: that is how fail2ban and the like work beside us.
 */
export function terminalAhead(printed: string): readonly string[] {
  const chains = chainsOf(printed);
  return WAYS.flatMap(({ from, ours }) => {
    const rules = chains.get(from) ?? [];
    const jump = rules.indexOf(`-j ${ours}`);
    const ahead = jump === -1 ? rules : rules.slice(0, jump);
    return ahead.filter((rule) => TERMINAL.test(rule) && !LOOPBACK.test(rule)).map((rule) => `-A ${from} ${rule}`);
  });
}
