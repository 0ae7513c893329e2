#!/bin/sh
# Makes a plain Debian 12 into a host of the lab. Runs as root, in the chroot of the lab's base and as Vagrant's
# shell provisioner. A second run changes nothing and needs no network.
#
#   provision.sh [HOSTS-FILE] [PUBLIC-KEY-FILE]
#
# HOSTS-FILE has lines "name role v4 v6 zone" and becomes a block of /etc/hosts; PUBLIC-KEY-FILE may log in as
# drover. Prints one line per change, and at the end how many there were.
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
hosts=${1:-} key=${2:-} changes=0

# What a host must bring (sshd, a POSIX shell, perl-base, systemd), the programs that do the work, python3 for
# the demo apps, and what a person wants at hand when something is wrong.
packages="systemd systemd-sysv dbus libpam-systemd openssh-server sudo perl-base ca-certificates
  haproxy keepalived bind9 bind9-dnsutils systemd-resolved libnss-resolve
  iptables ipset conntrack iproute2 python3
  procps tar xz-utils zstd curl socat tcpdump less lsof strace iputils-ping netbase kmod"

# Debian starts these at install; on these hosts drover, or who tries something, decides whether they run.
ours="haproxy keepalived named systemd-resolved"

# Timers that would wake up in the middle of a measurement, or change the host behind its owner's back.
quiet="apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  dpkg-db-backup.timer man-db.timer logrotate.timer unattended-upgrades.service"

changed() { changes=$((changes + 1)); echo "changed: $*"; }

# put FILE MODE: stdin becomes FILE, by rename, only where content or mode differ.
put() {
  mkdir -p "$(dirname "$1")"
  cat > "$1.new"
  if cmp -s "$1.new" "$1" && [ "$(stat -c %a "$1")" = "$2" ]; then rm "$1.new"; return 0; fi
  chmod "$2" "$1.new"
  mv "$1.new" "$1"
  changed "$1"
}

# install_all PACKAGE...: the host goes on finding names as it did, though systemd-resolved's packages would change that.
install_all() {
  kept=$(mktemp -d) code=0
  for file in resolv.conf nsswitch.conf; do
    if [ -e "/etc/$file" ] || [ -L "/etc/$file" ]; then cp -a "/etc/$file" "$kept/"; fi
  done
  apt-get -q -y --no-install-recommends install "$@" || code=$?
  rm -f /etc/resolv.conf /etc/.resolv.conf.systemd-resolved.bak
  for file in "$kept"/*; do cp -a --remove-destination "$file" /etc/; done
  rm -r "$kept"
  return "$code"
}

# shellcheck disable=SC2086 # a list of package names, one word each
present=" $(dpkg-query -W -f '${Package}:${db:Status-Status} ' $packages 2>/dev/null || true)"
missing=
for p in $packages; do
  case $present in *" $p:installed "*) ;; *) missing="$missing $p" ;; esac
done
if [ -n "$missing" ]; then
  fresh=
  for unit in $ours; do [ -e "/lib/systemd/system/$unit.service" ] || fresh="$fresh $unit.service"; done
  apt-get -q update
  # shellcheck disable=SC2086 # a list of package names, one word each
  install_all $missing
  # Only where they were installed just now: a later run must not stop what drover has enabled.
  for unit in $fresh; do
    systemctl disable "$unit"
    if [ -d /run/systemd/system ]; then systemctl stop "$unit"; fi
  done
  changed "installed$missing"
fi

for unit in $quiet; do
  [ "$(readlink "/etc/systemd/system/$unit" || true)" = /dev/null ] && continue
  ln -sf /dev/null "/etc/systemd/system/$unit"
  if [ -d /run/systemd/system ]; then systemctl stop "$unit" 2>/dev/null || true; fi
  changed "masked $unit"
done

if ! id drover > /dev/null 2>&1; then
  useradd --create-home --shell /bin/bash --comment "drover operator" drover
  changed "user drover"
fi
put /etc/sudoers.d/drover 440 <<'EOF'
drover ALL=(ALL:ALL) NOPASSWD: ALL
EOF
put /etc/ssh/sshd_config.d/drover-lab.conf 644 <<'EOF'
# One key type, so that known_hosts holds one line per host; keys only.
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
UseDNS no
EOF
put /etc/sysctl.d/60-drover-lab.conf 644 <<'EOF'
# Load from one laptop uses up the short default range of ports within a minute.
net.ipv4.ip_local_port_range = 10240 65535
net.core.somaxconn = 4096
EOF

if [ -n "$key" ]; then
  put /home/drover/.ssh/authorized_keys 600 < "$key"
  chown -R drover:drover /home/drover/.ssh
  chmod 700 /home/drover/.ssh
fi

if [ -n "$hosts" ]; then
  wanted=$(mktemp)
  {
    sed '/^# drover-lab begin$/,/^# drover-lab end$/d' /etc/hosts
    echo "# drover-lab begin"
    awk '!/^#/ && NF { print $3, $1; print $4, $1 }' "$hosts"
    echo "# drover-lab end"
  } > "$wanted"
  put /etc/hosts 644 < "$wanted"
  rm "$wanted"
fi

if [ "$changes" -gt 0 ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if systemctl -q is-active ssh; then systemctl reload ssh; fi
  sysctl -q -p /etc/sysctl.d/60-drover-lab.conf
fi
echo "$changes changed"
