/** Where things are on a balancer. */

/** Debian's file; drover owns it whole. */
export const CONFIG = "/etc/keepalived/keepalived.conf";
/** The check that keepalived runs: root's alone, and so is every folder above it (`enable_script_security`). */
export const CHECK = "/etc/keepalived/drover-alive";
/** What drover last applied, as JSON: `VipManifest`. */
export const MANIFEST = "/var/lib/drover/manifest/keepalived.json";
/** There while a change is under way; left behind by one that was cut off. */
export const PENDING = "/var/lib/drover/keepalived.pending";
/** There while keepalived is stopped on purpose: the VIP was handed over. */
export const YIELDED = "/var/lib/drover/keepalived.yielded";
/** Files that were replaced, by the sha256 of their bytes. */
export const PREVIOUS = "/var/lib/drover/previous";
/** systemd's drop-in for Debian's unit. */
export const DROP_IN = "/etc/systemd/system/keepalived.service.d/drover.conf";
