import { describe, expect, test } from "vitest";
import type { LbApp, LbFollow, LbModel, LbRoute, LbSet } from "../../../src/model/lb.ts";
import { besideApps, followAfter } from "../../../src/plan/followed.ts";
import { BALANCING, EDGE, HEALTH } from "../../support/balancer.ts";

const http = (host: string | null, path = "/"): LbRoute => ({ kind: "http", host, path, tls: "none" });
const https = (host: string): LbRoute => ({ kind: "http", host, path: "/", tls: "both" });
const passthrough = (host: string): LbRoute => ({ kind: "passthrough", host });
const port = (number: number): LbRoute => ({ kind: "port", port: number, mode: "tcp", from: "anyone" });

function follow(name: string, ...routes: readonly LbRoute[]): LbFollow {
  const nameservers = [{ address: "192.168.56.31", port: 53 }];
  const common = { app: name, routes, checkHost: null, health: HEALTH, balancing: BALANCING };
  return { ...common, srv: `_${name}._tcp.svc.example.com`, slots: 10, nameservers };
}

function app(name: string, ...routes: readonly LbRoute[]): LbApp {
  return { app: name, routes, checkHost: null, health: HEALTH, balancing: BALANCING, servers: [] };
}

function setOf(...services: readonly LbFollow[]): LbSet {
  return { ...EDGE, follow: services };
}

function appsOf(...apps: readonly LbApp[]): LbModel["apps"] {
  return Object.fromEntries(apps.map((each) => [each.app, each]));
}

/** Names of the services that a set follows; null: the set has no such key at all, as files without any make it. */
function names(set: LbSet | null): readonly string[] | null {
  return set?.follow === undefined ? null : set.follow.map((service) => service.app);
}

const BILLING = follow("billing", http("billing.test"));
const LEDGER = follow("ledger", port(7000));

describe("beside the apps of a balancer, a set follows", () => {
  test("what no app stands in the way of, and is otherwise as the files say", () => {
    expect(besideApps(null, {})).toBeNull();
    expect(besideApps(EDGE, appsOf(app("billing")))).toBe(EDGE);
    const set = setOf(BILLING, LEDGER);
    expect(besideApps(set, appsOf(app("shop", http("shop.test"))))).toEqual(set);
  });

  test("no service that has the name of an app, whatever the routes", () => {
    expect(names(besideApps(setOf(BILLING, LEDGER), appsOf(app("billing", http("old.test")))))).toEqual(["ledger"]);
  });

  test("nothing, and has no key for it, where apps stand in the way of everything", () => {
    const set = besideApps(setOf(BILLING, LEDGER), appsOf(app("a", http("billing.test")), app("b", port(7000))));
    expect(set).toEqual(EDGE);
    expect(names(set)).toBeNull();
  });

  test.for<readonly [string, LbRoute, LbRoute, boolean]>([
    ["one host and path", http("x.test"), http("x.test"), true],
    ["one host, other paths", http("x.test", "/a"), http("x.test", "/b"), false],
    ["any host and path", http(null), http(null), true],
    ["any host, and one", http(null), http("x.test"), false],
    ["a wildcard, and a name that it covers", http("*.test"), http("x.test"), false],
    ["plain http, and https for the same", http("x.test"), https("x.test"), true],
    ["one name of TLS", passthrough("x.test"), passthrough("x.test"), true],
    ["TLS and http for one host", passthrough("x.test"), http("x.test", "/a"), true],
    ["TLS for one host, http for another", passthrough("x.test"), http("y.test"), false],
    ["one port", port(7000), port(7000), true],
    ["two ports", port(7000), port(7001), false],
    ["a port, and http for any host", port(80), http(null), false],
  ])("by what two routes want: %s", ([, one, other, meets]) => {
    for (const [service, app1] of [
      [follow("billing", one), app("shop", other)],
      [follow("billing", other), app("shop", one)],
      [follow("billing", port(9999), one), app("shop", http("shop.test"), other)],
    ] as const) {
      expect(names(besideApps(setOf(service), appsOf(app1)))).toEqual(meets ? null : ["billing"]);
    }
  });
});

describe("after one app changed, a set follows", () => {
  const wanted = setOf(BILLING, LEDGER);
  const holder = app("old-billing", http("billing.test"));

  test("what the app was in the way of, by its routes or by its name, sorted in among the rest", () => {
    const byRoute = followAfter(setOf(LEDGER), { was: holder, apps: {}, wanted });
    expect(byRoute).toEqual(wanted);
    expect(names(followAfter(EDGE, { was: app("ledger"), apps: {}, wanted }))).toEqual(["ledger"]);
  });

  test("not what another app still stands in the way of", () => {
    const set = followAfter(setOf(LEDGER), { was: holder, apps: appsOf(app("twin", http("billing.test"))), wanted });
    expect(names(set)).toEqual(["ledger"]);
  });

  test("nothing that the files do not want, and what they do want and the app has not to do with has its own plan", () => {
    expect(followAfter(EDGE, { was: holder, apps: {}, wanted: null })).toEqual(EDGE);
    expect(followAfter(EDGE, { was: holder, apps: {}, wanted: EDGE })).toEqual(EDGE);
    expect(names(followAfter(EDGE, { was: holder, apps: {}, wanted }))).toEqual(["billing"]);
    expect(followAfter(EDGE, { was: undefined, apps: {}, wanted })).toEqual(EDGE);
  });

  test("no longer what the app now has the place of", () => {
    const now = appsOf(app("shop", port(7000)));
    expect(names(followAfter(wanted, { was: app("shop"), apps: now, wanted: setOf(BILLING) }))).toEqual(["billing"]);
    expect(followAfter(setOf(LEDGER), { was: undefined, apps: now, wanted: EDGE })).toEqual(EDGE);
  });

  test("each service once, and as it was: settings that the files changed meanwhile are another plan's", () => {
    const older = { ...BILLING, slots: 5 };
    const set = followAfter(setOf(older), { was: app("billing-old", http("billing.test")), apps: {}, wanted });
    expect(set.follow).toEqual([older]);
  });

  test("the same, where the app comes back to what it was: a step taken back leaves no trace", () => {
    const before = setOf(LEDGER);
    const without = followAfter(before, { was: holder, apps: {}, wanted });
    expect(followAfter(without, { was: undefined, apps: appsOf(holder), wanted })).toEqual(before);
  });
});
