/** Where things are on a balancer. */

/** Debian's file; drover owns it whole. */
export const CONFIG = "/etc/haproxy/haproxy.cfg";
/** All that haproxy.cfg names; drover owns the folder whole. */
export const FILES = "/etc/haproxy/drover";
export const MAPS = "/etc/haproxy/drover/maps";
/** Root's alone. */
export const CERTS = "/etc/haproxy/drover/certs";
export const CRT_LIST = "/etc/haproxy/drover/crt-list";
/** HAProxy's own sockets: `stats socket` of the template, and `-S` of Debian's unit. */
export const ADMIN_SOCKET = "/run/haproxy/admin.sock";
export const MASTER_SOCKET = "/run/haproxy-master.sock";
/** Rows of the servers that stay drained across a reload. Under /run: after a reboot `disabled` in the file counts. */
export const STATE_FILE = "/run/drover/haproxy.state";
/** What drover last applied, as JSON: {@link LbManifest}. */
export const MANIFEST = "/var/lib/drover/manifest/haproxy.json";
/** There while a change is under way, with the hash of what was there before; left behind by one that was cut off. */
export const PENDING = "/var/lib/drover/haproxy.pending";
/** Files that were replaced: a folder each, by their bundle's hash. */
export const PREVIOUS = "/var/lib/drover/previous";
