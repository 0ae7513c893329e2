/** Where things are on a host. */

/** All that drover keeps of the firewall: root's alone. */
export const FOLDER = "/var/lib/drover/firewall";
/** What the timer and the boot unit run; needs perl-base, iptables and ipset, and nothing of drover. */
export const TOOL = "/var/lib/drover/firewall/tool";
/** `../firewall/current/manifest.json`: one rename of `current` confirms a generation, its manifest with it. */
export const MANIFEST = "/var/lib/drover/manifest/firewall.json";
export const UNIT = "/etc/systemd/system/drover-firewall.service";
/** What makes systemd start the unit at boot. */
export const WANTED = "/etc/systemd/system/sysinit.target.wants/drover-firewall.service";
