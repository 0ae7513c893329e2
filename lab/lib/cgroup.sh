# shellcheck shell=bash
# Control groups: a lab is a tree of them, one group per host, and that tree is the list of its processes. Nothing
# else is kept about processes, so an interrupted `up` cannot lose one.
#
# Two kinds of machine:
#   unified  cgroup v2, systemd is init: the tree is a scope that systemd delegates (Delegate=yes), as
#            https://systemd.io/CGROUP_DELEGATION/ asks; controllers work inside a host without more.
#   split    cgroup v1 or hybrid: a group of the same name in every hierarchy that a host's systemd manages. Two
#            hosts in one group would see and kill each other's units.

cgroup_kind() {
  if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then echo unified; else echo split; fi
}

# The group of this process in each hierarchy, as directories; the first is the one that counts processes. Being
# inside another lab's group counts as being outside, so that labs never nest.
own_cgroups() {
  local line name path first=() rest=()
  while IFS= read -r line; do
    name=${line#*:} path=${line#*:*:}
    name=${name%%:*} path=${path%%/drover-lab-*}
    case ,$name, in
      ,name=systemd,) first=("/sys/fs/cgroup/systemd${path%/}") ;;
      ,,) rest+=("/sys/fs/cgroup/unified${path%/}") ;;
      *,memory,* | *,cpu,* | *,cpuacct,* | *,pids,*) rest+=("/sys/fs/cgroup/$name${path%/}") ;;
    esac
  done < /proc/self/cgroup
  for path in "${first[@]}" "${rest[@]}"; do [ ! -d "$path" ] || echo "$path"; done
}

# cgroup_main: the directory that holds this lab's processes; fails where there is none.
cgroup_main() {
  local dir
  read -r dir 2> /dev/null < "$STATE/cgroups" && [ -d "$dir" ] && printf '%s\n' "$dir"
}

# cgroup_make GROUP: the group of a host (or of the laptop) in every hierarchy.
cgroup_make() {
  local dir
  while IFS= read -r dir; do mkdir -p "$dir/$1"; done < "$STATE/cgroups"
}

# cgroup_enter GROUP: moves the calling shell.
cgroup_enter() {
  local dir
  while IFS= read -r dir; do echo $BASHPID > "$dir/$1/cgroup.procs"; done < "$STATE/cgroups"
}

# cgroup_pids [GROUP]: every process in it and below.
cgroup_pids() {
  local dir
  dir=$(cgroup_main) || return 0
  find "$dir${1:+/$1}" -name cgroup.procs -exec cat {} + 2> /dev/null || true
}

cgroup_empty() { [ -z "$(cgroup_pids "$@")" ]; }

# cgroup_kill [GROUP]: SIGKILL to each until none is left; one may fork while we read, hence the loop.
cgroup_kill() {
  local pids tries=0
  while pids=$(cgroup_pids "$@") && [ -n "$pids" ]; do
    # shellcheck disable=SC2086 # a list of numbers
    kill -KILL $pids 2> /dev/null || true
    tries=$((tries + 1))
    [ $tries -lt 200 ] || die "processes that SIGKILL does not end: ${pids//$'\n'/ }"
    sleep 0.05
  done
}

# cgroup_remove [GROUP]: in every hierarchy, children first. A group may stay busy for a moment after its last
# process has gone.
cgroup_remove() {
  local dir tries
  [ -f "$STATE/cgroups" ] || return 0
  while IFS= read -r dir; do
    dir=$dir${1:+/$1}
    for tries in 1 2 3 4 5 6 7 8 9 10; do
      [ -d "$dir" ] || break
      find "$dir" -depth -type d -exec rmdir {} + 2> /dev/null && break
      sleep 0.1
    done
  done < "$STATE/cgroups"
}
