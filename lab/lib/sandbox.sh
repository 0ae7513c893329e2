# shellcheck shell=bash
# The sandbox: one process that holds a mount namespace and a network namespace for the lab. Overlays, the hosts'
# network namespaces and the bridge live in there. When it ends they end, and none of them was ever visible outside.

# The hosts' traffic must not meet this machine's own iptables: the bridge has its own network namespace, in which
# bridge-nf-call-* is switched off.
sandbox_pid() {
  local dir pid
  dir=$(cgroup_main) || return 1
  read -r pid 2> /dev/null < "$dir/sandbox/cgroup.procs" || return 1
  # The marker is made last: a sandbox without it was interrupted.
  [ -n "$pid" ] && [ -e "/proc/$pid/root/run/drover-lab-ready" ] && printf '%s\n' "$pid"
}

# inside CMD...: in the sandbox's mount and network namespaces. on_wire: only its network (the bridge).
inside() { nsenter --mount --net --target "$SANDBOX" -- "$@"; }

ensure_sandbox() {
  SANDBOX=$(sandbox_pid) && return 0
  # What is left of an interrupted `up`, or of the time before a reboot.
  cgroup_kill
  cgroup_remove
  if [ "$(cgroup_kind)" = unified ]; then start_scope; else start_split; fi
  wait_for 20 "the lab's sandbox" sandbox_pid > /dev/null
  SANDBOX=$(sandbox_pid)
}

# The sandbox's own script: private mounts (unshare makes them so), an own /run in which `ip netns` and
# systemd-nspawn may write what they like, and a bridge.
# shellcheck disable=SC2016 # a script for another shell
readonly SANDBOX_SCRIPT='set -eu
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns
for key in iptables ip6tables arptables; do
  f=/proc/sys/net/bridge/bridge-nf-call-$key
  [ ! -e $f ] || echo 0 > $f
done
ip link set lo up
ip link add name wire type bridge stp_state 0 forward_delay 0 mcast_snooping 0
ip link set wire up
touch /run/drover-lab-ready
exec -a "$1" sleep infinity'

start_split() {
  local dir
  own_cgroups | sed "s:\$:/drover-lab-$ID:" > "$STATE/cgroups"
  cgroup_make sandbox
  (
    cgroup_enter sandbox
    exec setsid unshare --mount --net bash -c "$SANDBOX_SCRIPT" bash "drover-lab:$ID" \
      < /dev/null > "$STATE/sandbox.log" 2>&1 9>&- &
  )
}

# The scope's own group may hold no process once its controllers are handed down, so the sandbox moves to a child
# of it first.
start_scope() {
  # shellcheck disable=SC2016
  setsid systemd-run --scope --quiet --collect --unit="drover-lab-$ID" --description="drover lab $LAB" \
    --property=Delegate=yes \
    bash -c 'set -eu
      own=/sys/fs/cgroup$(sed -n "s/^0:://p" /proc/self/cgroup)
      mkdir "$own/sandbox"
      echo $$ > "$own/sandbox/cgroup.procs"
      for controller in $(cat "$own/cgroup.controllers"); do
        echo "+$controller" > "$own/cgroup.subtree_control" || true
      done
      echo "$own" > "$1/cgroups"
      exec unshare --mount --net bash -c "$2" bash "$3"' bash "$STATE" "$SANDBOX_SCRIPT" "drover-lab:$ID" \
    < /dev/null > "$STATE/sandbox.log" 2>&1 9>&- &
}
