import { BlockList, isIPv6 } from "node:net";
import type { FirewallModel, FirewallRule } from "../../src/model/firewall.ts";
import type { FirewallChange, FirewallPass } from "../../src/firewall/transition.ts";

/**
 * A second opinion on firewalls in change: packet by packet over a small world, with Node's own address matching, and
 * nothing of the algebra that is under test.
 */

/** What opens a flow; the port is the destination's. */
export interface Probe {
  readonly protocol: "tcp" | "udp" | "vrrp" | "icmp";
  readonly port: number;
}

/** One host (null: somebody outside) at one of its addresses. */
interface Place {
  readonly host: string | null;
  readonly address: string;
}

type Models = ReadonlyMap<string, FirewallModel | null>;

/** All that can happen in a small fleet. */
export interface World {
  readonly places: readonly Place[];
  readonly probes: readonly Probe[];
}

/** What one walk has to keep to. `fast`: nothing times out that could have been refused at once. */
export interface Rules {
  readonly fast: boolean;
}

const members = new Map<string, boolean>();

function isIn(prefix: string, address: string): boolean {
  const key = `${prefix} ${address}`;
  const known = members.get(key);
  if (known !== undefined) return known;
  const [network = "", bits = "0"] = prefix.split("/");
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  const list = new BlockList();
  if (isIPv6(network) === isIPv6(address)) list.addSubnet(network, Number(bits), family);
  const found = list.check(address, family);
  members.set(key, found);
  return found;
}

function matches({ match, peers }: FirewallRule, address: string, { protocol, port }: Probe): boolean {
  if (peers !== "anyone" && !peers.some((prefix) => isIn(prefix, address))) return false;
  if (match.protocol === "any") return true;
  if (match.protocol !== protocol) return false;
  return !("ports" in match) || (match.ports?.some(({ from, to }) => from <= port && port <= to) ?? true);
}

const answers = new WeakMap<FirewallModel, Map<string, boolean>>();

/** Whether a model lets this pass, seen from its host. */
export function lets(model: FirewallModel | null, direction: "in" | "out", address: string, probe: Probe): boolean {
  if (model === null || (direction === "out" && !model.egress)) return true;
  const asked = answers.get(model) ?? new Map<string, boolean>();
  answers.set(model, asked);
  const key = `${direction} ${address} ${probe.protocol} ${String(probe.port)}`;
  const known = asked.get(key);
  if (known !== undefined) return known;
  const answer = model.rules.some((rule) => rule.direction === direction && matches(rule, address, probe));
  asked.set(key, answer);
  return answer;
}

/** The places of a fleet and of strangers. */
export function worldOf(
  addresses: ReadonlyMap<string, readonly string[]>,
  strangers: readonly string[],
  probes: readonly Probe[],
): World {
  const own = [...addresses].flatMap(([host, texts]) => texts.map((address) => ({ host, address })));
  return { places: [...own, ...strangers.map((address) => ({ host: null, address }))], probes };
}

/** What one pair lets pass: sent by the source, taken by the destination. */
interface Ends {
  readonly sent: boolean;
  readonly taken: boolean;
}

function ends(models: Models, from: Place, to: Place, probe: Probe): Ends {
  const model = ({ host }: Place): FirewallModel | null => (host === null ? null : (models.get(host) ?? null));
  return { sent: lets(model(from), "out", to.address, probe), taken: lets(model(to), "in", from.address, probe) };
}

const passes = ({ sent, taken }: Ends): boolean => sent && taken;
const isSilent = ({ sent, taken }: Ends): boolean => sent && !taken;

/** One flow that may or may not pass, and whether it does before and afterwards. */
interface Flow {
  readonly from: Place;
  readonly to: Place;
  readonly probe: Probe;
  readonly was: Ends;
  readonly will: Ends;
}

function flowsOf([old, wanted]: readonly [Models, Models], { places, probes }: World): readonly Flow[] {
  const pairs = places.flatMap((from) => places.map((to) => ({ from, to })));
  return pairs
    .filter(({ from, to }) => from.host !== to.host && isIPv6(from.address) === isIPv6(to.address))
    .flatMap(({ from, to }) =>
      probes.map((probe) => ({
        from,
        to,
        probe,
        was: ends(old, from, to, probe),
        will: ends(wanted, from, to, probe),
      })),
    );
}

function judge({ was, will }: Flow, is: Ends, isFast: boolean): string | null {
  const allowed = [was, will].filter(passes).length;
  if (allowed === 2 && !passes(is)) return "cut";
  if (allowed === 0 && passes(is)) return "opened";
  const isLate = allowed > 0 && isSilent(is) && ![was, will].some(isSilent);
  return isFast && isLate ? "times out" : null;
}

/** What is wrong with a flow at this moment; null: nothing. */
function wrongWith(flow: Flow, now: Models, isFast: boolean): string | null {
  const { from, to, probe } = flow;
  const wrong = judge(flow, ends(now, from, to, probe), isFast);
  if (wrong === null) return null;
  const ways = [from, to].map(({ host, address }) => `${host ?? "a stranger"} (${address})`);
  return `${wrong}: ${ways.join(" to ")} ${probe.protocol} ${String(probe.port)}`;
}

/** The same numbers give the same order. */
function shuffled<Item>(items: readonly Item[], seed: number): readonly Item[] {
  let state = seed;
  const keyed = items.map((item) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return { item, key: state >>> 8 };
  });
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}

/** Where a fleet ends after a change: what is neither wanted nor known to be managed stays as it was. */
export function endOf({ before, after }: Pick<FirewallChange, "before" | "after">): Models {
  return new Map(
    [...new Set([...before.keys(), ...after.keys()])].map((host) => {
      return [host, after.get(host) ?? before.get(host) ?? null];
    }),
  );
}

/** Walks passes host by host in an order that the seed decides, looking at all its flows after each; null: all is well. */
export function walk(
  change: Pick<FirewallChange, "before" | "after">,
  steps: readonly FirewallPass[],
  world: World,
  { seed, fast }: Rules & { readonly seed: number },
): string | null {
  const flows = Map.groupBy(
    flowsOf([change.before, endOf(change)], world).flatMap((flow) =>
      [flow.from, flow.to].map(({ host }) => ({ host, flow })),
    ),
    ({ host }) => host,
  );
  const now = new Map(change.before);
  for (const [index, { phase, targets }] of steps.entries()) {
    for (const [host, model] of shuffled([...targets], seed + index)) {
      now.set(host, model);
      for (const { flow } of flows.get(host) ?? []) {
        const wrong = wrongWith(flow, now, fast);
        if (wrong !== null) return `${wrong}, after ${host} in pass ${String(index)} (${phase})`;
      }
    }
  }
  return null;
}

/** The models that lie on the hosts when all passes are through. */
export function laid({ before }: Pick<FirewallChange, "before">, steps: readonly FirewallPass[]): Models {
  return new Map([...before, ...steps.flatMap(({ targets }) => [...targets])]);
}
