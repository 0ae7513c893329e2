import { expect, test } from "vitest";
import { desiredVip } from "../../../src/vip/desired.ts";
import { LB1, topologyWith } from "./models.ts";

const INTERFACES = { "192.168.56.11": "eth1", "10.0.0.1": "eth0", "FD00:56:0::11": "eth1" };

test("a balancer speaks from its address in the VIP's network, on the interface that carries it", () => {
  expect(desiredVip(topologyWith({}), "lb1", INTERFACES)).toEqual({ ...LB1, interface: "eth1" });
});

test("the first of the inventory has the highest priority, and each knows the others", () => {
  const topology = topologyWith({ hosts: ["lb1", "lb2", "lb3"], interface: "eth0" });
  const models = ["lb1", "lb2", "lb3"].map((host) => desiredVip(topology, host, null));
  expect(models.map((model) => model?.priority)).toEqual([250, 240, 230]);
  expect(models.map((model) => model?.peers)).toEqual([
    ["192.168.56.12", "192.168.56.13"],
    ["192.168.56.11", "192.168.56.13"],
    ["192.168.56.11", "192.168.56.12"],
  ]);
});

test("an IPv6 anchor is spoken about over IPv6", () => {
  const topology = topologyWith({ vips: [{ address: "fd00:56::10", prefix: 64 }] });
  expect(desiredVip(topology, "lb1", INTERFACES)).toMatchObject({
    address: "fd00:56::11",
    peers: ["fd00:56::12"],
    interface: "eth1",
  });
});

test("an address of the family in another network will do", () => {
  const topology = topologyWith({ vips: [{ address: "203.0.113.10", prefix: 32 }] });
  expect(desiredVip(topology, "lb1", INTERFACES)).toMatchObject({ address: "10.0.0.1", interface: "eth0" });
});

test("a set's own interface wins; a host that was not asked has none", () => {
  expect(desiredVip(topologyWith({ interface: "bond0" }), "lb1", INTERFACES)).toMatchObject({ interface: "bond0" });
  expect(desiredVip(topologyWith({}), "lb1", null)).toMatchObject({ interface: null });
});

test("without a VIP, or in no set, there is no keepalived", () => {
  expect(desiredVip(topologyWith({ vips: [], virtualRouterId: null }), "lb1", INTERFACES)).toBeNull();
  expect(desiredVip(topologyWith({}), "lb3", INTERFACES)).toBeNull();
});

test.for([
  ["an address that no interface has", topologyWith({}), {}, "no interface of lb1 carries its address 192.168.56.11"],
  ["two sets with VIPs", topologyWith({}, { name: "inner" }), INTERFACES, "two balancer sets"],
  [
    "no address of the anchor's family",
    { ...topologyWith({}), hosts: [{ name: "lb1", addresses: ["fd00::1"], tags: {} }] },
    INTERFACES,
    "lb1 has no IPv4 address",
  ],
] as const)("refuses %s", ([, topology, interfaces, says]) => {
  expect(() => desiredVip(topology, "lb1", interfaces)).toThrow(says);
});
