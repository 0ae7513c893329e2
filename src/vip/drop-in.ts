/**
 * systemd's drop-in for Debian's unit, which has no `Restart=`: a keepalived that was killed would leave its VIPs on the
 * host, where they answer beside the new holder's until somebody looks. Started again it takes them off.
 */
export const DROP_IN_TEXT: string = `# Written by drover.
[Unit]
StartLimitIntervalSec=0

[Service]
Restart=on-failure
RestartSec=1
`;
