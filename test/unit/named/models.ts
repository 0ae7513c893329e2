import { readFileSync } from "node:fs";
import { sha256 } from "../../../src/model/hash.ts";
import type { NamedModel } from "../../../src/model/named.ts";
import type { Topology } from "../../../src/model/topology.ts";
import type { NamedFacts } from "../../../src/named/facts.ts";
import { exampleZone } from "../../support/zone.ts";
import { renderNamed, renderZone } from "../../../src/named/render.ts";

function template(name: string): string {
  return readFileSync(new URL(`../../../templates/${name}`, import.meta.url), "utf8");
}

/** The templates as drover ships them. */
export const NAMED_TEMPLATE: string = template("named.conf.hbs");
export const ZONE_TEMPLATE: string = template("zone.hbs");

const SERVERS = [
  { host: "dns1", addresses: ["192.168.56.31", "fd00:56::31"] },
  { host: "dns2", addresses: ["192.168.56.32", "fd00:56::32"] },
];

/** dns1 of a pair. */
export const PRIMARY: NamedModel = {
  zone: "svc.lab.internal",
  role: "primary",
  peers: ["192.168.56.32", "fd00:56::32"],
  key: { name: "drover", algorithm: "hmac-sha256", fingerprint: "a1".repeat(32) },
  clients: [
    "10.7.0.0/16",
    "192.168.56.21/32",
    "192.168.56.31/32",
    "192.168.56.32/32",
    "fd00:56::31/128",
    "fd00:56::32/128",
  ],
  forwarders: [],
  initial: { negativeTtl: 5, addressTtl: 60, owner: "lab", servers: SERVERS },
};

/** dns2 of the pair. */
export const SECONDARY: NamedModel = {
  ...PRIMARY,
  role: "secondary",
  peers: ["192.168.56.31", "fd00:56::31"],
  initial: null,
};

/** named.conf of a model by the shipped template. */
export function configOf(model: NamedModel): string {
  return renderNamed(NAMED_TEMPLATE, model);
}

/** The zone's first contents by the shipped template. */
export function zoneOf(model: NamedModel): string {
  return renderZone(ZONE_TEMPLATE, model);
}

/** A topology of two DNS hosts and one more. */
export function topologyWith(changes: Partial<Topology> = {}): Topology {
  return {
    fleet: "lab",
    hosts: [
      { name: "app1", addresses: ["192.168.56.21"] },
      ...SERVERS.map(({ host, addresses }) => ({ name: host, addresses })),
    ].map((host) => ({ ...host, tags: {} })),
    balancers: [],
    apps: [],
    state: { store: "ssh", host: "dns1" },
    ssh: { port: 22 },
    dns: {
      servers: { kind: "hosts", hosts: ["dns1", "dns2"] },
      zone: exampleZone(),
    },
    firewall: { admin: ["10.7.0.0/16"], metrics: [], policies: [], confirm: 30_000, sever: false, log: false },
    ...changes,
  };
}

/** Facts of a host on which a model's files were installed and run. */
export function factsWith(model: NamedModel, changes: Partial<NamedFacts> = {}): NamedFacts {
  const sum = sha256(configOf(model));
  return {
    installed: true,
    package: "bind9",
    version: "9.18.49-1~deb12u3-Debian",
    active: true,
    enabled: true,
    sha256: sum,
    manifest: { model, sha256: sum },
    key: "right",
    zones: model.role === "primary" ? [model.zone] : [],
    copies: model.role === "secondary" ? [model.zone] : [],
    interrupted: false,
    ...changes,
  };
}
