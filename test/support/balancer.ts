import { DEFAULT_BALANCING, DEFAULT_SETTINGS } from "../../src/inventory/schema/defaults.ts";
import { readFileSync } from "node:fs";
import type { LbAction } from "../../src/model/action.ts";
import type { LbModel, LbSet, ServerRef } from "../../src/model/lb.ts";
import type { Balancing, Health, LbSettings } from "../../src/model/fleet.ts";
import type { Outcome } from "../../src/model/operation.ts";
import type { LbFacts } from "../../src/lb/facts.ts";
import { renderLb, type LbRender } from "../../src/lb/render.ts";

/** The template as drover ships it. */
export const HAPROXY_TEMPLATE: string = readFileSync(
  new URL("../../templates/haproxy.cfg.hbs", import.meta.url),
  "utf8",
);

/** HTTP checks with short times. */
export const HEALTH: Health = {
  probe: { kind: "http", path: "/healthz" },
  interval: 1000,
  timeout: 2000,
  successThreshold: 3,
  failureThreshold: 3,
};

/** What a balancer set does when its fleet says nothing. */
export const SETTINGS: LbSettings = DEFAULT_SETTINGS;

/** What balancers do for an app that says nothing. */
export const BALANCING: Balancing = DEFAULT_BALANCING;

/** A set without certificates. */
export const EDGE: LbSet = { name: "edge", settings: SETTINGS, certificates: [], fleet: [] };

/** One app, `shop`, on three servers at the lab's addresses. */
export function shopModel(port = 8080): LbModel {
  const servers = [1, 2, 3].map((n) => ({ name: `app${n}`, address: `192.168.56.${20 + n}`, port }));
  const routes = [{ kind: "http", host: "shop.lab.internal", path: "/", tls: "none" }] as const;
  const shop = { app: "shop", routes, checkHost: "shop.lab.internal", health: HEALTH, balancing: BALANCING, servers };
  return { set: EDGE, apps: { shop } };
}

/** All that drover would install for {@link shopModel}. */
export function shopRender(disabled: readonly string[] = [], model: LbModel = shopModel()): LbRender {
  return renderLb(HAPROXY_TEMPLATE, model, new Set(disabled.map((name) => `shop/${name}`)));
}

/** Its haproxy.cfg. */
export function shopConfig(disabled: readonly string[] = [], model: LbModel = shopModel()): string {
  return shopRender(disabled, model).config;
}

/** A server of {@link shopModel}. */
export function shop(server: string): ServerRef {
  return { backend: "shop", server };
}

/** A balancer, real or in memory, as the contract of both uses it. Its name is `lb1`. */
export interface BalancerBench {
  go(action: LbAction): Promise<Outcome>;
  facts(): Promise<LbFacts>;
  /** A request of the relay, and its answer. */
  ask(socket: "admin" | "master", epoch: number, line: string): Promise<string>;
  /** A websocket through the balancer, to whichever server; resolves once it is open. */
  tunnel(): Promise<{ readonly server: string; isOpen(): boolean }>;
  /** Makes an instance's health fail, or pass again. */
  health(server: string, passes: boolean): Promise<void>;
  /** The state file's text. */
  stateFile(): Promise<string>;
  /** As an administrator reloads HAProxy; resolves when the new worker answers. */
  reload(): Promise<void>;
  /** The entries of the map for plain http as the running HAProxy has them. */
  mapped(): Promise<string>;
  /** What tells one certificate from another in the running HAProxy; empty where it has none of that name. */
  serial(certificate: string): Promise<string>;
  /** Leaves the traces of an installation that was cut off. */
  interrupt(): Promise<void>;
  /** PEM by the reference of its secret. */
  readonly secrets: Map<string, string>;
  /** A new certificate with its key, for these names. */
  certificate(names: readonly string[]): Promise<string>;
}
