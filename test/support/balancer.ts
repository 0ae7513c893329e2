import { readFileSync } from "node:fs";
import type { LbAction, LbModel, ServerRef } from "../../src/model/action.ts";
import type { Health } from "../../src/model/fleet.ts";
import type { Outcome } from "../../src/model/operation.ts";
import type { LbFacts } from "../../src/lb/facts.ts";
import { renderHaproxy } from "../../src/lb/render.ts";

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

/** One app, `shop`, on three servers at the lab's addresses. */
export function shopModel(port = 8080): LbModel {
  const servers = [1, 2, 3].map((n) => ({ name: `app${n}`, address: `192.168.56.${20 + n}`, port }));
  const routes = [{ host: "shop.lab.internal", path: "/" }];
  return { apps: { shop: { app: "shop", routes, health: HEALTH, servers } } };
}

/** What drover would install for {@link shopModel}. */
export function shopConfig(disabled: readonly string[] = [], model: LbModel = shopModel()): string {
  return renderHaproxy(HAPROXY_TEMPLATE, model, new Set(disabled.map((name) => `shop/${name}`)));
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
}
