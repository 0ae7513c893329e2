import { expect, test } from "vitest";
import type { DnsSettings } from "../../../src/model/zone.ts";
import { desiredResolver } from "../../../src/resolver/desired.ts";
import { MODEL, topologyWith, ZONE } from "./models.ts";

type Servers = DnsSettings<{ readonly hosts: readonly string[] }>["servers"];

const withServers = (servers: Servers) => topologyWith({ dns: { servers, zone: ZONE } });
const at = (...addresses: readonly string[]): Servers => ({
  kind: "addresses",
  addresses: addresses.map((address) => ({ address, port: 53 })),
});

test("a host whose apps talk to others asks each of the fleet's servers, by one address", () => {
  expect(desiredResolver(topologyWith(), "app1")).toEqual(MODEL);
});

test("a host asks by the families it has", () => {
  expect(desiredResolver(topologyWith(), "v6")?.servers).toEqual(["fd00:56::31", "fd00:56::32"]);
  expect(desiredResolver(withServers(at("192.0.2.53", "2001:db8::53")), "v6")?.servers).toEqual(["2001:db8::53"]);
});

test("somebody else's servers are not known to answer for other names; three at most", () => {
  const model = desiredResolver(withServers(at("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")), "app1");
  expect(model).toEqual({
    zone: ZONE.name,
    servers: ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
    recursive: false,
  });
});

test.for([
  ["nothing on the host talks to others", topologyWith(), "app2"],
  ["the fleet has no DNS", topologyWith({ dns: null }), "app1"],
  ["it has no zone", topologyWith({ dns: { servers: at("192.0.2.1"), zone: null } }), "app1"],
  [
    "the fleet does not want it",
    topologyWith({ dns: { servers: { kind: "hosts", hosts: ["dns1"] }, zone: { ...ZONE, resolver: false } } }),
    "app1",
  ],
] as const)("%s: left to the host", ([, topology, host]) => {
  expect(desiredResolver(topology, host)).toBeNull();
});

test.for([
  ["another port", withServers({ kind: "addresses", addresses: [{ address: "192.0.2.1", port: 5353 }] }), "app1"],
  ["another family", withServers(at("192.0.2.1")), "v6"],
] as const)("servers that can only be asked at %s are refused", ([, topology, host]) => {
  expect(() => desiredResolver(topology, host)).toThrow(`${host} cannot resolve names of svc.lab.internal`);
});
