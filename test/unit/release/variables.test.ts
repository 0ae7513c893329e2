import { expect, test } from "vitest";
import { srvVariables } from "../../../src/release/variables.ts";

const app = { talksTo: ["orders", "orders-db"], env: {} };

test("an app finds those it talks to by a variable each", () => {
  expect(srvVariables(app, "svc.lab.internal")).toEqual({
    ORDERS_SRV: "_orders._tcp.svc.lab.internal",
    ORDERS_DB_SRV: "_orders-db._tcp.svc.lab.internal",
  });
});

test("what its own file says wins, also when it is empty", () => {
  const env = { ORDERS_SRV: "", OTHER: "1" };
  expect(srvVariables({ ...app, env }, "svc.lab.internal")).toEqual({
    ORDERS_DB_SRV: "_orders-db._tcp.svc.lab.internal",
  });
});

test("there is none without a zone, and none for an app that talks to nobody", () => {
  expect(srvVariables(app, null)).toEqual({});
  expect(srvVariables({ talksTo: [], env: {} }, "svc.lab.internal")).toEqual({});
});
