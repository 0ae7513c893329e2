# shellcheck shell=bash
# Names, places and messages. Sourced by lab/lab; every other file of lab/lib builds on it.

readonly SUITE=bookworm
readonly CACHE=/var/cache/drover-lab     # bases, shared by every checkout on this machine
readonly LABS=/var/lib/drover-lab        # one directory per lab: overlays, consoles, what it is made of
readonly RUNTIME=/run/drover-lab         # locks, and the sysctls as they were before the first lab
readonly LAPTOP_V4=192.168.56.1 LAPTOP_V6=fd00:56::1
CHECKOUT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)
readonly CHECKOUT
readonly LAB_DIR=$CHECKOUT/lab
# Two checkouts may each have a lab "default" on one machine.
CHECKOUT_HASH=$(printf %s "$CHECKOUT" | { sha256sum 2> /dev/null || shasum -a 256; })
readonly CHECKOUT_HASH=${CHECKOUT_HASH:0:6}

say() { printf 'lab %s: %s\n' "${LAB:-}" "$*" >&2; }
die() {
  printf 'lab: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf '  hint: %s\n' "$2" >&2
  exit "${3:-1}"
}
usage_error() { die "$1" "lab/lab --help" 64; }

# name_lab NAME: sets what follows from a lab's name.
name_lab() {
  [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,30}$ ]] ||
    usage_error "\"$1\" is not a name for a lab: small letters, digits and dashes, at most 31"
  [ "$1" != vagrant ] || usage_error "\"vagrant\" is the name of the fleet of Vagrant's hosts; take another"
  LAB=$1
  ID=$LAB-$CHECKOUT_HASH
  STATE=$LABS/$ID
  OWN=$CHECKOUT/.lab/$LAB # what belongs to the person: fleet, key, the drover command
}

# 69 is EX_UNAVAILABLE of sysexits.h. No programs here, nor in what else `exec` and `run` need: tests call them by the
# thousand, and starting a program would be most of what they cost.
require_machine() {
  [[ $OSTYPE == linux* ]] ||
    die "the lab needs Linux; this is $(uname -s)" "bring up the same hosts as virtual machines: vagrant up" 69
  [ "$EUID" = 0 ] ||
    die "the lab needs root: it makes network namespaces and boots containers" \
      "sudo make demo, or bring up the same hosts as virtual machines: vagrant up" 69
  local tool missing=()
  for tool in debootstrap systemd-nspawn ip nft nsenter flock ssh-keygen; do
    command -v "$tool" > /dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} = 0 ] ||
    die "not on this machine: ${missing[*]}" "apt-get install \$(lab/lab packages)" 69
}

# The Debian packages of this machine: for the lab, and with --test or --bench for its tests or measurements too.
packages() {
  printf '%s\n' debootstrap debian-archive-keyring systemd-container iproute2 nftables util-linux procps \
    openssh-client e2fsprogs python3 curl wrk
  [ "${1:-}" != --test ] || printf '%s\n' vagrant vagrant-libvirt shellcheck nghttp2-client openssl \
    iptables ipset conntrack bind9 bind9-dnsutils knot pdns-server pdns-backend-sqlite3 faketime
  [ "${1:-}" != --bench ] || printf '%s\n' ansible-core
}

# take_lock NAME: held until this process and what it started has ended, or drop_lock. The file is made anew if a
# `down` removed it while we waited.
take_lock() {
  mkdir -p "$RUNTIME"
  while :; do
    exec 9> "$RUNTIME/$1.lock"
    flock -n 9 || { say "waiting for another lab/lab to finish"; flock 9; }
    [ "$(stat -Lc %i /dev/fd/9)" != "$(stat -c %i "$RUNTIME/$1.lock" 2> /dev/null)" ] || return 0
  done
}
drop_lock() { exec 9>&-; }

# wait_for SECONDS WHAT CMD...: until CMD succeeds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || { say "gave up waiting for $what"; return 1; }
    sleep 0.1
  done
}
