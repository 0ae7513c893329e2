/** Manifests that are no app's: what drover calls its own parts on a host. No app may have one of these names. */
export const RESERVED_NAMES: readonly string[] = ["firewall", "haproxy", "keepalived", "named", "resolver"];
