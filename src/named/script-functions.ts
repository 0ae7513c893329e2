import { INSTALL_EXIT } from "../model/installing.ts";
import { BEFORE, CACHE, CONFIG, KEY, KEY_SUM, MANIFEST, PENDING, PREVIOUS, STAGED, ZONES } from "./paths.ts";
import { PERL_ASK, PERL_MERGE, PERL_WORDS } from "./perl.ts";

/**
 * Shell functions of BIND's scripts.
 *
 *     quit CODE LINE…             ends the script with words; the staged secret goes
 *     lay FROM TO MODE OWNER      a file becomes another, by rename, synced
 *     bring_up                    named takes the files that are there: reconfig if it runs, else start; `words`: what was said
 *     last_words                  what named logged since the script began
 *     aside FILE, back FILE       a zone with its journal goes out of named's way, and comes back
 */
const BASICS: string = `
trap '' HUP INT TERM PIPE
began=$(date +%s)
quit() { code=$1; shift; printf '%s\\n' "$@" >&2; rm -rf ${STAGED}; exit "$code"; }
write_beside() { cp "$1" "$2.drover-tmp" && chown "$4" "$2.drover-tmp" && chmod "$3" "$2.drover-tmp" && sync "$2.drover-tmp"; }
lay() {
  mkdir -p -m 755 "\${2%/*}" && words=$(write_beside "$@" 2>&1) \\
    && mv -f "$2.drover-tmp" "$2" && sync "\${2%/*}" && return 0
  rm -f "$2.drover-tmp"
  case $words in *'No space left'*) quit 28 "cannot write $2: No space left on device" ;; esac
  quit 74 "cannot write $2: $words"
}
sum_of() { sha256sum < "$1" | cut -c1-64; }
systemd() { systemctl "$@" > /dev/null 2>&1 9>&-; }
is_active() { [ "$(systemctl is-active named 2>/dev/null)" = active ]; }
is_enabled() { [ "$(systemctl is-enabled named 2>/dev/null)" = enabled ]; }
is_installed() { [ -x /usr/sbin/named ] && [ -d /etc/bind ] && command -v rndc named-checkconf named-checkzone > /dev/null; }
needs_bind() { is_installed || quit ${INSTALL_EXIT.missing} 'BIND is not installed'; }
control() { timeout 30 rndc "$@" 2>&1 9>&-; }
bring_up() {
  is_enabled || systemd enable named
  if is_active; then
    words=$(control reconfig)
  else
    systemd reset-failed named
    words=$(timeout 60 systemctl start named 2>&1 9>&-)
  fi
}
last_words() {
  # journald may be a moment behind.
  sleep 0.3
  journalctl -q -u named --since "@$began" -o cat --no-pager 2>/dev/null | perl -e '${PERL_WORDS}'
}
aside() {
  [ -f "$1" ] || return 0
  # What was put aside before may hold names of others that nobody else has: it is kept as well.
  if [ -f "$1.gone" ]; then
    number=1
    while [ -e "$1.gone.$number" ]; do number=$((number + 1)); done
    mv "$1.gone" "$1.gone.$number" && { [ ! -f "$1.gone.jnl" ] || mv "$1.gone.jnl" "$1.gone.$number.jnl"; } || return 1
  fi
  rm -f "$1.gone.jnl"
  mv -f "$1" "$1.gone" && { [ ! -f "$1.jnl" ] || mv -f "$1.jnl" "$1.gone.jnl"; }
}
back() {
  [ ! -f "$1" ] && [ -f "$1.gone" ] || return 0
  [ ! -f "$1.gone.jnl" ] || mv -f "$1.gone.jnl" "$1.jnl"
  mv -f "$1.gone" "$1"
}
mkdir -p -m 755 ${MANIFEST.slice(0, MANIFEST.lastIndexOf("/"))} || exit 74
mkdir -p -m 700 ${PREVIOUS} || exit 74
rm -rf ${STAGED} && mkdir -p -m 700 ${STAGED} || exit 74
`;

/**
 *     settle_roles                only the current zone's file stays in named's way
 *     keep                        named.conf and its key, by the hash of named.conf; gives it in `previous`
 *     begin, note                 what was there before the change, also where an earlier run was cut off; PENDING carries it
 *     proves MODE                 the zone is here: loaded, answered for, and on a secondary transferred with this key
 */
const STATE: string = `
settle_roles() {
  for file in ${ZONES}/*.zone; do
    [ "$role" = primary ] && [ "$file" = "${ZONES}/$zone.zone" ] || aside "$file"
  done
  for file in ${CACHE}/drover-*.zone; do
    [ "$role" = secondary ] && [ "$file" = "${CACHE}/drover-$zone.zone" ] || rm -f "$file" "$file.jnl"
  done
}
keep() {
  previous=-
  [ -f ${CONFIG} ] || return 0
  previous=$(sum_of ${CONFIG})
  [ -f ${PREVIOUS}/"$previous" ] || lay ${CONFIG} ${PREVIOUS}/"$previous" 600 root:root
  [ ! -f ${KEY} ] || cmp -s ${KEY} ${PREVIOUS}/"$previous".key || lay ${KEY} ${PREVIOUS}/"$previous".key 600 root:root
}
begin() {
  if [ -s ${PENDING} ]; then read -r previous ran booted created < ${PENDING}; return 0; fi
  keep
  ran=no; is_active && ran=yes
  booted=no; is_enabled && booted=yes
  created=no
  [ ! -s ${BEFORE} ] || return 0
  was=$previous
  # The notes of an earlier drover are lost: what is there is none of the package's.
  [ "$was" = - ] || ! head -n 1 ${CONFIG} | grep -q '^// Written by drover' || was=default
  printf '%s %s %s\\n' "$was" "$ran" "$booted" > ${STAGED}/before && lay ${STAGED}/before ${BEFORE} 600 root:root
}
note() {
  printf '%s %s %s %s\\n' "$previous" "$ran" "$booted" "$created" > ${STAGED}/pending || quit 28 'cannot write ${STAGED}'
  lay ${STAGED}/pending ${PENDING} 600 root:root
}
answers() { why=$(perl -e '${PERL_ASK}' "$zone" 2>&1); }
loaded() { status=$(control zonestatus "$zone"); }
until_answers() {
  end=$(( $(date +%s) + 10 ))
  until loaded && answers; do
    if [ "$(date +%s)" -ge "$end" ]; then
      why="BIND does not answer for $zone: \${why:-$(printf '%s' "$status" | tail -n 1)}"; return 1
    fi
    sleep 0.1
  done
}
# A zone that was loaded from the copy proves nothing. When it expires moves with each refresh that the key was good for.
until_refreshed() {
  end=$(( $(date +%s) + 15 )); first= tries=0
  while [ "$(date +%s)" -lt "$end" ]; do
    if loaded; then
      [ "$had_copy" = yes ] || return 0
      expires=$(printf '%s\\n' "$status" | sed -n 's/^expires: //p')
      [ -n "$first" ] || first=$expires
      [ "$expires" = "$first" ] || return 0
    fi
    tries=$((tries + 1))
    [ $((tries % 4)) != 1 ] || control refresh "$zone" > /dev/null
    sleep 0.2
  done
  why="the zone $zone did not come from its primary within 15 s"; return 1
}
proves() {
  why=
  case $role:$1 in
    primary:*) until_answers ;;
    secondary:strict) until_refreshed && until_answers ;;
    secondary:lax) [ "$had_copy" = no ] || until_answers ;;
    *) is_active ;;
  esac
}
`;

/**
 *     check_config                named-checkconf of what is staged, with the staged key
 *     make_zone                   stamps the staged zone, takes over a secondary's copy, named-checkzone
 */
const CHECKS: string = `
check_config() {
  sed 's|${KEY}|${STAGED}/drover.key|' ${STAGED}/named.conf > ${STAGED}/trial.conf || quit 74 'cannot write ${STAGED}'
  said=$(timeout 30 named-checkconf ${STAGED}/trial.conf 2>&1 9>&-) && return 0
  said=$(printf '%s' "$said" | sed 's|${STAGED}/trial.conf|named.conf|g; s|${STAGED}/||g')
  quit ${INSTALL_EXIT.refused} 'named-checkconf refuses the new named.conf' "$said"
}
compile_zone() { timeout 60 named-compilezone -q -j -i none -k ignore -n ignore -s full -o "$2" "$zone" "$1" 2>&1 9>&-; }
make_zone() {
  sed -i "s/^\\( *\\)0 ; drover-serial\\$/\\1$(date +%s) ; serial/" ${STAGED}/zone || quit 74 'cannot write ${STAGED}'
  copy=${CACHE}/drover-$zone.zone
  if [ -s "$copy" ]; then
    ! is_active || control sync "$zone" > /dev/null
    said=$(compile_zone ${STAGED}/zone ${STAGED}/new && compile_zone "$copy" ${STAGED}/old \\
      && perl -e '${PERL_MERGE}' "$zone" ${STAGED}/new ${STAGED}/old 2>&1 > ${STAGED}/zone) \\
      || quit ${INSTALL_EXIT.refused} "the copy of $zone that is here cannot be taken over" "$said"
  fi
  said=$(timeout 60 named-checkzone -i local -k fail -n fail "$zone" ${STAGED}/zone 2>&1 9>&-) && return 0
  quit ${INSTALL_EXIT.refused} "named-checkzone refuses the zone $zone" "$(printf '%s' "$said" | sed 's|${STAGED}/||g')"
}
`;

/** Stands before each of BIND's scripts. */
export const FUNCTIONS: string = `${BASICS}${STATE}${CHECKS}`;

/** Notes of drover's that go when nothing of it is left on a host. */
export const NOTES: string = `${MANIFEST} ${KEY_SUM} ${BEFORE} ${PENDING}`;
