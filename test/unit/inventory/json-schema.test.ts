import { expect, test } from "vitest";
import { jsonSchemas } from "../../../src/inventory/json-schema.ts";

test("the published schemas are closed, named, and know the keys of the files", () => {
  const { drover, inventory, app } = jsonSchemas();
  expect(drover).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "drover.yaml: the fleet",
    additionalProperties: false,
    required: ["fleet", "ssh", "state"],
  });
  expect(inventory).toMatchObject({ additionalProperties: false, required: ["hosts"] });
  expect(app).toMatchObject({
    additionalProperties: false,
    required: ["app", "hosts", "release", "artifact", "run"],
    properties: {
      port: { type: "integer", minimum: 1024, maximum: 65_535 },
      rollout: {
        properties: { drainTimeout: { default: "30s" }, serial: { default: 1 }, keepReleases: { default: 5 } },
      },
    },
  });
});

test("they know what a balancer set and a route may say", () => {
  const { drover, app } = jsonSchemas();
  expect(drover).toMatchObject({
    properties: {
      loadBalancers: {
        additionalProperties: {
          additionalProperties: false,
          required: ["hosts"],
          properties: {
            virtualRouterId: { minimum: 1, maximum: 255 },
            timeouts: { properties: { tunnel: { default: "1h" } } },
            tls: { properties: { minVersion: { enum: ["TLSv1.2", "TLSv1.3"] } } },
            certificates: { items: { required: ["file"] } },
          },
        },
      },
    },
  });
  expect(app).toMatchObject({
    properties: {
      routes: { items: { required: ["lb"], properties: { tls: { enum: ["terminate", "none", "passthrough"] } } } },
      balancing: { properties: { slowStart: { default: "0s" }, maxConnections: { default: 4000 } } },
    },
  });
});

test("they know the firewall, and what apps say for it", () => {
  const { drover, app } = jsonSchemas();
  const rule = { additionalProperties: false, required: ["from", "ports"] };
  expect(drover).toMatchObject({
    properties: {
      dns: { additionalProperties: false, required: ["servers"] },
      firewall: {
        additionalProperties: false,
        required: ["admin"],
        properties: {
          admin: { type: "array", minItems: 1 },
          confirm: { default: "60s" },
          sever: { default: false },
          log: { default: true },
          policies: { additionalProperties: { additionalProperties: false, properties: { ingress: { items: rule } } } },
        },
      },
    },
  });
  expect(app).toMatchObject({ properties: { talksTo: { type: "array" }, ports: { type: "object" } } });
});

test("they know DNS, with the defaults of keys that are nothing without a zone, and how apps are weighed", () => {
  const { drover, app } = jsonSchemas();
  expect(drover).toMatchObject({
    properties: {
      dns: {
        additionalProperties: false,
        required: ["servers"],
        properties: {
          servers: { anyOf: [{ type: "string" }, { type: "array", minItems: 1 }] },
          key: { additionalProperties: false, properties: { algorithm: { default: "hmac-sha256" } } },
          ttl: { default: "15s" },
          addressTtl: { default: "1m" },
          negativeTtl: { default: "5s" },
          onSilent: { enum: ["stop", "skip"], default: "stop" },
          resolver: { type: "boolean" },
        },
      },
    },
  });
  const weight = { minimum: 1, maximum: 65_535 };
  const weights = { items: { additionalProperties: false, required: ["hosts", "weight"], properties: { weight } } };
  expect(app).toMatchObject({
    properties: { srv: { additionalProperties: false, properties: { weight: { ...weight, default: 1 }, weights } } },
  });
});

test("they are plain JSON", () => {
  expect(JSON.parse(JSON.stringify(jsonSchemas()))).toEqual(jsonSchemas());
});
