import { describe, expect, test } from "vitest";
import type { Instance } from "../../../src/model/topology.ts";
import { addressTtlOf, addressesOf, serviceOf, serviceProblems, zoneRef } from "../../../src/discovery/desired.ts";
import { SETTINGS, appOf, topologyWith } from "./models.ts";

describe("the zone", () => {
  test("is served by hosts under their own names, the first of them the primary", () => {
    const dns = { servers: { kind: "hosts", hosts: ["dns1", "app3"] }, zone: SETTINGS } as const;
    expect(zoneRef(topologyWith({ dns }))).toEqual({
      zone: "svc.test",
      owner: "test",
      servers: {
        primary: { name: "dns1", address: "10.0.0.5", port: 53 },
        secondaries: [{ name: "app3", address: "10.0.0.3", port: 53 }],
        onSilent: "stop",
      },
    });
  });

  test("is served by others under their addresses as they are written", () => {
    const addresses = [
      { address: "192.0.2.53", port: 53 },
      { address: "192.0.2.54", port: 5353 },
      { address: "2001:db8::53", port: 5353 },
    ];
    const zone = zoneRef(topologyWith({ dns: { servers: { kind: "addresses", addresses }, zone: SETTINGS } }));
    expect(zone?.servers.primary.name).toBe("192.0.2.53");
    expect(zone?.servers.secondaries.map(({ name }) => name)).toEqual(["192.0.2.54:5353", "[2001:db8::53]:5353"]);
  });

  test("is none where the files name none", () => {
    const dns = { servers: { kind: "hosts", hosts: ["dns1"] }, zone: null } as const;
    for (const topology of [topologyWith({ dns }), topologyWith({ dns: null })]) {
      expect(zoneRef(topology)).toBeNull();
      expect(serviceOf(topology, appOf(topology, "shop"))).toBeNull();
      expect(addressesOf(topology)).toEqual([]);
      expect(serviceProblems(topology)).toEqual([]);
      expect(addressTtlOf(topology)).toBe(0);
    }
  });
});

describe("an app", () => {
  test("is at one name per port, with each instance's own weight", () => {
    const [first, second] = appOf(topologyWith(), "shop").instances;
    const instances = [first, second].flatMap((each, index) =>
      each === undefined ? [] : [{ ...each, weight: index * 4 + 1 }],
    );
    const topology = topologyWith({}, { instances, ports: [{ name: "metrics", protocol: "udp", port: 9100 }] });
    const own = { set: "_shop._tcp", priority: 0, port: 8080 };
    const metrics = { set: "_metrics._udp.shop", priority: 0, port: 9100 };
    expect(serviceOf(topology, appOf(topology, "shop"))).toEqual({
      app: "shop",
      ttl: 15,
      hosts: [
        {
          host: "app1",
          endpoints: [
            { ...own, weight: 1 },
            { ...metrics, weight: 1 },
          ],
        },
        {
          host: "app2",
          endpoints: [
            { ...own, weight: 5 },
            { ...metrics, weight: 5 },
          ],
        },
      ],
    });
  });

  test("without any port is nowhere, and its hosts have no addresses", () => {
    const instances = appOf(topologyWith(), "shop").instances.map((each): Instance => ({ ...each, port: null }));
    const topology = topologyWith({}, { port: null, instances });
    expect(serviceOf(topology, appOf(topology, "shop"))).toBeNull();
    expect(addressesOf(topology).map(({ host }) => host)).toEqual(["app3", "dns1"]);
  });
});

describe("hosts", () => {
  test("have all of their addresses, in inventory order, with those of the zone's own servers", () => {
    expect(addressesOf(topologyWith())).toEqual([
      { host: "app1", addresses: ["10.0.0.1"] },
      { host: "app2", addresses: ["10.0.0.2"] },
      { host: "app3", addresses: ["10.0.0.3"] },
      { host: "dns1", addresses: ["10.0.0.5"] },
    ]);
    expect(addressTtlOf(topologyWith())).toBe(60);
  });

  test("that answer for somebody else's zone have none of it", () => {
    const servers = { kind: "addresses", addresses: [{ address: "192.0.2.53", port: 53 }] } as const;
    const hosts = addressesOf(topologyWith({ dns: { servers, zone: SETTINGS } })).map(({ host }) => host);
    expect(hosts).toEqual(["app1", "app2", "app3"]);
  });
});

describe("what cannot be in DNS", () => {
  test("is a set of more than 100 records", () => {
    const [one] = appOf(topologyWith(), "shop").instances;
    const many = (count: number): readonly Instance[] =>
      Array.from({ length: count }, () => one).flatMap((each) => each ?? []);
    expect(serviceProblems(topologyWith({}, { instances: many(100) }))).toEqual([]);
    expect(serviceProblems(topologyWith({}, { instances: many(101) }))).toEqual([
      expect.objectContaining({
        code: "dns-too-large",
        message: "_shop._tcp.svc.test would have 101 records: DNS servers take at most 100 of one name and type",
      }),
    ]);
  });

  test("is a name that is too long, said once", () => {
    const zone = { ...SETTINGS, name: `${"z".repeat(63)}.`.repeat(3) + "x".repeat(48) };
    const found = serviceProblems(topologyWith({ dns: { servers: { kind: "hosts", hosts: ["dns1"] }, zone } }));
    expect(new Set(found.map(({ code }) => code))).toEqual(new Set(["files-invalid"]));
    expect(found.map(({ message }) => message.split(".")[0])).toEqual([
      "the DNS name _drover",
      "the DNS name _orders-db",
      "the DNS name _drover",
    ]);
  });

  test("is a host with a label that ends in a dash", () => {
    const topology = topologyWith();
    const hosts = topology.hosts.map((host) => (host.name === "app1" ? { ...host, name: "app1-.a" } : host));
    const instances = appOf(topology, "shop").instances.map((each) => ({
      ...each,
      host: each.host === "app1" ? "app1-.a" : each.host,
    }));
    expect(serviceProblems(topologyWith({ hosts }, { instances })).map(({ message }) => message)).toEqual([
      expect.stringContaining('"app1-" in the DNS name "app1-.a.svc.test" is no label'),
      expect.stringContaining('"app1-" in the DNS name "_drover.app1-.a.svc.test"'),
    ]);
  });
});
