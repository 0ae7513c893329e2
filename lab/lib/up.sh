# shellcheck shell=bash
# up and down. `up` only makes what is missing, in an order in which a later `up` can carry on from any point, and
# `down` needs nothing that `up` might not have written yet.

lab_up() {
  local only='' added='' disks=() disk
  while [ $# -gt 0 ]; do
    case $1 in
      --add) [ $# -ge 2 ] || usage_error "--add needs a host, like app4"; added+=$(host_of "$2")$'\n' || exit; shift 2 ;;
      --only) [ $# -ge 2 ] || usage_error "--only needs hosts, like lb1,app1"; only=$(hosts_of "$2") || exit; shift 2 ;;
      --disk)
        [[ ${2:-} =~ ^[1-9][0-9]*[KMG]iB$ && -n ${3:-} ]] || usage_error "--disk needs a size and a host: --disk 64MiB app1"
        disks+=("$2 $3")
        shift 3
        ;;
      *) usage_error "up does not know \"$1\"" ;;
    esac
  done
  require_machine
  take_lock "$ID"
  local started=$SECONDS
  mkdir -p "$STATE"
  printf '%s\n' "$CHECKOUT" > "$STATE/checkout"
  write_hosts "${only:-$(default_hosts)}" "$added"
  for disk in "${disks[@]}"; do make_disk "${disk% *}" "${disk#* }"; done
  choose_base
  raise_sysctls
  ensure_key
  ensure_sandbox
  ensure_laptop
  apply_cuts
  boot_all
  ensure_fleet
  write_known_hosts
  say "up after $((SECONDS - started)) s: $(lab_hosts | tr '\n' ' ')"
}

# write_hosts FIRST ADDED: the list is fixed by the first `up`; a later one can add to it.
write_hosts() {
  {
    cat "$STATE/hosts" 2> /dev/null || printf '%s\n' "$1"
    printf '%s' "$2"
  } | awk 'NF && !seen[$1]++' > "$STATE/hosts.new"
  mv "$STATE/hosts.new" "$STATE/hosts"
}

# A lab keeps the base it was made with: its layers lie over that tree.
choose_base() {
  BASE=$(cat "$STATE/base" 2> /dev/null || true)
  if [ -n "$BASE" ] && [ -d "$BASE" ]; then return 0; fi
  base_path > "$STATE/base"
  ensure_base
}

ensure_laptop() {
  cgroup_make laptop
  inside ip -n laptop addr show dev eth0 2> /dev/null | grep -q "$LAPTOP_V6" && return 0
  net_make laptop "$LAPTOP_V4" "$LAPTOP_V6"
  # Load uses up the short default range of ports within a minute.
  inside nsenter --net=/run/netns/laptop sysctl -q -w net.ipv4.ip_local_port_range="10240 65535"
}

# Loop-mounted in the host's own mount namespace, so that a full disk there is a real ENOSPC.
make_disk() {
  local size=$1 host=$2 image
  require_host "$host"
  image=$(host_dir "$host")/disk.img
  [ ! -f "$image" ] || return 0
  [ ! -d "$(host_dir "$host")/layer/upper" ] || usage_error "$host exists already: --disk is for its first up"
  mkdir -p "$(host_dir "$host")"
  truncate -s "${size%iB}" "$image.new"
  mkfs.ext4 -q -m 0 "$image.new"
  mv "$image.new" "$image"
}

boot_all() {
  local host pids=() failed=0 pid
  for host in $(lab_hosts); do host_running "$host" || host_boot "$host"; done
  for host in $(lab_hosts); do host_wait "$host" & pids+=($!); done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  [ $failed = 0 ] || die "not every host came up" "LAB=$LAB lab/lab status, or LAB=$LAB lab/lab down and again"
}

lab_down() {
  require_machine
  if [ "${1:-}" = --all ]; then down_all; return; fi
  [ $# = 0 ] || usage_error "down does not know \"$1\""
  take_lock "$ID"
  if [ -d "$STATE" ] || [ -d "$OWN" ]; then
    ! cgroup_pids | grep -qx $$ || die "this shell runs inside lab \"$LAB\"" "leave it first: exit"
    cgroup_kill
    cgroup_remove
    # The first thing `up` writes goes last, so that an interrupted `down` can be repeated.
    find "$STATE" "$OWN" -xdev -mindepth 1 -maxdepth 1 ! -name cgroups ! -name checkout -exec rm -rf {} + 2> /dev/null || true
    rm -rf "$OWN" "$STATE"
    rmdir "$CHECKOUT/.lab" "$LABS" 2> /dev/null || true
    restore_sysctls
    say "down"
  else
    say "is not up"
  fi
  rm -f "$RUNTIME/$ID.lock"
  rmdir "$RUNTIME" 2> /dev/null || true
}

down_all() {
  local dir name
  for dir in "$LABS"/*-"$CHECKOUT_HASH" "$CHECKOUT"/.lab/*; do
    name=${dir##*/}
    if [ ! -d "$dir" ] || [ "$name" = vagrant ]; then continue; fi
    LAB=${name%-"$CHECKOUT_HASH"} "$LAB_DIR/lab" down
  done
}

# Each host's systemd takes some inotify instances; the machine's default is enough for three.
raise_sysctls() {
  local file=/proc/sys/fs/inotify/max_user_instances value
  value=$(cat "$file")
  [ "$value" -lt 8192 ] || return 0
  mkdir -p "$RUNTIME"
  [ -f "$RUNTIME/max_user_instances" ] || echo "$value" > "$RUNTIME/max_user_instances"
  echo 8192 > "$file"
}

# By the last lab of this machine, whichever checkout it is of.
restore_sysctls() {
  local saved=$RUNTIME/max_user_instances
  [ -f "$saved" ] || return 0
  [ -z "$(find "$LABS" -mindepth 1 -maxdepth 1 2> /dev/null)" ] || return 0
  cat "$saved" > /proc/sys/fs/inotify/max_user_instances
  rm -f "$saved"
}
