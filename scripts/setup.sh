#!/bin/sh
# The set-up behind the Makefile. Each part looks first and does nothing when there is nothing to do.
set -eu
cd "$(dirname -- "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

without_lab="run 'make check' for the tests that need no lab, or 'vagrant up' for the same hosts as virtual machines"

can_run_lab() {
  system=$(uname -s)
  [ "$system" = Linux ] || fail "the lab needs Linux, this is $system: $without_lab"
  [ "$(id -u)" = 0 ] || fail "the lab needs root to make its hosts: use 'sudo make ...', or $without_lab"
  command -v apt-get >/dev/null || fail "the lab needs Debian's packages and there is no apt-get here: $without_lab"
}

modules() {
  command -v npm >/dev/null || fail "npm is missing: install Node 20 or newer with npm, then run make again"
  say "installing the npm packages and Node 24 (npm ci)"
  npm ci --include=dev --loglevel=error
  node_modules/.bin/node --version >/dev/null 2>&1 ||
    fail "npm did not bring Node 24 (are install scripts switched off?): run 'npm ci --ignore-scripts=false'"
  touch node_modules/.package-lock.json
}

# Names of the packages in "$@" that are not installed, one per line.
missing() {
  for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || printf '%s\n' "$package"
  done
}

# Runs a command during which no package starts a daemon here: the tests start their own. A policy that is there stays.
without_daemons() {
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then
    DEBIAN_FRONTEND=noninteractive "$@"
    return
  fi
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  status=0
  DEBIAN_FRONTEND=noninteractive "$@" || status=$?
  rm -f "$policy"
  trap - EXIT HUP INT TERM
  return "$status"
}

# The DNS servers among the packages that have just been installed do not start with this machine either.
not_at_boot() {
  [ -d /run/systemd/system ] || return 0
  for package in $1; do
    case $package in
      bind9) systemctl disable --quiet named || true ;;
      knot) systemctl disable --quiet knot || true ;;
      pdns-server) systemctl disable --quiet pdns || true ;;
    esac
  done
}

packages() {
  # shellcheck disable=SC2046 # one word per package
  needed=$(missing $(lab/lab packages "$@"))
  [ -n "$needed" ] || return 0
  say "installing Debian packages: $(printf '%s' "$needed" | tr '\n' ' ')"
  mkdir -p .make
  # shellcheck disable=SC2086 # one word per package
  if { apt-get update && without_daemons apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 $needed; } >.make/packages.log 2>&1 </dev/null; then
    not_at_boot "$needed"
    return 0
  fi
  tail -n 15 .make/packages.log >&2
  fail "apt-get could not install the packages: see .make/packages.log"
}

# Says so itself when it has something to build.
base() { lab/lab base >/dev/null; }

lab_usage() {
  cat <<USAGE
The lab '$LAB' is up. Try:
  LAB=$LAB lab/lab shell                      a shell on the operator's laptop, in the fleet's directory
  LAB=$LAB lab/lab run -- drover apply --yes  one command there
  LAB=$LAB lab/lab status                     what is up
  make lab-down                               remove every lab
USAGE
}

lab_down() {
  can_run_lab
  say "removing every lab of this checkout"
  lab/lab down --all
}

# A base that a lab of another checkout stands on stays.
remove_bases() {
  say "removing the lab's cached base"
  bash -euc '. lab/lib/common.sh; . lab/lib/base.sh; BASE=; remove_old_bases' 2>/dev/null
}

clean() {
  if [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ]; then
    lab_down
    remove_bases
  fi
  say "removing node_modules, dist, .make and .lab"
  rm -rf node_modules dist .make .lab coverage
}

part=${1:-}
[ $# -eq 0 ] || shift
case $part in
  can-run-lab) can_run_lab ;;
  modules) modules ;;
  packages) packages "$@" ;;
  base) base ;;
  lab-usage) lab_usage ;;
  lab-down) lab_down ;;
  clean) clean ;;
  say) say "$@" ;;
  *) fail "unknown part '$part'" ;;
esac
