# shellcheck shell=bash
# The base: one Debian tree that every host of every lab has as the read-only layer under its own.

# Everything that decides what is in the base is in its name, so a changed recipe is another base.
base_path() {
  local hash
  hash=$(cat "$LAB_DIR/recipe/provision.sh" "$LAB_DIR/lib/base.sh" | { cat; echo "$SUITE"; } | sha256sum | cut -c1-12)
  printf '%s/base-%s\n' "$CACHE" "$hash"
}

# The mirror this machine already uses; empty means debootstrap's own default.
base_mirror() {
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --format '$(REPO_URI)' \
    'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' 2> /dev/null |
    sed 's:/$::;q'
}

# ensure_base: prints nothing and returns at once where the base exists.
ensure_base() {
  BASE=$(base_path)
  [ ! -d "$BASE" ] || return 0
  mkdir -p "$CACHE"
  (
    exec 8> "$CACHE/lock"
    flock -n 8 || { say "another lab is building the base; waiting for it"; flock 8; }
    [ ! -d "$BASE" ] || exit 0
    build_base
  )
}

build_base() {
  local mirror started=$SECONDS tree=$BASE.partial
  mirror=$(base_mirror)
  remove_tree "$tree"
  say "building the base (Debian $SUITE, about a minute, once per recipe): $BASE"
  say "  1/3 debootstrap"
  # An own mount and pid namespace: what debootstrap or a package script leaves running or mounted ends with the
  # step, also when this command is killed.
  # shellcheck disable=SC2086 # an empty mirror must be no argument
  base_step unshare --mount --mount-proc --pid --fork --kill-child debootstrap --variant=minbase --include=ca-certificates,netbase "$SUITE" "$tree" $mirror
  say "  2/3 packages and settings (lab/recipe/provision.sh)"
  printf '#!/bin/sh\nexit 101\n' > "$tree/usr/sbin/policy-rc.d" # no daemon starts in a chroot
  chmod +x "$tree/usr/sbin/policy-rc.d"
  echo force-unsafe-io > "$tree/etc/dpkg/dpkg.cfg.d/lab"        # a torn base is never renamed into place
  apt-config dump | grep -E '^Acquire::[^ ]*Proxy' > "$tree/etc/apt/apt.conf.d/lab-proxy" || true
  cp /etc/resolv.conf "$tree/etc/resolv.conf"
  install -m 755 "$LAB_DIR/recipe/provision.sh" "$tree/usr/local/sbin/drover-lab-provision"
  # shellcheck disable=SC2016 # a script for another shell
  base_step unshare --mount --pid --fork --kill-child sh -c \
    'mount -t proc proc "$1/proc" && exec chroot "$1" /usr/local/sbin/drover-lab-provision' sh "$tree"
  say "  3/3 what a container needs, and nothing of this machine"
  finish_base "$tree"
  mv "$tree" "$BASE"
  say "base ready after $((SECONDS - started)) s, $(du -sm "$BASE" | cut -f1) MB"
  remove_old_bases
}

# Output is shown only when the step fails: it is a thousand lines.
base_step() {
  local log=$BASE.log
  if ! "$@" > "$log" 2>&1 < /dev/null; then
    tail -n 25 "$log" >&2
    die "the base could not be built" "the whole output is in $log"
  fi
  rm -f "$log"
}

finish_base() {
  local tree=$1 unit
  rm -f "$tree"/etc/ssh/ssh_host_* "$tree/etc/machine-id" "$tree/var/lib/dbus/machine-id" \
    "$tree/usr/sbin/policy-rc.d" "$tree/etc/dpkg/dpkg.cfg.d/lab" "$tree/etc/apt/apt.conf.d/lab-proxy" \
    "$tree/var/lib/systemd/random-seed" "$tree"/var/cache/apt/archives/*.deb "$tree"/var/cache/apt/*.bin
  rm -rf "$tree"/var/lib/apt/lists/*
  : > "$tree/etc/machine-id"
  echo "# the lab has no resolver of its own" > "$tree/etc/resolv.conf"
  # A container has no consoles to log in at, and its network is made from outside.
  for unit in getty.target console-getty.service systemd-networkd.service systemd-networkd.socket \
    systemd-networkd-wait-online.service systemd-firstboot.service systemd-udevd.service \
    systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service; do
    ln -sf /dev/null "$tree/etc/systemd/system/$unit"
  done
}

remove_tree() { [ ! -e "$1" ] || rm -rf --one-file-system "$1"; }

# A base stays while a lab, of whichever checkout, stands on it.
remove_old_bases() {
  local old
  for old in "$CACHE"/base-*; do
    if [ ! -d "$old" ] || [ "$old" = "$BASE" ]; then continue; fi
    grep -qxF "$old" "$LABS"/*/base 2> /dev/null && continue
    say "removing an old base: $old"
    rm -rf --one-file-system "$old"
  done
}
