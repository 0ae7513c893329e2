import { applyCommand } from "../../src/commands/apply.ts";
import type { Context } from "../../src/commands/context.ts";
import { normalizeHaproxy } from "../../src/lb/normalize.ts";
import { CONFIG } from "../../src/lb/paths.ts";
import { sha256 } from "../../src/model/hash.ts";
import type { DnsKey, DnsServer } from "../../src/model/dns.ts";
import type { Clock, DnsClient, Files, Lease, Store, Transport } from "../../src/model/ports.ts";
import { FakeDns } from "../fake/dns.ts";
import { createFakeDnsClient } from "../fake/dns-client.ts";
import { Secret } from "../../src/model/secret.ts";
import { fakeHaproxy, addLbCommands, printLbFact } from "../fake/haproxy.ts";
import type { FakeHost } from "../fake/host.ts";
import type { OwnAddresses } from "../fake/keepalived.ts";
import { addFirewallCommands, printFirewallFact } from "../fake/firewall.ts";
import { addVipCommands, printVipFact } from "../fake/keepalived.ts";
import { addReleaseCommands, answers, fakeApps, PLATFORM, printReleaseFact } from "../fake/release.ts";
import { FakeStore } from "../fake/store.ts";
import { createFakeTransport, FakeFleet } from "../fake/transport.ts";
import { VirtualClock } from "./clock.ts";
import { HAPROXY_TEMPLATE } from "./fleets.ts";
import { TEMPLATES } from "./release.ts";

const DROVER = `fleet: test
inventory: [inventory.yaml]
apps: apps/
ssh: {user: drover, become: sudo, knownHosts: known_hosts}
loadBalancers:
  edge: {hosts: "role=lb"}
state: {store: ssh, host: dns1}
`;

const HOSTS = ["lb1", "lb2", "app1", "app2", "app3", "dns1"] as const;

const ADDRESSES: OwnAddresses = Object.fromEntries(
  HOSTS.map((name, index): [string, readonly string[]] => [name, [`10.0.0.${String(index + 11)}`]]),
);

const INVENTORY = `hosts:
${HOSTS.map((name, index) => `  ${name}: {address: 10.0.0.${String(index + 11)}, tags: {role: ${name.slice(0, -1)}}}`).join("\n")}
`;

/** Where the fleet publishes its apps, once it does: a primary and a secondary of somebody else's. */
export const ZONE = "svc.test.internal";
export const NS1: DnsServer = { name: "10.0.0.53", address: "10.0.0.53", port: 53 };
export const NS2: DnsServer = { name: "10.0.0.54", address: "10.0.0.54", port: 53 };
const ZONE_KEY = Buffer.alloc(32, 7);
const GRANT: DnsKey = { name: "drover", algorithm: "hmac-sha256", secret: new Secret(ZONE_KEY) };

function dnsBlock(settings: string): string {
  const key = "key: {name: drover, secret: {file: dns.key}}";
  return `dns: {servers: [${NS1.address}, ${NS2.address}], zone: ${ZONE}, ttl: 10s, ${key}${settings}}\n`;
}

/** Where drover comes from, as hosts see it. */
export const OPERATOR = "10.0.0.1";

/** `drover apply` without any options. */
export function apply(context: Context): Promise<number> {
  return applyCommand(context, { allowEmpty: false });
}

function shopFile(release: string, rollout: string): string {
  return `app: shop
hosts: "role=app"
release: "${release}"   # kept by an edit
artifact: dist/shop-{{release}}.tar.gz
run: ./bin/shop --port {{port}}
port: 8080
health: {http: /healthz}
routes: [{lb: edge, host: shop.test, path: /}]
rollout: {${rollout}}
`;
}

/** The fleet's folder in memory. Every artifact under dist/ is there; its name decides its bytes. */
class PaperFiles implements Files {
  readonly texts: Map<string, string> = new Map();

  read(path: string): Promise<Uint8Array | null> {
    const text = this.texts.get(path);
    if (text !== undefined) return Promise.resolve(Buffer.from(text));
    return Promise.resolve(path.startsWith("dist/") ? Buffer.from(`the bytes of ${path}`) : null);
  }

  list(path: string): Promise<readonly string[] | null> {
    const folder = path.endsWith("/") ? path : `${path}/`;
    const names = [...this.texts.keys()].filter((each) => each.startsWith(folder));
    return Promise.resolve(names.length === 0 ? null : names.map((each) => each.slice(folder.length)).toSorted());
  }

  async digest(path: string): Promise<{ readonly size: number; readonly sha256: string } | null> {
    const bytes = await this.read(path);
    return bytes === null ? null : { size: bytes.length, sha256: sha256(bytes) };
  }

  async *stream(path: string): AsyncIterable<Uint8Array> {
    yield (await this.read(path)) ?? new Uint8Array();
  }

  write(path: string, text: string): Promise<void> {
    this.texts.set(path, text);
    return Promise.resolve();
  }

  run(): Promise<never> {
    return Promise.reject(new Error("no program runs here"));
  }

  fetch(): Promise<never> {
    return Promise.reject(new Error("nothing is downloaded here"));
  }
}

const NEVER = new Promise<never>(() => {});

/** One drover process: its output, what it reached, and how it can be ended. */
export class Process {
  readonly lines: string[] = [];
  readonly stop: AbortController = new AbortController();
  readonly drop: AbortController = new AbortController();
  transport: Transport | null = null;
  /** After this many appends to the journal it is killed: -1 never. */
  killAt = -1;
  /** Whether the last append still reached the store. */
  killAfterWrite = true;
  isDead = false;
  appends = 0;
}

/** Two balancers, three app hosts and a state host in memory, and one app; everything outlives every process. */
export class FakeWorld {
  readonly clock: VirtualClock = new VirtualClock();
  readonly files: PaperFiles = new PaperFiles();
  readonly fleet: FakeFleet;
  readonly store: FakeStore;
  readonly dns: FakeDns;
  /** The fewest instances that any balancer could send a request to, looked at whenever a process was answered. */
  lowest: number = Infinity;
  #runs = 0;

  constructor(release: string, rollout: string) {
    this.fleet = new FakeFleet(HOSTS, this.clock);
    this.store = new FakeStore(this.clock);
    this.dns = new FakeDns(this.clock);
    addReleaseCommands(this.fleet);
    addLbCommands(this.fleet);
    addVipCommands(this.fleet, ADDRESSES);
    addFirewallCommands(this.fleet, { operator: OPERATOR, port: 22 });
    this.fleet.interpreters.set("observe", ({ host }) => ({ stdout: observed(this.fleet, host) }));
    this.files.texts.set("drover.yaml", DROVER);
    this.files.texts.set("inventory.yaml", INVENTORY);
    this.files.texts.set("apps/shop.yaml", shopFile(release, rollout));
  }

  /** From now on the fleet's files have this `firewall:` block, as YAML; null: none. */
  manage(block: string | null): void {
    this.files.texts.set("drover.yaml", block === null ? DROVER : `${DROVER}firewall: ${block}\n`);
  }

  /** From now on shop is published in a zone of two servers, and every answer of a host is held against it. */
  publish(settings = ""): void {
    const drover = this.files.texts.get("drover.yaml") ?? "";
    this.files.texts.set("drover.yaml", `${drover}${dnsBlock(settings)}`);
    this.files.texts.set("dns.key", ZONE_KEY.toString("base64"));
    this.dns.addZone({ zone: ZONE, primary: NS1, secondaries: [NS2], grants: [{ key: GRANT, types: null }] });
  }

  /** Hosts that a server of the zone tells clients of, sorted. */
  told(server: DnsServer = NS1): readonly string[] {
    const records = this.dns.records(ZONE, server).filter(({ name }) => name === `_shop._tcp.${ZONE}`);
    return records.flatMap((each) => (each.type === "SRV" ? [each.target.replace(`.${ZONE}`, "")] : [])).toSorted();
  }

  /** What is wrong with what clients are told right now: hosts that do not answer. Nobody may ever have been told of one. */
  readonly misled: string[] = [];
  /** The fewest hosts that clients were told of since the first. */
  fewest: number = Infinity;

  #heedDns(): void {
    for (const server of this.dns.has(NS1) ? [NS1, NS2] : []) {
      const told = this.told(server);
      if (told.length > 0 || this.fewest < Infinity) this.fewest = Math.min(this.fewest, told.length);
      const silent = told.filter(
        (host) => this.fleet.hosts.has(host) && !answers(this.fleet.host(host), "shop", this.clock.now()),
      );
      this.misled.push(...silent.map((host) => `${server.name} tells of ${host} at ${String(this.clock.now())}`));
    }
  }

  /** Runs a command as a process of its own, to its end or until it is killed: then the exit code is null. */
  async run(command: (context: Context) => Promise<number>, process: Process = new Process()): Promise<number | null> {
    const killed = this.#whenKilled(process);
    return await this.clock.drive(Promise.race([command(this.#context(process)), killed]));
  }

  async #whenKilled(process: Process): Promise<null> {
    const never = new AbortController().signal;
    // oxlint-disable-next-line no-await-in-loop -- a look every virtual second is the whole point
    while (!process.isDead) await this.clock.sleep(1000, never);
    return null;
  }

  #context(process: Process): Context {
    return {
      options: { output: "text", yes: true, forks: 10, timeout: 30_000 },
      folder: "/fleet",
      files: this.files,
      clock: mortalClock(this.clock, process),
      print: { line: (text) => process.lines.push(text), paint: (_style, text) => text, verbose: false },
      templates: { haproxy: HAPROXY_TEMPLATE, keepalived: "", named: "", zone: "", ...TEMPLATES },
      operator: "test@here",
      newRunId: () => {
        this.#runs += 1;
        return `run-${String(this.#runs)}`;
      },
      confirm: null,
      connect: () => {
        process.transport = mortalTransport(createFakeTransport(this.fleet), process, () => {
          this.lowest = Math.min(this.lowest, ...this.#serving());
          this.#heedDns();
        });
        return {
          transport: process.transport,
          store: mortalStore(this.store, process),
          dns: mortalDns(createFakeDnsClient(this.dns, this.clock), process),
        };
      },
      interrupts: { stop: process.stop.signal, drop: process.drop.signal },
    };
  }

  /** Every balancer's servers with their state and their mark in the file, as `lb1 shop/app1 ready`. */
  servers(): readonly string[] {
    return ["lb1", "lb2"].flatMap((name) => {
      const { servers } = fakeHaproxy(this.fleet.host(name));
      const marks = normalizeHaproxy(this.fleet.host(name).text(CONFIG) ?? "").disabled;
      return [...servers.values()].map(({ ref, admin }) => `${name} ${ref} ${admin}${marks.has(ref) ? " marked" : ""}`);
    });
  }

  /** haproxy.cfg as it lies on each balancer. */
  configs(): readonly (string | null)[] {
    return ["lb1", "lb2"].map((name) => this.fleet.host(name).text(CONFIG));
  }

  /** The release each app host runs, without its hash; null: stopped or not there. */
  releases(): Readonly<Record<string, string | null>> {
    return Object.fromEntries(
      ["app1", "app2", "app3"].map((name): [string, string | null] => {
        const app = fakeApps(this.fleet.host(name)).get("shop");
        const runs = app?.started === null ? null : (app?.current?.release ?? null);
        return [name, runs?.replace(/-[0-9a-f]{12}$/, "") ?? null];
      }),
    );
  }

  #serving(): readonly number[] {
    return ["lb1", "lb2"].map((name) => {
      const servers = [...fakeHaproxy(this.fleet.host(name)).servers.values()];
      const good = servers.filter(({ admin, health, rise, name: host }) => {
        return admin === "ready" && health >= rise && answers(this.fleet.host(host), "shop", this.clock.now());
      });
      return good.length;
    });
  }

  /** Requests that users lost, on all balancers together. */
  lost(): number {
    const all = ["lb1", "lb2"].flatMap((name) => [...fakeHaproxy(this.fleet.host(name)).servers.values()]);
    return all.reduce((sum, server) => sum + server.econ, 0);
  }

  /** The release that the app's file names. */
  written(): string | undefined {
    return /^release: "(.*)" {3}# kept by an edit$/m.exec(this.files.texts.get("apps/shop.yaml") ?? "")?.[1];
  }
}

function observed(fleet: FakeFleet, host: FakeHost): string {
  const sections = {
    change: host.epoch === 0 ? "" : `${host.epoch} test/run\n`,
    platform: PLATFORM,
    release: printReleaseFact(host),
    lb: host.name.startsWith("lb") ? printLbFact(host) : "",
    vip: host.name.startsWith("lb") ? printVipFact(fleet, host, ADDRESSES) : "",
    firewall: printFirewallFact(fleet, host),
    named: "end 796573\n",
    resolver: "end 796573\n",
    former: "",
    clock: `${String(Math.floor(fleet.clock.now() / 1000))}\n`,
    state: "",
  };
  return Object.entries(sections)
    .map(([name, text]) => `${name} 0 ${Buffer.from(text).toString("base64")}\n`)
    .join("");
}

/** What a killed process had asked for may still happen; its answer reaches nobody, and nothing new is asked. */
function mortalTransport(inner: Transport, process: Process, look: () => void): Transport {
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (process.isDead) return await NEVER;
    const result = await work();
    look();
    return process.isDead ? await NEVER : result;
  };
  return {
    exec: (host, request, limits) => alive(() => inner.exec(host, request, limits)),
    open: (host, request, limits) =>
      alive(async () => {
        const opened = await inner.open(host, request, limits);
        if (opened.kind === "failed") return opened;
        const { channel } = opened;
        const ask: typeof channel.ask = (payload, how) => alive(() => channel.ask(payload, how));
        return { kind: "open", channel: { ...channel, ask } };
      }),
    expect: (hosts) => {
      if (!process.isDead) inner.expect(hosts);
    },
    execs: () => inner.execs(),
    close: () => inner.close(),
  };
}

function mortalDns(inner: DnsClient, process: Process): DnsClient {
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (process.isDead) return await NEVER;
    const result = await work();
    return process.isDead ? await NEVER : result;
  };
  return {
    query: (...asked) => alive(() => inner.query(...asked)),
    update: (...asked) => alive(() => inner.update(...asked)),
    probe: (...asked) => alive(() => inner.probe(...asked)),
    close: () => inner.close(),
  };
}

function mortalStore(inner: FakeStore, process: Process): Store {
  return {
    fact: inner.fact,
    read: inner.read,
    acquire: async (who, limits) => {
      const result = await inner.acquire(who, limits);
      return result.kind === "held" ? { kind: "held", lease: mortalLease(inner, result.lease, process) } : result;
    },
  };
}

function mortalLease(store: FakeStore, lease: Lease, process: Process): Lease {
  return {
    ...lease,
    append: async (rollout, lines) => {
      if (process.isDead) return await NEVER;
      process.appends += 1;
      const isLast = process.appends === process.killAt;
      if (!isLast || process.killAfterWrite) await lease.append(rollout, lines);
      if (!isLast) return;
      process.isDead = true;
      store.lose();
      return await NEVER;
    },
    setOpen: (app, rollout) => (process.isDead ? NEVER : lease.setOpen(app, rollout)),
    setDrain: (host, drain) => (process.isDead ? NEVER : lease.setDrain(host, drain)),
    setLedger: (ledger) => (process.isDead ? NEVER : lease.setLedger(ledger)),
    setServices: (services) => (process.isDead ? NEVER : lease.setServices(services)),
    release: () => (process.isDead ? NEVER : lease.release()),
  };
}

function mortalClock(clock: Clock, process: Process): Clock {
  return {
    now: () => clock.now(),
    sleep: async (ms, signal) => {
      await clock.sleep(ms, signal);
      if (process.isDead) await NEVER;
    },
  };
}
