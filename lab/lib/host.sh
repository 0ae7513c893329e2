# shellcheck shell=bash
# One host: its layer over the base, its boot, and its ends.

host_dir() { printf '%s/host/%s\n' "$STATE" "$1"; }

# Running means that its group holds a process.
host_running() { ! cgroup_empty "$1"; }

# host_leader HOST: the pid, as seen from here, of the host's own pid 1, once that is systemd: it then sits in
# init.scope, below the group that nspawn makes for what it runs. Helpers it forks sit there too, for a moment.
host_leader() {
  local dir pid line lines
  dir=$(cgroup_main) || return 1
  while read -r pid; do
    # In one read: a second one would go on in the middle of a text that has become longer or shorter meanwhile.
    mapfile -t lines < "/proc/$pid/status" || continue
    for line in "${lines[@]}"; do
      [[ $line =~ ^NSpid:.*[[:space:]]1$ ]] || continue
      printf '%s\n' "$pid"
      return 0
    done
  done 2> /dev/null < "$dir/$1/payload/init.scope/cgroup.procs"
  return 1
}

# host_boot HOST: a network namespace, then lab/lib/boot in the background; it outlives this command.
host_boot() {
  local host=$1 v4 v6
  read -r _ _ v4 v6 _ <<< "$(host_line "$host")"
  mkdir -p "$(host_dir "$host")"
  net_make "$host" "$v4" "$v6"
  cgroup_make "$host"
  (
    cgroup_enter "$host"
    exec setsid nsenter --mount --net --target "$SANDBOX" -- \
      "$LAB_DIR/lib/boot" "$host" "$(host_dir "$host")" "$BASE" "$OWN/id_ed25519.pub" \
      < /dev/null > "$(host_dir "$host")/console.log" 2>&1 9>&- &
  )
}

host_answers() { # its sshd sends its greeting to the laptop
  local greeting
  # shellcheck disable=SC2016 # a script for another shell
  greeting=$(inside nsenter --net=/run/netns/laptop timeout 2 bash -c \
    'exec 3<> "/dev/tcp/$1/22" && head -c 4 <&3' bash "$1" 2> /dev/null) && [ "$greeting" = SSH- ]
}

host_wait() {
  local host=$1 v4 leader state
  v4=$(host_line "$host" | cut -d' ' -f3)
  wait_for 60 "$host to boot (see $(host_dir "$host")/console.log)" host_leader "$host" > /dev/null || return 1
  leader=$(host_leader "$host")
  wait_for 20 "$host's system bus" test -S "/proc/$leader/root/run/dbus/system_bus_socket" || return 1
  state=$(host_exec "$host" systemctl is-system-running --wait) || {
    say "$host is $state: $(host_exec "$host" systemctl --failed --plain --no-legend | cut -d' ' -f1 | tr '\n' ' ')"
    return 1
  }
  wait_for 20 "sshd of $host" host_answers "$v4"
}

# host_exec HOST CMD...: as root inside, without SSH; in a group of its own below the host's, so that the end of the
# host is the end of the command.
host_exec() {
  local host=$1 leader group
  shift
  leader=$(host_leader "$host") || die "$host is not running" "LAB=$LAB lab/lab start $host"
  group=$(cgroup_main)/$host/payload/lab-exec
  [ -d "$group" ] || mkdir -p "$group"
  echo "$BASHPID" > "$group/cgroup.procs"
  exec 9>&-
  # shellcheck disable=SC2016
  exec nsenter --mount --uts --ipc --net --pid --cgroup --target "$leader" -- \
    /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    TERM="${TERM:-dumb}" /bin/sh -c 'cd /root && exec "$@"' sh "$@"
}

# host_stop HOST: an orderly shutdown, as `poweroff` would.
host_stop() {
  local pid
  for pid in $(cgroup_pids "$1"); do
    [ "$(cat "/proc/$pid/comm" 2> /dev/null)" != systemd-nspawn ] || kill -TERM "$pid" 2> /dev/null || true
  done
  wait_for 45 "$1 to shut down" cgroup_empty "$1" || say "$1 did not shut down in time; ending it"
  host_gone "$1"
}

# host_kill HOST: power loss. The link goes first, so that no FIN and no RST of the dying processes gets out.
host_kill() {
  link_down "$1"
  host_gone "$1"
}

host_gone() {
  cgroup_kill "$1"
  cgroup_remove "$1"
  net_remove "$1"
}
