# shellcheck shell=bash
# The wire: a bridge in the sandbox, one port per host, named after it.

# net_make NAME V4 V6: a fresh network namespace with eth0. Whatever lived in an earlier one (rules, routes,
# addresses, connections) is gone, as after a reboot.
net_make() {
  local mac
  # A machine keeps its hardware address over a reboot; with a new one, neighbours would send to the old until
  # their cache forgets it.
  # shellcheck disable=SC2046,SC2183 # the four numbers of the address
  mac=$(printf '02:00:%02x:%02x:%02x:%02x' $(tr . ' ' <<< "$2"))
  net_remove "$1"
  inside ip netns add "$1"
  # nodad: duplicate detection would hold back the address for a second.
  inside ip -batch - <<EOF
link add $1 type veth peer name eth0 address $mac netns $1
link set $1 master wire
link set $1 up
EOF
  inside ip -n "$1" -batch - <<EOF
link set lo up
link set eth0 up
addr add $2/24 dev eth0
addr add $3/64 dev eth0 nodad
EOF
}

# Deleting one end of the pair deletes both, at once; a namespace alone goes when its last process does.
net_remove() {
  inside ip link del "$1" 2> /dev/null || true
  inside ip netns del "$1" 2> /dev/null || true
}

# link_down NAME: the cable is pulled, nothing more is sent or received.
link_down() { inside ip link set "$1" down 2> /dev/null || true; }

# Partitions are lines "A B" in STATE/cuts; B may be "all". They belong to the wire, so they outlive a reboot of the
# host. Matching ports rather than addresses also cuts VRRP, ARP and whatever address a host may take later.
apply_cuts() {
  {
    echo 'add table bridge lab'
    echo 'delete table bridge lab'
    if [ -s "$STATE/cuts" ]; then
      echo 'table bridge lab { chain forward { type filter hook forward priority 0;'
      awk '$2 == "all" { printf "iifname \"%s\" drop\noifname \"%s\" drop\n", $1, $1; next }
        { printf "iifname \"%s\" oifname \"%s\" drop\niifname \"%s\" oifname \"%s\" drop\n", $1, $2, $2, $1 }' \
        "$STATE/cuts"
      printf '}\n}\n'
    fi
  } | inside nft -f -
}
