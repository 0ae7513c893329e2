/** Where things are on a host that resolves names of the fleet's zone. */

/** What the C library and most programs read. */
export const RESOLV_CONF = "/etc/resolv.conf";
/** What systemd-resolved is told beside its own configuration. */
export const DROP_IN = "/etc/systemd/resolved.conf.d/drover.conf";
/** What drover last applied, as JSON: `ResolverManifest`. */
export const MANIFEST = "/var/lib/drover/manifest/resolver.json";
/** There while a change is under way; left behind by one that was cut off. */
export const PENDING = "/var/lib/drover/resolver.pending";
/** Files that were replaced, by the sha256 of their bytes. */
export const PREVIOUS = "/var/lib/drover/previous";
