import type { DnsZone } from "../../../src/model/zone.ts";
import { canonicalJson, sha256 } from "../../../src/model/hash.ts";
import type { ResolverModel } from "../../../src/model/resolver.ts";
import type { Topology } from "../../../src/model/topology.ts";
import type { ResolverFacts } from "../../../src/resolver/facts.ts";
import { renderDropIn, renderResolvConf } from "../../../src/resolver/render.ts";
import { exampleApp } from "../../support/release.ts";
import { exampleZone } from "../../support/zone.ts";

export const ZONE: DnsZone = exampleZone();

export const MODEL: ResolverModel = {
  zone: "svc.lab.internal",
  servers: ["192.168.56.31", "192.168.56.32"],
  recursive: true,
};

/** app1 runs an app that talks to another, app2 runs the other, v4 has IPv4 alone; two DNS servers. */
export function topologyWith(changes: Partial<Topology> = {}): Topology {
  const host = (name: string, ...addresses: readonly string[]): Topology["hosts"][number] => ({
    name,
    addresses,
    tags: {},
  });
  const on = (app: string, name: string) => ({ app, host: name, address: "192.168.56.21", port: 8080, weight: 1 });
  return {
    fleet: "test",
    hosts: [
      host("app1", "192.168.56.21", "fd00:56::21"),
      host("app2", "192.168.56.22", "fd00:56::22"),
      host("v6", "fd00:56::23"),
      host("dns1", "192.168.56.31", "fd00:56::31"),
      host("dns2", "192.168.56.32", "fd00:56::32"),
    ],
    balancers: [],
    apps: [
      { ...exampleApp({ name: "orders" }), instances: [on("orders", "app2")] },
      { ...exampleApp({ name: "shop", talksTo: ["orders"] }), instances: [on("shop", "app1"), on("shop", "v6")] },
    ],
    state: { store: "ssh", host: "dns1" },
    ssh: { port: 22 },
    dns: { servers: { kind: "hosts", hosts: ["dns1", "dns2"] }, zone: ZONE },
    firewall: null,
    ...changes,
  };
}

export const PLAIN = "search example.test\nnameserver 192.0.2.1\noptions rotate edns0 timeout:3\n";

/** A host with a plain resolv.conf that drover has not touched. */
export function plainFacts(changes: Partial<ResolverFacts> = {}): ResolverFacts {
  return {
    resolvConf: { kind: "file", text: PLAIN, sha256: sha256(PLAIN), mode: "0644", owner: "0:0" },
    resolved: null,
    dropIn: null,
    manifest: null,
    original: null,
    interrupted: false,
    ...changes,
  };
}

/** A host on which the model was installed into its plain resolv.conf. */
export function fileFacts(model: ResolverModel = MODEL, changes: Partial<ResolverFacts> = {}): ResolverFacts {
  const text = renderResolvConf(model, PLAIN);
  const original = { sha256: sha256(PLAIN), mode: "0644", owner: "0:0" };
  return plainFacts({
    resolvConf: { kind: "file", text, sha256: sha256(text), mode: "0644", owner: "0:0" },
    manifest: { model, way: "file", sha256: sha256(text), original },
    original: PLAIN,
    ...changes,
  });
}

/** A host on which systemd-resolved was told. */
export function resolvedFacts(model: ResolverModel = MODEL, changes: Partial<ResolverFacts> = {}): ResolverFacts {
  const text = renderDropIn(model);
  return plainFacts({
    resolvConf: { kind: "stub" },
    resolved: { others: [] },
    dropIn: { text, sha256: sha256(text) },
    manifest: { model, way: "resolved", sha256: sha256(text), original: null },
    ...changes,
  });
}

/** What the fact prints of these. */
export function printed(sections: Readonly<Record<string, string>>): string {
  return Object.entries({ ...sections, end: "yes" })
    .map(([key, value]) => `${key} ${Buffer.from(value).toString("hex")}\n`)
    .join("");
}

/** What the fact prints on a host with these facts, as far as they can be told back. */
export function printFacts({ resolvConf, resolved, dropIn, manifest, original }: ResolverFacts): string {
  return printed({
    ...(resolvConf.kind === "file"
      ? { text: resolvConf.text, sha256: resolvConf.sha256, mode: resolvConf.mode, owner: resolvConf.owner }
      : {}),
    ...(resolvConf.kind === "stub" ? { link: "/run/systemd/resolve/stub-resolv.conf" } : {}),
    ...(resolvConf.kind === "symlink" ? { link: resolvConf.target } : {}),
    ...(resolved === null ? {} : { resolved: `[Resolve]\nDNS=${resolved.others.join(" ")}\n`, uplinks: "" }),
    ...(dropIn === null ? {} : { dropin: dropIn.text, dropinsum: dropIn.sha256 }),
    ...(manifest === null ? {} : { manifest: canonicalJson(manifest) }),
    ...(original === null ? {} : { original }),
  });
}
