import { expect, test } from "vitest";
import { assembleFleet } from "../../../src/inventory/assemble.ts";
import { formatDiagnostic, formatPlace } from "../../../src/inventory/diagnostics.ts";
import { parseApp } from "../../../src/inventory/parse-app.ts";
import { parseFleetFile } from "../../../src/inventory/parse-drover.ts";
import { parseInventory } from "../../../src/inventory/parse-inventory.ts";

const drover = `fleet: corner
ssh: {user: drover}
state: {store: ssh, host: db1}
loadBalancers:
  edge: {hosts: "role=lb", vip: 10.0.0.10/24, virtualRouterId: 51}
  plain: {hosts: "role=in"}
`;
const firewall = `dns:
  servers: "@host=db1"
firewall:
  admin: [10.9.0.1]
  metrics: anyone
  policies:
    zeta:
      app: shop
      ingress:
        - &all {from: anyone, ports: any}
        - *all
      egress:
        - {to: [], ports: []}
    alpha: {hosts: "role=lb", ingress: []}
`;
const inventory = `hosts:
  lb1: {address: 10.0.0.1, tags: {role: lb}}
  lb2: {address: 10.0.0.4, tags: {role: in}}
  db1: {address: 10.0.0.2}
  app1: {address: 10.0.0.3}
`;
const app = `hosts: "@host=app1"
release: "1"
artifact: a.tar
run: a
rollout: {minAvailable: 0}
`;

/** Where each rule stands, as a person reads it; or the errors. */
function placesWith(block: string): Readonly<Record<string, string>> | readonly string[] {
  const assembled = assembleFleet({
    drover: parseFleetFile("drover.yaml", drover + block),
    inventory: [parseInventory("inventory.yaml", inventory)],
    apps: [
      parseApp("shop.yaml", `${app}app: shop\nport: 8080\nroutes:\n  - lb: edge\n    host: a.test\n`),
      parseApp("cart.yaml", `${app}app: cart\nport: 8081\ntalksTo:\n- shop\n`),
    ],
    found: [],
  });
  if (assembled.kind === "invalid") return assembled.diagnostics.map(formatDiagnostic);
  return Object.fromEntries(
    Object.entries(assembled.fleet.rulePlaces).map(([source, place]) => [source, formatPlace(place)]),
  );
}

test("every source of a rule has the place that asked for it", () => {
  expect(placesWith(firewall)).toEqual({
    "in fleet/ssh:0": "drover.yaml:10:10",
    "in fleet/metrics:0": "drover.yaml:11:12",
    "out fleet/metrics:0": "drover.yaml:11:12",
    "in fleet/dns:0": "drover.yaml:8:12",
    "out fleet/dns:0": "drover.yaml:8:12",
    "in fleet/balancer/edge:0": "drover.yaml:5:3",
    "in fleet/balancer/plain:0": "drover.yaml:6:3",
    "in fleet/vrrp/edge:0": "drover.yaml:5:33",
    "out fleet/vrrp/edge:0": "drover.yaml:5:33",
    "in app/shop/routes:0": "shop.yaml:9:5",
    "out app/shop/routes:0": "shop.yaml:9:5",
    "in app/cart/talksTo:0": "cart.yaml:9:3",
    "out app/cart/talksTo:0": "cart.yaml:9:3",
    "in zeta:0": "drover.yaml:16:16",
    // An alias stands where its anchor does.
    "in zeta:1": "drover.yaml:16:16",
    "out zeta:0": "drover.yaml:19:11",
  });
});

test("without a firewall nothing is placed, and what is not written has no place", () => {
  expect(placesWith("")).toEqual({});
  expect(Object.keys(placesWith("firewall: {admin: [10.9.0.1]}\n"))).not.toContain("in fleet/dns:0");
});
