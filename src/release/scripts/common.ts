/**
 * Shell functions that the release scripts share; `$1` is always the app. A script that fails says why in the first
 * line of stderr, evidence in the lines after it (see ../judge.ts), with an exit code of its own:
 * 28 no space, 65 the artifact cannot be used, 69 the app did not start, 66 not staged, anything else unexpected.
 */
export const COMMON: string = String.raw`
app=$1
unit=drover-$app.service
sysd=/etc/systemd/system
wants=$sysd/multi-user.target.wants
opt=/opt/drover/$app
var=/var/lib/drover
manifest=$var/manifest/$app.json
sysuser=/etc/sysusers.d/drover-$app.conf

die() { code=$1; shift; printf '%s\n' "$@" >&2; exit "$code"; }

# A folder that another package would make too: noted first, so that drover removes it again only if drover made it.
own_dir() {
  [ -d "$1" ] && return 0
  mkdir -p -m 755 "$var" && printf '%s\n' "$1" >> "$var/made" && mkdir -m 755 "$1" || die 74 "cannot make $1"
}
disown_dirs() {
  [ -f "$var/made" ] || return 0
  while IFS= read -r dir; do
    [ -d "$dir" ] && ! rmdir "$dir" 2>/dev/null && printf '%s\n' "$dir"
  done < "$var/made" > "$var/made.tmp"
  if [ -s "$var/made.tmp" ]; then mv -f "$var/made.tmp" "$var/made"; else rm -f "$var/made.tmp" && rm -f "$var/made"; fi
}
sha() { [ -f "$1" ] && sha256sum < "$1" | cut -d' ' -f1; }

# SRC DST: a whole file or the old one, never half of it.
replace() {
  cmp -s "$1" "$2" && return 0
  cp "$1" "$2.drover-tmp" && chmod 644 "$2.drover-tmp" && sync "$2.drover-tmp" && mv -f "$2.drover-tmp" "$2" || die 74 "cannot write $2"
}

# What any unit file or running process needs. $1: release id.
referenced() {
  grep -rqsF "$opt/releases/$1/" "$sysd" /run/systemd/system && return 0
  grep -rqsxF "WorkingDirectory=$opt/releases/$1" "$sysd" /run/systemd/system && return 0
  [ "$(cat "$var/switching/$app" 2>/dev/null)" = "$1" ] && return 0
  grep -qsF "\"release\":\"$1\"" "$manifest" && return 0
  readlink /proc/[0-9]*/cwd /proc/[0-9]*/exe 2>/dev/null | grep -qE "^$opt/releases/$(printf %s "$1" | sed 's/[.+]/\\&/g')(/|\$)"
}

# First out of sight, then gone: a release that is half removed must not look like a staged one.
discard() {
  if [ -d "$opt/releases/$1" ]; then
    rm -rf "$opt/releases/$1.tmp" && mv "$opt/releases/$1" "$opt/releases/$1.tmp" || die 74 "cannot remove $opt/releases/$1"
  fi
  rm -rf "$opt/releases/$1.tmp" "$opt/releases/$1.healthy" "$var/credentials/$app/$1"
  rm -f "$opt/units/$1.service" "$opt/units/$1.conf" "$opt/units/$1.sums"
}

# Folders that hold nothing any more.
tidy() {
  rmdir "$var/credentials/$app" "$var/credentials" "$var/manifest" "$var/switching" "$var/previous" 2>/dev/null
  [ -e "$manifest" ] || rmdir "$opt/releases" "$opt/units" "$opt" 2>/dev/null
  rmdir /opt/drover 2>/dev/null
  disown_dirs
}

# What the app said since it was last switched: the manifest is written just before that.
evidence() {
  journalctl --sync 2>/dev/null
  journalctl -u "$unit" -n 20 --since "@$(stat -c %Y "$manifest" 2>/dev/null || echo 0)" --no-pager -q -o short-iso 2>/dev/null
}
`;
