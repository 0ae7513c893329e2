import { readFileSync } from "node:fs";
import type { LbSettings } from "../../../src/model/fleet.ts";
import type { Topology, TopologyBalancer } from "../../../src/model/topology.ts";
import type { VipModel } from "../../../src/model/vip.ts";
import type { VipFacts } from "../../../src/vip/facts.ts";
import { CHECK_SCRIPT } from "../../../src/vip/check.ts";
import { DROP_IN_TEXT } from "../../../src/vip/drop-in.ts";
import { renderKeepalived } from "../../../src/vip/render.ts";
import { sha256 } from "../../../src/model/hash.ts";

/** The template as drover ships it. */
export const KEEPALIVED_TEMPLATE: string = readFileSync(
  new URL("../../../templates/keepalived.conf.hbs", import.meta.url),
  "utf8",
);

/** lb1 of the lab's pair. */
export const LB1: VipModel = {
  set: "edge",
  host: "lb1",
  address: "192.168.56.11",
  peers: ["192.168.56.12"],
  interface: "eth0",
  virtualRouterId: 51,
  priority: 250,
  failover: "standard",
  vips: [
    { address: "192.168.56.10", prefix: 24 },
    { address: "fd00:56::10", prefix: 64 },
  ],
};

/** The text of a model by the shipped template. */
export function textOf(model: VipModel): string {
  return renderKeepalived(KEEPALIVED_TEMPLATE, model);
}

const NONE = { connect: 0, client: 0, server: 0, queue: 0, httpRequest: 0, httpKeepAlive: 0, tunnel: 0, clientFin: 0 };
const SETTINGS: LbSettings = {
  maxConnections: 1,
  timeouts: NONE,
  hardStopAfter: 0,
  tls: { minVersion: "TLSv1.2", ciphers: [], cipherSuites: [], hsts: 0, http2: true },
  metrics: null,
  log: { target: "/dev/log", requests: false },
  responseHeaders: {},
};

/** A topology of three balancers, two addresses each, and the sets a test wants. */
export function topologyWith(...sets: readonly Partial<TopologyBalancer>[]): Topology {
  return {
    fleet: "test",
    hosts: [1, 2, 3].map((n) => ({
      name: `lb${String(n)}`,
      addresses: [`10.0.0.${String(n)}`, `192.168.56.1${String(n)}`, `fd00:56::1${String(n)}`],
      tags: {},
    })),
    balancers: sets.map((set) => ({
      name: "edge",
      hosts: ["lb1", "lb2"],
      vips: LB1.vips,
      virtualRouterId: 51,
      failover: "standard",
      interface: null,
      certificates: [],
      settings: SETTINGS,
      ...set,
    })),
    apps: [],
    state: { store: "ssh", host: "lb3" },
    ssh: { port: 22 },
    dns: null,
    firewall: null,
  };
}

/** Facts of a balancer on which a model's file was installed and runs. */
export function factsWith(model: VipModel, changes: Partial<VipFacts["stable"]> = {}): VipFacts {
  const text = textOf(model);
  return {
    stable: {
      installed: true,
      package: "keepalived",
      active: true,
      enabled: true,
      config: { sha256: sha256(text), text },
      check: CHECK_SCRIPT,
      dropIn: DROP_IN_TEXT,
      manifest: { model, sha256: sha256(text) },
      interrupted: false,
      yielded: false,
      interfaces: { [model.address]: "eth0" },
      ...changes,
    },
    live: { holds: [], alive: true },
  };
}
