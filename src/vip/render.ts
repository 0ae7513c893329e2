import Handlebars from "handlebars";
import { DroverError, failure } from "../model/errors.ts";
import type { VipModel } from "../model/vip.ts";
import { familyOf } from "./normalize.ts";
import { CHECK } from "./paths.ts";
import { interfaceName, plainAddress, vipAddress, vrrpName, vrrpNumber } from "./syntax.ts";

/** What the template sees: every value valid in keepalived's syntax. */
interface VipView {
  readonly host: string;
  readonly check: string;
  readonly instance: string;
  /** Null only where a host was not asked: such a text is for reading. */
  readonly interface: string | null;
  readonly virtualRouterId: string;
  readonly priority: string;
  /** VRRPv3 with ten adverts a second. IPv6 is spoken in version 3 anyway. */
  readonly fast: boolean;
  /** Seconds. */
  readonly advertInterval: string;
  readonly address: string;
  readonly peers: readonly string[];
  readonly anchor: string;
  readonly others: readonly string[];
}

/** Whom a balancer without others speaks to. */
const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;

function viewOf(model: VipModel): VipView {
  const [anchor, ...others] = model.vips;
  if (anchor === undefined) throw new DroverError(failure("bug", `the balancer set ${model.set} has no VIP`));
  const spoken = [model.address, ...model.peers];
  if (spoken.some((address) => familyOf(address) !== familyOf(anchor.address))) {
    throw new DroverError(failure("bug", `the balancers of ${model.set} do not speak the family of ${anchor.address}`));
  }
  const fast = model.failover === "fast";
  return {
    host: vrrpName(model.host),
    check: CHECK,
    instance: `drover_${vrrpName(model.set)}`,
    interface: model.interface === null ? null : interfaceName(model.interface),
    virtualRouterId: vrrpNumber("the virtual router id", model.virtualRouterId, 255),
    priority: vrrpNumber("the priority", model.priority, 254),
    fast,
    advertInterval: fast ? "0.1" : "1",
    address: plainAddress(model.address),
    peers: (model.peers.length === 0 ? [LOOPBACK[familyOf(anchor.address)]] : model.peers).map(plainAddress),
    anchor: vipAddress(anchor),
    others: others.map(vipAddress),
  };
}

/**
 * The text of keepalived.conf: pure and byte-stable. Throws a DroverError where a value would not be safe in its syntax, and
 * where a template of the fleet's own cannot be filled in or leaves out what makes a VIP of it: keepalived takes such a file.
 */
export function renderKeepalived(template: string, model: VipModel): string {
  const view = viewOf(model);
  const filledIn = filled(template, view);
  const text = filledIn.endsWith("\n") ? filledIn : `${filledIn}\n`;
  keepsOwnPart(text, view);
  return text;
}

function filled(template: string, view: VipView): string {
  try {
    // An own environment: nobody else's helpers or partials reach this template.
    return Handlebars.create().compile(template, { strict: true, noEscape: true })(view);
  } catch (error) {
    const detail = (error instanceof Error ? error.message : String(error)).split("\n");
    const message = "the template keepalived.conf.hbs cannot be filled in";
    throw new DroverError(
      failure("files-invalid", message, "start from drover's own templates/keepalived.conf.hbs", detail),
    );
  }
}

function keepsOwnPart(text: string, view: VipView): void {
  const lines = new Set(text.split("\n").map((line) => line.trim().replaceAll(/[ \t]+/g, " ")));
  const needed = [
    `vrrp_instance ${view.instance} {`,
    `virtual_router_id ${view.virtualRouterId}`,
    "nopreempt",
    `script "${view.check}"`,
    "track_script {",
    ...(view.interface === null ? [] : [`interface ${view.interface}`]),
    `unicast_src_ip ${view.address}`,
    ...view.peers,
    view.anchor,
    ...view.others,
  ];
  const missing = needed.find((line) => !lines.has(line));
  if (missing === undefined) return;
  const hint = "put back into the template keepalived.conf.hbs what it left out of drover's own";
  throw new DroverError(failure("files-invalid", `keepalived.conf would not work: it has no line "${missing}"`, hint));
}
