# shellcheck shell=bash
# What belongs to the person: .lab/NAME in the checkout, ignored by git: the fleet with its key, known_hosts and
# artifacts, and the drover command. Written once; what was edited since stays.

# The public half comes last and whole, by rename: where it is there, there is a pair.
ensure_key() {
  [ -f "$OWN/id_ed25519.pub" ] && return 0
  mkdir -p "$OWN"
  rm -f "$OWN/key.new" "$OWN/key.new.pub"
  ssh-keygen -q -t ed25519 -N '' -C "drover lab $LAB" -f "$OWN/key.new"
  mv "$OWN/key.new" "$OWN/id_ed25519"
  mv "$OWN/key.new.pub" "$OWN/id_ed25519.pub"
}

ensure_fleet() {
  local fleet=$OWN/fleet new=$OWN/fleet.new app
  if [ ! -d "$fleet" ]; then
    rm -rf "$new"
    cp -R "$LAB_DIR/fleet" "$new"
    keep_inventory_of "$new/inventory.yaml"
    install -m 600 "$OWN/id_ed25519" "$new/id_ed25519"
    for app in shop ticker echo; do "$LAB_DIR/apps/$app/build" "$new/dist"; done
    mv "$new" "$fleet"
  fi
  add_to_inventory "$fleet/inventory.yaml"
  write_commands
}

# A lab of some hosts only has an inventory of those only.
keep_inventory_of() {
  awk -v names="$(lab_hosts | tr '\n' ' ')" '
    BEGIN { n = split(names, list, " "); for (i = 1; i <= n; i++) here[list[i]] = 1 }
    /^  [a-z]+[0-9]+:/ { name = $1; sub(/:.*/, "", name); if (!(name in here)) next }
    { print }' "$1" > "$1.new"
  mv "$1.new" "$1"
}

inventory_line() { # NAME ROLE V4 V6 ZONE
  printf '  %-5s {address: [%s, %s], tags: {role: %s, zone: %s}}\n' "$1:" "$3" "$4" "$2" "$5"
}

add_to_inventory() {
  local name role v4 v6 zone
  while read -r name role v4 v6 zone; do
    grep -q "^  $name:" "$1" || inventory_line "$name" "$role" "$v4" "$v6" "$zone" >> "$1"
  done < "$STATE/hosts"
}

# Each host made its key on its first boot; a host is known by its name and both addresses.
write_known_hosts() {
  local name v4 v6
  while read -r name _ v4 v6 _; do
    printf '%s,%s,%s %s\n' "$name" "$v4" "$v6" "$(cut -d' ' -f1,2 "$(host_dir "$name")/host_key.pub")"
  done < "$STATE/hosts" > "$OWN/fleet/known_hosts.new"
  mv "$OWN/fleet/known_hosts.new" "$OWN/fleet/known_hosts"
}

write_commands() {
  mkdir -p "$OWN/bin"
  cat > "$OWN/bin/drover.new" <<EOF
#!/bin/sh
exec "$CHECKOUT/node_modules/.bin/node" "$CHECKOUT/src/cli.ts" "\$@"
EOF
  chmod +x "$OWN/bin/drover.new"
  mv "$OWN/bin/drover.new" "$OWN/bin/drover"
  {
    echo "127.0.0.1 localhost"
    echo "::1 localhost"
    awk '{ print $3, $1; print $4, $1 }' "$STATE/hosts"
  } > "$STATE/laptop-hosts"
}
