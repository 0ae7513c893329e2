import type { Action, LbAction, ReleaseAction } from "../model/action.ts";
import type { DiscoveryAction } from "../model/discovery.ts";
import type { FirewallAction } from "../model/firewall.ts";
import type { NamedAction } from "../model/named.ts";
import type { ResolverAction } from "../model/resolver.ts";
import type { VipAction } from "../model/vip.ts";
import type { Command } from "../model/command.ts";
import type { Operation } from "../model/operation.ts";
import { done, pause } from "../model/operation.ts";
import { operateDiscovery } from "../discovery/operations.ts";
import { operateFirewall } from "../firewall/operations.ts";
import { operateLb } from "../lb/operations.ts";
import { RELAY } from "../lb/relay.ts";
import { operateNamed } from "../named/operations.ts";
import { operateRelease } from "../release/operations.ts";
import { operateResolver } from "../resolver/operations.ts";
import { operateVip } from "../vip/operations.ts";

/** The program that carries HAProxy's sockets. */
export const relayCommand: Command = RELAY;

/** How any action is carried out: each domain says it for its own. */
export function operate(action: Action): Operation {
  if (isLb(action)) return operateLb(action);
  if (isVip(action)) return operateVip(action);
  if (isFirewall(action)) return operateFirewall(action);
  if (isDiscovery(action)) return operateDiscovery(action);
  if (isNamed(action)) return operateNamed(action);
  if (isResolver(action)) return operateResolver(action);
  if (isRelease(action)) return operateRelease(action);
  switch (action.kind) {
    case "files.edit":
      return edit(action.file, action.key, action.from, action.to);
    case "pause":
      return rest(action.ms);
  }
}

function isLb(action: Action): action is LbAction {
  return action.kind.startsWith("lb.");
}

function isVip(action: Action): action is VipAction {
  return action.kind.startsWith("vip.");
}

function isFirewall(action: Action): action is FirewallAction {
  return action.kind.startsWith("firewall.");
}

function isDiscovery(action: Action): action is DiscoveryAction {
  return action.kind.startsWith("dns.");
}

function isNamed(action: Action): action is NamedAction {
  return action.kind.startsWith("named.");
}

function isResolver(action: Action): action is ResolverAction {
  return action.kind.startsWith("resolver.");
}

function isRelease(action: Action): action is ReleaseAction {
  return action.kind.startsWith("release.");
}

function* edit(file: string, key: string, from: string, to: string): Operation {
  yield { kind: "edit", file, key, from, to };
  return done();
}

function* rest(ms: number): Operation {
  yield* pause(ms);
  return done();
}
