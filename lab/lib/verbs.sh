# shellcheck shell=bash
# The verbs for one host, for the laptop, and status.

lab_status() {
  require_machine
  [ -f "$STATE/hosts" ] || { echo "lab \"$LAB\" is not up"; return 1; }
  local name role v4 v6 state
  SANDBOX=$(sandbox_pid) || SANDBOX=
  printf '%-7s %-15s %-14s %-5s %s\n' HOST IPV4 IPV6 ROLE STATE
  while read -r name role v4 v6 _; do
    state=stopped
    if [ -n "$SANDBOX" ] && host_running "$name"; then
      state=$(host_exec "$name" systemctl is-system-running < /dev/null 2> /dev/null) || state=${state:-starting}
    fi
    printf '%-7s %-15s %-14s %-5s %s\n' "$name" "$v4" "$v6" "$role" "$state"
  done < "$STATE/hosts"
  [ ! -s "$STATE/cuts" ] || sed 's/^/cut: /' "$STATE/cuts"
}

lab_exec() {
  local host=${1:-}
  [ $# -ge 2 ] || usage_error "exec needs a host and a command: lab/lab exec app1 -- uptime"
  shift
  [ "$1" != -- ] || shift
  [ $# -ge 1 ] || usage_error "exec needs a command after --"
  require_machine; require_lab; require_host "$host"
  host_exec "$host" "$@"
}

# The laptop: the lab's network, this machine's files, the lab's fleet as the working directory. Its /etc/hosts
# knows the hosts by name. No agent and no key of the person at the keyboard.
in_laptop() {
  require_machine; require_lab
  [ -d "$OWN/fleet" ] || die "lab \"$LAB\" has not come up completely" "LAB=$LAB lab/lab up"
  local group
  group=$(cgroup_main)/laptop
  [ -d "$group" ] || mkdir -p "$group"
  echo $$ > "$group/cgroup.procs"
  unset SSH_AUTH_SOCK SSH_AGENT_PID SSH_CONNECTION SSH_CLIENT SSH_TTY SSH_ASKPASS
  export LAB PATH="$OWN/bin:$CHECKOUT/node_modules/.bin:$PATH"
  # shellcheck disable=SC2016 # a script for another shell
  exec nsenter --net="/proc/$SANDBOX/root/run/netns/laptop" -- unshare --mount -- \
    sh -c 'mount --bind "$1" /etc/hosts && cd "$2" && shift 2 && exec "$@"' sh "$STATE/laptop-hosts" "$OWN/fleet" "$@"
}

lab_run() {
  [ "${1:-}" != -- ] || shift
  [ $# -ge 1 ] || usage_error "run needs a command: lab/lab run -- drover status"
  in_laptop "$@"
}

lab_shell() {
  [ $# = 0 ] || usage_error "shell takes no argument; see run"
  export PS1="lab $LAB \\w\\$ "
  in_laptop bash --norc -i
}

# one_host VERB HOST: the lock is held until the verb is done.
one_host() {
  local verb=$1 host=${2:-}
  [ $# = 2 ] || usage_error "$verb needs one host: lab/lab $verb app1"
  require_machine
  take_lock "$ID"
  require_lab
  require_host "$host"
  BASE=$(cat "$STATE/base")
}

lab_stop() { one_host stop "$@"; host_stop "$1"; }
lab_kill() { one_host kill "$@"; host_kill "$1"; }
lab_start() {
  one_host start "$@"
  if host_running "$1"; then say "$1 is running already"; return 0; fi
  host_boot "$1"
  host_wait "$1"
}

lab_partition() {
  local host=${1:-} peer
  [ $# -ge 2 ] || usage_error "partition needs a host and from whom: lab/lab partition app1 laptop|all|HOST..."
  require_machine
  take_lock "$ID"
  require_lab
  require_host "$host"
  shift
  for peer in "$@"; do
    case $peer in laptop | all) ;; *) require_host "$peer" ;; esac
    [ "$peer" != "$host" ] || usage_error "a host cannot be cut off from itself"
    grep -qx "$host $peer" "$STATE/cuts" 2> /dev/null || echo "$host $peer" >> "$STATE/cuts"
  done
  apply_cuts
}

lab_heal() {
  local host=${1:-}
  require_machine
  take_lock "$ID"
  require_lab
  [ -z "$host" ] || require_host "$host"
  if [ -s "$STATE/cuts" ]; then
    awk -v h="$host" 'h != "" && $1 != h && $2 != h' "$STATE/cuts" > "$STATE/cuts.new"
    mv "$STATE/cuts.new" "$STATE/cuts"
  fi
  apply_cuts
}

lab_base() {
  require_machine
  case ${1:-} in
    '') ensure_base; printf '%s\n' "$BASE" ;;
    --remove) BASE=; remove_old_bases; rm -f "$CACHE/lock"; rmdir "$CACHE" 2> /dev/null || true ;;
    *) usage_error "base does not know \"$1\"" ;;
  esac
}
