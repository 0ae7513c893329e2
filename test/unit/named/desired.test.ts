import { expect, test } from "vitest";
import type { DnsZone } from "../../../src/model/zone.ts";
import type { Topology } from "../../../src/model/topology.ts";
import { desiredNamed } from "../../../src/named/desired.ts";
import { PRIMARY, SECONDARY, topologyWith } from "./models.ts";

const { key } = PRIMARY;

function dnsOf({ dns }: Topology): NonNullable<Topology["dns"]> & { readonly zone: DnsZone } {
  if (dns?.zone === null || dns === null) throw new Error("the test's topology has a zone");
  return { ...dns, zone: dns.zone };
}

test("the first DNS host of the inventory is the primary, the others follow it", () => {
  expect(desiredNamed(topologyWith(), "dns1", key)).toEqual(PRIMARY);
  expect(desiredNamed(topologyWith(), "dns2", key)).toEqual(SECONDARY);
});

test("turned around, so are their roles", () => {
  const dns = { ...dnsOf(topologyWith()), servers: { kind: "hosts", hosts: ["dns2", "dns1"] } as const };
  const model = desiredNamed(topologyWith({ dns }), "dns2", key);
  expect(model).toMatchObject({ role: "primary", peers: ["192.168.56.31", "fd00:56::31"] });
  expect(model?.initial?.servers.map(({ host }) => host)).toEqual(["dns2", "dns1"]);
});

test("a lone server is a primary that tells nobody", () => {
  const dns = { ...dnsOf(topologyWith()), servers: { kind: "hosts", hosts: ["dns2"] } as const };
  expect(desiredNamed(topologyWith({ dns }), "dns2", key)).toMatchObject({ role: "primary", peers: [] });
  expect(desiredNamed(topologyWith({ dns }), "dns1", key)).toBeNull();
});

test.for<readonly [string, Topology["dns"]]>([
  ["no DNS", null],
  ["no zone", { ...dnsOf(topologyWith()), zone: null }],
  [
    "servers of somebody else",
    { ...dnsOf(topologyWith()), servers: { kind: "addresses", addresses: [{ address: "192.168.56.31", port: 53 }] } },
  ],
])("%s: BIND is none of drover's business", ([, dns]) => {
  expect(desiredNamed(topologyWith({ dns }), "dns1", key)).toBeNull();
});

test("a host that is none of the servers has none", () => {
  expect(desiredNamed(topologyWith(), "app1", key)).toBeNull();
});

test("without a firewall only the fleet has names looked up", () => {
  const clients = PRIMARY.clients.filter((network) => !network.startsWith("10.7."));
  expect(desiredNamed(topologyWith({ firewall: null }), "dns1", key)?.clients).toEqual(clients);
});

test("operators from everywhere do not make a server for everybody", () => {
  const firewall = topologyWith().firewall;
  if (firewall === null) throw new Error("the test's topology has a firewall");
  const admin = ["0.0.0.0/0", "::/0", "10.7.0.0/16"];
  expect(desiredNamed(topologyWith({ firewall: { ...firewall, admin } }), "dns1", key)?.clients).toEqual(
    PRIMARY.clients,
  );
});

test("forwarders, and times in seconds", () => {
  const { zone, ...dns } = dnsOf(topologyWith());
  const changed = { ...zone, forwarders: ["9.9.9.9"], negativeTtl: 1000, addressTtl: 3_600_000 };
  expect(desiredNamed(topologyWith({ dns: { ...dns, zone: changed } }), "dns1", key)).toMatchObject({
    forwarders: ["9.9.9.9"],
    initial: { negativeTtl: 1, addressTtl: 3600 },
  });
});
