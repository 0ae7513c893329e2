import { readFileSync } from "node:fs";
import { namedFact } from "../../src/named/facts.ts";
import { resolverFact } from "../../src/resolver/facts.ts";
import { firewallFact, type FirewallFacts } from "../../src/firewall/facts.ts";
import type { Action } from "../../src/model/action.ts";
import type { LbModel } from "../../src/model/lb.ts";
import type { App, Host } from "../../src/model/fleet.ts";
import type { DnsZone } from "../../src/model/zone.ts";
import { sha256 } from "../../src/model/hash.ts";
import { known } from "../../src/model/known.ts";
import type { Topology, TopologyApp, TopologyBalancer } from "../../src/model/topology.ts";
import { bundleHash } from "../../src/lb/bundle.ts";
import { hashesOf } from "../../src/lb/change.ts";
import { configHash } from "../../src/lb/diff.ts";
import type { LbFacts } from "../../src/lb/facts.ts";
import { DEFAULT_SETTINGS } from "../../src/inventory/schema/defaults.ts";
import { normalizeHaproxy, refName, setAddress, setDisabled } from "../../src/lb/normalize.ts";
import type { AdminState, ServerStat } from "../../src/lb/parse.ts";
import type { VipFacts } from "../../src/vip/facts.ts";
import type { DesiredApp, HostView, PlanInput } from "../../src/plan/input.ts";
import { desiredInstance } from "../../src/release/desired.ts";
import type { InstanceFacts, ReleaseFacts } from "../../src/release/facts.ts";
import { PaperZone } from "./paper-zone.ts";
import { exampleApp, TEMPLATES } from "./release.ts";

export const HAPROXY_TEMPLATE: string = readFileSync(
  new URL("../../templates/haproxy.cfg.hbs", import.meta.url),
  "utf8",
);

/** What a balancer set is besides its name and hosts: no VIP, no certificates, all defaults. */
const PLAIN_SET: Omit<TopologyBalancer, "name" | "hosts"> = {
  vips: [],
  virtualRouterId: null,
  failover: "standard",
  interface: null,
  certificates: [],
  settings: DEFAULT_SETTINGS,
};

/** One app as a test wants it, on these hosts. */
export interface AppSketch {
  readonly name: string;
  readonly release: string;
  readonly hosts: readonly string[];
  /** Balancer sets that carry it; none: a worker. */
  readonly sets: readonly string[];
  readonly rollout: Partial<App["rollout"]>;
  /** Where it listens if it is routed; 8080 where nothing is said. */
  readonly port?: number;
}

/** A whole fleet in a few words. */
export interface FleetSketch {
  readonly hosts: readonly string[];
  readonly balancers: Readonly<Record<string, readonly string[]>>;
  readonly apps: readonly AppSketch[];
  /** Hosts that somebody took out. */
  readonly drained?: readonly string[];
  /** Where apps are published; nowhere where nothing is said. */
  readonly zone?: DnsZone;
  /** Whether DNS may be left without any instance. */
  readonly allowEmpty?: boolean;
}

/** An app host in memory. */
interface Machine {
  readonly apps: Map<string, Running>;
  /** By `app/release`: hashes of unit and drop-in as staged. */
  readonly staged: Map<string, { readonly unit: string; readonly dropIn: string }>;
}

interface Running {
  release: string;
  unit: string;
  dropIn: string;
  port: number | null;
  isUp: boolean;
}

/** A balancer in memory. */
interface Balancer {
  text: string | null;
  model: LbModel | null;
  files: Readonly<Record<string, string>>;
  /** By the hash of a whole bundle. */
  readonly kept: Map<string, { readonly text: string; readonly files: Readonly<Record<string, string>> }>;
  readonly admin: Map<string, AdminState>;
}

/** What a server becomes by an action on it. */
const ADMIN: Readonly<Record<string, AdminState>> = {
  "lb.drain": "drain",
  "lb.prove": "drain",
  "lb.maint": "maint",
  "lb.ready": "ready",
  "lb.rejoin": "ready",
};

const PROCESSES: LbFacts["live"]["processes"] = {
  master: { pid: 1, reloads: 0, failed: 0 },
  current: { pid: 2, reloads: 0, uptime: 1 },
  old: [],
};

/** A balancer without keepalived. */
const NO_VIP: VipFacts = {
  stable: {
    installed: false,
    package: "keepalived",
    active: false,
    enabled: false,
    config: null,
    check: null,
    dropIn: null,
    manifest: null,
    interrupted: false,
    yielded: false,
    interfaces: {},
  },
  live: { holds: [], alive: false },
};

/** A host whose firewall drover never touched. */
const UNMANAGED = firewallFact(false).parse("none\n");
const NO_FIREWALL: FirewallFacts = {
  ...UNMANAGED,
  live: { ...UNMANAGED.live, operator: { from: "10.0.9.1", to: "10.0.0.1", port: 22 } },
};

function addressesIn(model: LbModel | null): LbFacts["live"]["addresses"] {
  const apps = Object.values(model?.apps ?? {});
  const all = apps.flatMap(({ app, servers }) =>
    servers.map(({ name, address, port }) => [`${app}/${name}`, { address, port }] as const),
  );
  return Object.fromEntries(all);
}

/** The topology a sketch describes; hosts, then balancers, then the state host. */
export function topologyOf(sketch: FleetSketch): Topology {
  const lbs = [...new Set(Object.values(sketch.balancers).flat())];
  const hosts = [...sketch.hosts, ...lbs, "dns1"].map((name, index): Host => {
    return { name, addresses: [`10.0.0.${String(index + 1)}`], tags: {} };
  });
  const apps = sketch.apps.map((app) => appOf(app, hosts));
  return {
    fleet: "test",
    hosts,
    balancers: Object.entries(sketch.balancers)
      .map(([name, members]) => ({ ...PLAIN_SET, name, hosts: members }))
      .toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    apps: apps.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    state: { store: "ssh", host: "dns1" },
    ssh: { port: 22 },
    dns: sketch.zone === undefined ? null : { servers: ELSEWHERE, zone: sketch.zone },
    firewall: null,
  };
}

const ELSEWHERE = { kind: "addresses", addresses: [{ address: "10.0.9.53", port: 53 }] } as const;

function appOf(
  { name, release, hosts: wanted, sets, rollout, port: at = 8080 }: AppSketch,
  hosts: readonly Host[],
): TopologyApp {
  const port = sets.length === 0 ? null : at;
  const base = exampleApp();
  return {
    ...base,
    name,
    release,
    file: `apps/${name}.yaml`,
    artifact: { kind: "file", path: `dist/${name}-${release}.tar.gz`, sha256: null },
    port,
    health: port === null ? { ...base.health, probe: { kind: "process" } } : base.health,
    run: ["./bin/app"],
    routes: sets.map((lb) => ({ kind: "http", lb, hosts: [`${name}.test`], path: "/", tls: "auto", redirect: true })),
    rollout: { ...base.rollout, ...rollout },
    instances: hosts
      .filter((host) => wanted.includes(host.name))
      .map((host) => ({ app: name, host: host.name, address: host.addresses[0] ?? "", port, weight: 1 })),
  };
}

/** What the files of a sketch want, with made-up artifacts: the release's name decides the bytes. */
function desiredOf(topology: Topology): ReadonlyMap<string, DesiredApp> {
  return new Map(
    topology.apps.map((app): [string, DesiredApp] => {
      const path = app.artifact.kind === "file" ? app.artifact.path : "";
      const artifact = { path, size: 1000, sha256: sha256(path) };
      const instances = app.instances.map((instance) =>
        desiredInstance({
          app,
          instance,
          artifactSha256: artifact.sha256,
          secrets: {},
          variables: {},
          templates: TEMPLATES,
        }),
      );
      return [app.name, { artifact, instances, edit: null }];
    }),
  );
}

/** A host on which drover has touched neither BIND nor how names are found. */
const NO_NAMED = namedFact.parse("end 796573\n");
const NO_RESOLVER = resolverFact.parse("end 796573\n");

/**
 * Hosts and balancers as state that actions change, without scripts, sockets or time: what a plan comes to when every
 * step does what its name says. Facts are read off the state as the real facts would tell them.
 */
export class PaperFleet {
  readonly machines: Map<string, Machine> = new Map();
  readonly balancers: Map<string, Balancer> = new Map();
  readonly zone: PaperZone = new PaperZone();

  /** Everything a plan towards this sketch is made from. */
  input(sketch: FleetSketch, open: Readonly<Record<string, string>> = {}): PlanInput {
    const topology = topologyOf(sketch);
    const lbs = new Set(topology.balancers.flatMap((set) => set.hosts));
    const views = topology.hosts.map(({ name }): [string, HostView] => {
      const platform = known({ systemd: 252, architecture: "x86_64", freeBytes: 1e9, missing: [] });
      return [
        name,
        {
          lastChange: known({ epoch: 0, fleet: null }),
          platform,
          release: known(this.#release(name)),
          lb: lbs.has(name) ? known(this.#lb(name)) : null,
          vip: lbs.has(name) ? known(NO_VIP) : null,
          firewall: known(NO_FIREWALL),
          named: known(NO_NAMED),
          resolver: known(NO_RESOLVER),
          former: lbs.has(name) ? null : known({ haproxy: false, keepalived: false }),
        },
      ];
    });
    return {
      topology,
      templates: { haproxy: HAPROXY_TEMPLATE, keepalived: "", named: "", zone: "" },
      certificates: new Map(),
      desired: desiredOf(topology),
      views: new Map(views),
      epoch: 1,
      running: null,
      ledger: null,
      dns: this.zone.input(topology),
      services: null,
      allowEmpty: sketch.allowEmpty ?? false,
      open,
      drains: Object.fromEntries(
        (sketch.drained ?? []).map((host) => [host, { reason: "a test", operator: "me@here", since: "2026-01-01" }]),
      ),
    };
  }

  machine(host: string): Machine {
    const machine = this.machines.get(host) ?? { apps: new Map(), staged: new Map() };
    this.machines.set(host, machine);
    return machine;
  }

  balancer(host: string): Balancer {
    const balancer = this.balancers.get(host) ?? {
      text: null,
      model: null,
      files: {},
      kept: new Map(),
      admin: new Map(),
    };
    this.balancers.set(host, balancer);
    return balancer;
  }

  /** Servers that do not get traffic, as `balancer backend/server`. */
  drained(): readonly string[] {
    return [...this.balancers].flatMap(([name, { admin, text }]) => {
      const marks = normalizeHaproxy(text ?? "").disabled;
      return [...admin]
        .filter(([server, state]) => state !== "ready" || marks.has(server))
        .map(([server]) => `${name} ${server}`);
    });
  }

  /** What is configured everywhere, for comparing; whether an instance is up at the moment is not part of it. */
  picture(): unknown {
    const lbs = [...this.balancers].map(([name, { text, model, admin }]) => ({
      name,
      text,
      model,
      admin: [...admin].map(([server, state]) => `${server} ${state}`).toSorted(),
    }));
    const apps = [...this.machines].map(([name, machine]) => ({
      name,
      apps: [...machine.apps].map(([app, { release, unit, dropIn, port }]) => ({ app, release, unit, dropIn, port })),
    }));
    for (const { apps: own } of apps) own.sort((left, right) => (left.app < right.app ? -1 : 1));
    return { lbs: lbs.filter(({ text }) => text !== null), apps: apps.filter((each) => each.apps.length > 0) };
  }

  /** Does what an action says; throws where the real thing could only fail, as that is a mistake in a plan. */
  act(action: Action): void {
    switch (action.kind) {
      case "lb.install":
        this.#install(action);
        return;
      case "lb.restore":
        this.#restore(action.balancer, action.sha256, action.model);
        return;
      case "lb.move":
        this.#move(action);
        return;
      case "lb.mark": {
        this.#mustList(action.balancer, refName(action.server));
        const lb = this.balancer(action.balancer);
        lb.text = setDisabled(lb.text ?? "", action.server, action.disabled);
        return;
      }
      case "release.stage":
      case "release.unstage":
      case "release.switch":
      case "release.remove":
        this.#actRelease(action);
        return;
      default: {
        this.zone.act(action);
        const admin = ADMIN[action.kind];
        if (admin !== undefined && "server" in action) this.#setAdmin(action.balancer, refName(action.server), admin);
      }
    }
  }

  #actRelease(
    action: Extract<Action, { kind: "release.stage" | "release.unstage" | "release.switch" | "release.remove" }>,
  ): void {
    const { host, app } = action;
    const { apps, staged } = this.machine(host);
    switch (action.kind) {
      case "release.stage":
        staged.set(`${app}/${action.release}`, { unit: sha256(action.unit), dropIn: sha256(action.dropIn) });
        return;
      case "release.unstage":
        if (apps.get(app)?.release !== action.release) staged.delete(`${app}/${action.release}`);
        return;
      case "release.switch": {
        const { release, port } = action;
        const files = staged.get(`${app}/${release}`);
        if (files === undefined) throw new Error(`${app} ${release} is not staged on ${host}`);
        apps.set(app, { release, ...files, port, isUp: true });
        return;
      }
      case "release.remove":
        apps.delete(app);
        return;
    }
  }

  #install({ balancer, config, model, files }: Extract<Action, { kind: "lb.install" }>): void {
    const lb = this.balancer(balancer);
    if (lb.text !== null) lb.kept.set(bundleHash(lb.text, lb.files), { text: lb.text, files: lb.files });
    lb.text = config;
    lb.files = hashesOf({ config, files });
    lb.model = model;
    this.#reload(balancer);
  }

  #restore(name: string, hash: string | null, model: LbModel | null): void {
    const lb = this.balancer(name);
    const now = lb.text === null ? null : { text: lb.text, files: lb.files };
    const isNow = now !== null && bundleHash(now.text, now.files) === hash;
    const kept = hash === null ? { text: null, files: {} } : isNow ? now : lb.kept.get(hash);
    if (kept === undefined) throw new Error(`${name} keeps no file ${String(hash)}`);
    lb.text = kept.text;
    lb.files = kept.files;
    lb.model = model;
    this.#reload(name);
  }

  /** As the real one: in place, and only while no traffic goes there. */
  #move({ balancer, server, from, to }: Extract<Action, { kind: "lb.move" }>): void {
    const name = refName(server);
    this.#mustList(balancer, name);
    const lb = this.balancer(balancer);
    if (lb.admin.get(name) === "ready") throw new Error(`${name} serves on ${balancer} and cannot move`);
    const app = lb.model?.apps[server.backend];
    if (lb.model === null || app === undefined) throw new Error(`${balancer} carries no ${server.backend}`);
    const servers = app.servers.map((each) => {
      if (each.name !== server.server) return each;
      if (each.port !== from.port && each.port !== to.port) throw new Error(`${name} is at ${String(each.port)}`);
      return { ...each, ...to };
    });
    lb.model = { ...lb.model, apps: { ...lb.model.apps, [app.app]: { ...app, servers } } };
    lb.text = setAddress(lb.text ?? "", server, to);
  }

  /** Servers keep their state over a reload if they were there; new ones begin as the file says. */
  #reload(name: string): void {
    const lb = this.balancer(name);
    const marks = normalizeHaproxy(lb.text ?? "").disabled;
    const apps = Object.values(lb.text === null ? {} : (lb.model?.apps ?? {}));
    const names = apps.flatMap(({ app, servers }) => servers.map((each) => `${app}/${each.name}`));
    const before = new Map(lb.admin);
    lb.admin.clear();
    for (const each of names) {
      const was = before.get(each);
      lb.admin.set(each, marks.has(each) ? (was === "ready" || was === undefined ? "maint" : was) : "ready");
    }
  }

  #setAdmin(balancer: string, server: string, state: AdminState): void {
    this.#mustList(balancer, server);
    this.balancer(balancer).admin.set(server, state);
  }

  #mustList(balancer: string, server: string): void {
    if (!this.balancer(balancer).admin.has(server)) throw new Error(`${balancer} has no server ${server}`);
  }

  #release(host: string): ReleaseFacts {
    const machine = this.machine(host);
    const apps = [...machine.apps].map(([app, running]): InstanceFacts => {
      const { release, unit, dropIn, port, isUp } = running;
      const staged = [...machine.staged.keys()].filter((each) => each.startsWith(`${app}/`)).toSorted();
      const state = isUp ? { active: "active", sub: "running" } : { active: "failed", sub: "failed" };
      return {
        app,
        manifest: { app, release, unit, dropIn, port },
        release,
        unit,
        dropIn,
        foreignDropIns: [],
        boot: true,
        switching: null,
        state: { ...state, needsReload: false, mainPid: 1, restarts: 0 },
        staged: staged.map((each) => ({ release: each.slice(app.length + 1), healthy: 1 })),
      };
    });
    return { apps: apps.toSorted((left, right) => (left.app < right.app ? -1 : 1)), orphans: [] };
  }

  #lb(name: string): LbFacts {
    const { text, model, files, admin } = this.balancer(name);
    const servers = [...admin].map(([server, state]): [string, ServerStat] => [server, this.#stat(server, state)]);
    return {
      stable: {
        installed: true,
        package: "haproxy",
        active: text !== null,
        config: text === null ? null : { sha256: sha256(text), text },
        disabled: text === null ? [] : [...normalizeHaproxy(text).disabled].toSorted(),
        admin: text === null ? null : Object.fromEntries(admin),
        files,
        manifest: text === null || model === null ? null : { model, sha256: configHash(text), files: {} },
        interrupted: false,
      },
      live: {
        servers: Object.fromEntries(servers),
        addresses: addressesIn(model),
        followed: {},
        about: null,
        processes: PROCESSES,
      },
    };
  }

  #stat(name: string, state: AdminState): ServerStat {
    const [backend = "", server = ""] = name.split("/");
    const isUp = this.machine(server).apps.get(backend)?.isUp === true;
    const status = state === "ready" ? (isUp ? "UP" : "DOWN") : state === "drain" ? "DRAIN" : "MAINT";
    const counters = {
      scur: 0,
      qcur: 0,
      stot: 0,
      econ: 0,
      eresp: 0,
      wretr: 0,
      wredis: 0,
      hrsp5xx: 0,
      rate: 0,
      lastchg: 0,
    };
    const checks = { chkdown: 0, checkHealth: 3, checkRise: 3, checkFall: 3 };
    return { backend, server, status, checkStatus: "L7OK", checkCode: 200, checkDuration: 1, ...counters, ...checks };
  }
}
