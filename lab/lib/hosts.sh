# shellcheck shell=bash
# Which hosts a lab has: lines "name role v4 v6 zone", from lab/recipe/hosts and from --add.

default_hosts() { awk '!/^#/ && NF { print $1, $2, $3, $4, $5 }' "$LAB_DIR/recipe/hosts"; }

# added_host NAME: its line, by the rule of lab/recipe/hosts: the address ends in 10, 20, 30 (lb, app, dns) plus the
# number, from app10 on in 100 plus the number; odd numbers are in zone a, even ones in b.
added_host() {
  local role number last zone=a
  [[ $1 =~ ^(lb|app|dns)([1-9][0-9]?)$ ]] ||
    usage_error "\"$1\" is not a host the lab can add: lb, app or dns and a number, like app4"
  role=${BASH_REMATCH[1]} number=${BASH_REMATCH[2]}
  case $role in lb) last=10 ;; app) last=20 ;; dns) last=30 ;; esac
  if [ "$number" -gt 9 ]; then
    [ "$role" = app ] || usage_error "$1: at most nine hosts of role $role"
    last=100
  fi
  last=$((last + number))
  [ $((number % 2)) = 1 ] || zone=b
  printf '%s %s 192.168.56.%s fd00:56::%s %s\n' "$1" "$role" $last $last $zone
}

# host_of NAME, hosts_of NAME,NAME: lines of the lab's own hosts, or of ones it can add.
host_of() {
  local line
  line=$(default_hosts | awk -v h="$1" '$1 == h')
  if [ -n "$line" ]; then printf '%s\n' "$line"; else added_host "$1"; fi
}
hosts_of() {
  local name
  for name in ${1//,/ }; do host_of "$name" || return; done
}

# The hosts of this lab, as names or as one host's line.
lab_hosts() { awk '{ print $1 }' "$STATE/hosts"; }
host_line() {
  local line
  while read -r line; do [[ $line != "$1 "* ]] || printf '%s\n' "$line"; done < "$STATE/hosts"
}

require_lab() {
  SANDBOX=
  [ ! -f "$STATE/hosts" ] || SANDBOX=$(sandbox_pid) || true
  [ -n "$SANDBOX" ] || die "lab \"$LAB\" is not up" "LAB=$LAB lab/lab up"
}
require_host() {
  [ -n "$(host_line "$1")" ] || usage_error "lab \"$LAB\" has no host \"$1\"; it has $(lab_hosts | tr '\n' ' ')"
}
