import { COMMON } from "./common.ts";

/**
 * Arguments: app, release id, port (or `null`), `sysusers` line. Makes a staged release the one that runs. The note in
 * `switching/` stands from before the first change until the app runs: whoever finds it knows that files and process
 * may disagree. Runs on when the connection dies: a switch left half-way helps nobody.
 */
export const SWITCH: string = String.raw`${COMMON}
id=$2; port=$3
trap '' HUP PIPE
conf=$sysd/$unit.d/release.conf
note=$var/switching/$app
[ -d "$opt/releases/$id" ] && [ -f "$opt/units/$id.service" ] && [ -f "$opt/units/$id.conf" ] || die 66 "$id is not staged"

running() { [ "$(systemctl show -p ActiveState,SubState,NeedDaemonReload --value "$unit" | tr '\n' ' ')" = "active running no " ]; }
if [ ! -e "$note" ] && cmp -s "$opt/units/$id.service" "$sysd/$unit" && cmp -s "$opt/units/$id.conf" "$conf" \
  && [ -L "$wants/$unit" ] && grep -qsF "\"release\":\"$id\"" "$manifest" && running; then
  echo same
  exit 0
fi

mkdir -p -m 755 "$var/manifest" "$var/switching" && mkdir -p -m 700 "$var/previous" || die 74 "cannot make $var/manifest"
own_dir /etc/sysusers.d
own_dir "$wants"
mkdir -p -m 755 "$sysd/$unit.d" || die 74 "cannot make $sysd/$unit.d"
printf '%s\n' "$id" > "$note.tmp" && sync "$note.tmp" && mv -f "$note.tmp" "$note" || die 74 "cannot write $note"
printf '{"app":"%s","release":"%s","unit":"%s","dropIn":"%s","port":%s}\n' "$app" "$id" \
  "$(sha "$opt/units/$id.service")" "$(sha "$opt/units/$id.conf")" "$port" > "$manifest.tmp" \
  && sync "$manifest.tmp" && mv -f "$manifest.tmp" "$manifest" || die 74 "cannot write $manifest"

# What stands there and is not one of our own staged files (an edit by hand) is kept by its hash.
for old in "$sysd/$unit" "$conf"; do
  [ -f "$old" ] || continue
  for ours in "$opt"/units/*; do cmp -s "$old" "$ours" && continue 2; done
  sum=$(sha "$old")
  cp "$old" "$var/previous/$sum.tmp" && mv -f "$var/previous/$sum.tmp" "$var/previous/$sum" || die 74 "cannot keep $old"
  printf '%s\n' "$sum" >> "$opt/previous"
done

if ! getent passwd "drover-$app" >/dev/null || [ ! -f "$sysuser" ]; then
  printf 'u drover-%s - "%s, run by drover" / /usr/sbin/nologin\n' "$app" "$app" > "$sysuser.drover-tmp" \
    && chmod 644 "$sysuser.drover-tmp" && mv -f "$sysuser.drover-tmp" "$sysuser" || die 74 "cannot write $sysuser"
  said=$(systemd-sysusers "$sysuser" 2>&1) || die 70 "cannot make the user drover-$app" "$said"
fi

replace "$opt/units/$id.service" "$sysd/$unit"
replace "$opt/units/$id.conf" "$conf"
ln -sfn "$sysd/$unit" "$wants/$unit" || die 74 "cannot enable $unit"
sync "$sysd" "$sysd/$unit.d" "$wants"
said=$(systemctl daemon-reload 2>&1) || die 70 "systemctl daemon-reload failed" "$said"
said=$(timeout 90 systemctl restart "$unit" 2>&1) || die 69 "$id did not start" "$said" "$(evidence)"
rm -f "$note"
rmdir "$var/previous" 2>/dev/null
echo switched
`;

/** Arguments: app, release id. Marks a release as one that was healthy, now. */
export const MARK: string = String.raw`${COMMON}
[ ! -d "$opt/releases/$2" ] || touch "$opt/releases/$2.healthy"
`;

/**
 * Argument: app. Stops the app and removes all that drover made for it. The manifest goes last: until then an
 * interrupted removal is found and finished. A unit in another handwriting stays.
 */
export const REMOVE: string = String.raw`${COMMON}
trap '' HUP PIPE
if [ -e "$manifest" ] || grep -qs "^# Written by drover" "$sysd/$unit"; then
  if [ "$(systemctl show -p ActiveState --value "$unit")" != inactive ]; then
    said=$(timeout 60 systemctl stop "$unit" 2>&1) || die 70 "cannot stop $unit" "$said" "$(evidence)"
  fi
  rm -f "$wants/$unit" "$sysd/$unit" "$sysd/$unit.drover-tmp" "$sysd/$unit.d/release.conf" "$sysd/$unit.d/release.conf.drover-tmp"
  rmdir "$sysd/$unit.d" 2>/dev/null
  said=$(systemctl daemon-reload 2>&1) || die 70 "systemctl daemon-reload failed" "$said"
  systemctl reset-failed "$unit" 2>/dev/null
fi
if [ -f "$sysuser" ] || [ -f "$sysuser.drover-tmp" ]; then
  if getent passwd "drover-$app" >/dev/null; then
    said=$(userdel "drover-$app" 2>&1) || die 70 "cannot remove the user drover-$app" "$said"
  fi
  if getent group "drover-$app" >/dev/null; then
    said=$(groupdel "drover-$app" 2>&1) || die 70 "cannot remove the group drover-$app" "$said"
  fi
  rm -f "$sysuser" "$sysuser.drover-tmp"
fi
if [ -f "$opt/previous" ]; then
  while IFS= read -r sum; do rm -f "$var/previous/$sum"; done < "$opt/previous"
fi
rm -rf "$var/credentials/$app" "$opt" || die 74 "cannot remove $opt"
rm -f "$var/switching/$app" "$var/switching/$app.tmp" "$manifest.tmp" "$manifest"
tidy
exit 0
`;
