#!/bin/sh
# Gives a host of Vagrant its IPv6 address too: Vagrant sets one address per network card. Idempotent.
#   address6.sh V4 V6: V6 goes to the interface that has V4, at every boot.
set -eu
unit=/etc/systemd/system/drover-lab-address6.service
wanted="[Unit]
Description=IPv6 address of the lab
Wants=network-online.target
After=network-online.target networking.service

[Service]
Type=oneshot
RemainAfterExit=yes
# The address may come a moment after the target.
Restart=on-failure
RestartSec=1
ExecStart=/bin/sh -c 'dev=\$\$(ip -o -4 addr show to $1/32 | cut -d\" \" -f2) && [ -n \"\$\$dev\" ] && ip -6 addr replace $2/64 dev \"\$\$dev\" nodad'

[Install]
WantedBy=multi-user.target"
if [ -f "$unit" ] && [ "$(cat "$unit")" = "$wanted" ]; then
  echo "0 changed"
  exit 0
fi
printf '%s\n' "$wanted" > "$unit"
systemctl daemon-reload
systemctl enable -q drover-lab-address6.service
systemctl restart drover-lab-address6.service
echo "1 changed"
