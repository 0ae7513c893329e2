import type { FirewallAction } from "../model/firewall.ts";
import type { Operation } from "../model/operation.ts";

/** How each action on a host's firewall is carried out. */
export function operateFirewall(action: FirewallAction): Operation {
  throw new TypeError(`not yet: ${action.kind}`);
}
