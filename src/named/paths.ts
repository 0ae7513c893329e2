/** Where things are on a DNS server, as Debian's AppArmor profile of named allows them. */

/** Debian's file; drover owns it whole. */
export const CONFIG = "/etc/bind/named.conf";
/** The key that updates, transfers and notifications are signed with: root:bind 0640. */
export const KEY = "/etc/bind/drover.key";
/** The zone as named writes it on the primary, and its journal beside it. */
export const ZONES = "/var/lib/bind/drover";
/** named's own folder: a secondary's copy survives a restart there. */
export const CACHE = "/var/cache/bind";
/** What drover last applied, as JSON: `NamedManifest`. */
export const MANIFEST = "/var/lib/drover/manifest/named.json";
/** There while a change is under way, with what was there before it; left behind by one that was cut off. */
export const PENDING = "/var/lib/drover/named.pending";
/** How BIND was before drover's first change: hash of its named.conf, whether it ran, whether at boot. */
export const BEFORE = "/var/lib/drover/named.before";
/** sha256 of the key's file as installed, for this host alone to compare with. */
export const KEY_SUM = "/var/lib/drover/named.key.sha256";
/** Files that were replaced, by the sha256 of the named.conf they belong to. */
export const PREVIOUS = "/var/lib/drover/previous";
/** Where files lie until they are checked, and while they are. */
export const STAGED = "/var/lib/drover/staged/named";
