import { TOOL } from "./paths.ts";

/**
 * Loads the confirmed generation before any interface is up (`network-pre.target`, systemd.special(7)), and so before
 * Docker adds its rules. Without default dependencies it may run before /tmp is there; `sysinit.target` waits for it.
 */
export const UNIT_TEXT: string = `# Written by drover.
[Unit]
Description=Packet filter as confirmed by drover
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target sysinit.target docker.service shutdown.target
Conflicts=shutdown.target
After=systemd-modules-load.service systemd-remount-fs.service
RequiresMountsFor=/var/lib/drover /usr

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/perl ${TOOL} boot

[Install]
WantedBy=sysinit.target
`;
