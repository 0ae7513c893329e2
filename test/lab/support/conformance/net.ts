/** Hosts as network namespaces on one wire, with real rules, to which real packets are sent. */
import { LIBRARY } from "../../../../src/firewall/script.ts";
import { CONNECTIONS, cutsText } from "../../../../src/firewall/sever.ts";
import type { FirewallCut, FirewallTexts } from "../../../../src/model/firewall.ts";
import { Agent } from "./agent.ts";
import type { Addresses, Probe, Stream } from "./case.ts";
import { tellStream } from "./case.ts";

/** What came of a probe; `half`: it arrived, and the answer did not. `refused`: somebody said no who is no firewall. */
export type Verdict = "yes" | "no" | "half" | "refused";

/** How long nothing has to come before it counts as refused; what is expected to come may take longer. */
const SILENCE = 200;
const PATIENCE = 3000;

/** A whole table, which takes the place of whatever was there. */
const NOTHING = ["INPUT", "FORWARD", "OUTPUT"].map((chain) => `:${chain} ACCEPT [0:0]\n`).join("");
const OURS = ["DRV-INPUT", "DRV-OUTPUT", "DRV-SEVER-I", "DRV-SEVER-O"].map((chain) => `:${chain} - [0:0]\n`).join("");
const ENTRANCES = "-A INPUT -j DRV-INPUT\n-A OUTPUT -j DRV-OUTPUT\n";

/** As a host that drover has never seen. */
const VIRGIN = replaced(NOTHING);
/** With the chains that a generation is loaded between. */
const FRAME = replaced(NOTHING + OURS + ENTRANCES);

function replaced(lines: string): string {
  const table = `*filter\n${lines}COMMIT\n`;
  const restored = ["iptables-restore", "ip6tables-restore"].map((restore) => fed(restore, table));
  return [...restored, "ipset destroy", "conntrack -F 2> /dev/null"].join("\n");
}

interface Slot {
  readonly agent: Agent;
  addresses: readonly string[];
  /** `used`: rules of a world that is gone. */
  rules: "none" | "used" | "ours";
  readonly listening: Set<string>;
}

export class Net {
  readonly #hub: Agent;
  readonly #slots: Slot[] = [];
  readonly #base: string;
  /** Who is where right now. */
  #names: Map<string, Slot> = new Map();
  readonly #streams: Map<string, { readonly slot: Slot; readonly id: string }> = new Map();

  private constructor(base: string) {
    this.#base = base;
    this.#hub = new Agent(base);
  }

  /** A wire without anybody on it. `base`: a tree with the programs of a host of the lab. */
  static async make(base: string): Promise<Net> {
    const net = new Net(base);
    await net.#hub.shell("ip link add br0 type bridge mcast_snooping 0\nip link set br0 up");
    return net;
  }

  end(): void {
    for (const { agent } of this.#slots) agent.end();
    this.#hub.end();
  }

  async #grow(): Promise<Slot> {
    const agent = new Agent(this.#base);
    const port = `v${String(this.#slots.length)}`;
    const slot: Slot = { agent, addresses: [], rules: "none", listening: new Set() };
    this.#slots.push(slot);
    await agent.shell(":"); // it is in its namespace
    await this.#hub.shell(
      `ip link add ${port} type veth peer name eth0 netns ${String(agent.pid)}\nip link set ${port} master br0 up`,
    );
    await agent.shell("ip link set lo up\nip link set eth0 addrgenmode none\nip link set eth0 up");
    return slot;
  }

  /** A new world: nobody has a name, a socket or a rule that counts. */
  async clear(): Promise<void> {
    this.#names = new Map();
    this.#streams.clear();
    await Promise.all(
      this.#slots.map(async (slot) => {
        slot.listening.clear();
        if (slot.rules === "ours") slot.rules = "used";
        await slot.agent.ask("reset", []);
      }),
    );
  }

  /** Gives everybody their addresses; who is not named any more is off the wire. */
  async settle(addresses: Addresses): Promise<void> {
    for (const name of Object.keys(addresses)) {
      if (this.#names.has(name)) continue;
      this.#names.set(name, this.#slots[this.#names.size] ?? (await this.#grow()));
    }
    const wanted = new Map([...this.#names].map(([name, slot]) => [slot, addresses[name] ?? []]));
    await Promise.all(
      this.#slots.map(async (slot) => {
        const [before, after] = [slot.addresses, wanted.get(slot) ?? []];
        slot.addresses = after;
        if (before.length + after.length > 0) await slot.agent.shell(addressing(before, after));
      }),
    );
  }

  #slot(name: string): Slot {
    const slot = this.#names.get(name);
    if (slot === undefined) throw new Error(`nobody is called ${name}`);
    return slot;
  }

  /** Loads a generation on a host as drover does: sets first, then each family with its flip. */
  async load(host: string, texts: FirewallTexts): Promise<void> {
    const slot = this.#slot(host);
    const script = [
      slot.rules === "ours" ? "" : FRAME,
      texts.sets === "" ? "" : fed("ipset -exist restore", texts.sets),
      fed("ip6tables-restore --noflush -w 10", texts.v6),
      fed("iptables-restore --noflush -w 10", texts.v4),
    ].join("\n");
    slot.rules = "ours";
    await slot.agent.shell(script);
  }

  /** Takes all rules off a host. */
  async bare(host: string): Promise<void> {
    const slot = this.#slot(host);
    if (slot.rules !== "none") await slot.agent.shell(VIRGIN);
    slot.rules = "none";
  }

  /** Cuts open connections as drover does, by its own program. */
  async sever(host: string, cuts: readonly FirewallCut[]): Promise<void> {
    const program = `${LIBRARY}${CONNECTIONS} my $cuts = do { local $/; <STDIN> }; sever($cuts);`;
    await this.#slot(host).agent.shell(fed(`perl -e '${program}'`, cutsText(cuts)));
  }

  async #listen(name: string, protocol: string, address: string, port: number): Promise<void> {
    const slot = this.#slot(name);
    const key = [protocol, address, port].join(" ");
    if (protocol === "icmp" || slot.listening.has(key)) return;
    slot.listening.add(key);
    await slot.agent.ask("listen", [protocol, address, port]);
  }

  /** Sends all of them, many at once, and tells what came of each. */
  async probe(probes: readonly Probe[]): Promise<readonly Verdict[]> {
    await Promise.all(
      probes.map(({ to, flow }) => this.#listen(to.name, flow.protocol, to.address, "port" in flow ? flow.port : 0)),
    );
    const answers = await Promise.all(
      probes.map(async (probe): Promise<Verdict> => (isBare(probe) ? "no" : this.#ask(probe))),
    );
    // A protocol without ports is one flow per pair of hosts to conntrack: one after the other, forgotten in between.
    for (const [index, probe] of probes.entries()) {
      if (!isBare(probe)) continue;
      await Promise.all([probe.from, probe.to].map(({ name }) => this.#slot(name).agent.shell(forget(probe))));
      answers[index] = await this.#ask(probe);
    }
    return answers;
  }

  async #ask(probe: Probe): Promise<Verdict> {
    const { from, to, flow, expected } = probe;
    const { agent } = this.#slot(from.name);
    const [id, bare] = [agent.id(), isBare(probe)];
    const port = "port" in flow ? flow.port : 0;
    // Nobody answers a bare protocol: the other end is asked what came.
    const patience = bare ? 1 : expected ? PATIENCE : SILENCE;
    const answer = await agent.yes("probe", [flow.protocol, from.address, to.address, port, patience], id);
    if (answer === "yes" || answer === "refused") return answer;
    if (flow.protocol === "tcp" || flow.protocol === "icmp") return "no";
    const seen = await this.#slot(to.name).agent.yes("seen", [id, bare ? (expected ? PATIENCE : SILENCE / 2) : 0]);
    return seen !== "yes" ? "no" : bare ? "yes" : "half";
  }

  /** Opens a stream that stays; throws when it cannot be opened. */
  async hold(stream: Stream): Promise<void> {
    const { from, to, port } = stream;
    await this.#listen(to.name, "tcp", to.address, port);
    const slot = this.#slot(from.name);
    const id = slot.agent.id();
    const answer = await slot.agent.yes("open", [from.address, to.address, port, PATIENCE], id);
    if (answer !== "yes") throw new Error(`${tellStream(stream)} cannot be opened: ${answer}`);
    this.#streams.set(tellStream(stream), { slot, id });
    if (stream.pushed) await slot.agent.ask("push", [id]);
    if (!(await this.isAlive(stream, true))) throw new Error(`${tellStream(stream)} carries nothing`);
  }

  /** Whether what is said over a stream is answered; or whether something comes over it, where it is pushed. */
  async isAlive(stream: Stream, expected: boolean): Promise<boolean> {
    const held = this.#streams.get(tellStream(stream));
    if (held === undefined) throw new Error(`${tellStream(stream)} was never opened`);
    return (
      (await held.slot.agent.yes(stream.pushed ? "flow" : "say", [held.id, expected ? PATIENCE : 2 * SILENCE])) ===
      "yes"
    );
  }
}

function isBare({ flow }: Probe): boolean {
  return flow.protocol === "vrrp" || flow.protocol === "other";
}

function forget({ flow, from }: Probe): string {
  const family = from.address.includes(":") ? "ipv6" : "ipv4";
  return `conntrack -D -f ${family} -p ${flow.protocol === "vrrp" ? "112" : "253"} > /dev/null 2>&1 || :`;
}

/** Every address alone, everything else on the wire: so that any address may be anybody's neighbour. */
function addressing(before: readonly string[], after: readonly string[]): string {
  const whole = (address: string): string => (address.includes(":") ? `${address}/128` : `${address}/32`);
  const lines = [
    ...before.filter((address) => !after.includes(address)).map((address) => `addr del ${whole(address)} dev eth0`),
    ...after
      .filter((address) => !before.includes(address))
      .map((address) => `addr add ${whole(address)} dev eth0${address.includes(":") ? " nodad" : ""}`),
    "route replace 0.0.0.0/0 dev eth0",
    "route replace ::/0 dev eth0",
    "neigh flush all",
  ];
  return fed("ip -batch -", `${lines.join("\n")}\n`);
}

function fed(command: string, input: string): string {
  return `${command} <<'FED'\n${input}FED`;
}
