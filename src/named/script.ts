import { INSTALL_EXIT } from "../model/installing.ts";
import { BEFORE, CACHE, CONFIG, KEY, KEY_SUM, MANIFEST, PENDING, PREVIOUS, STAGED, ZONES } from "./paths.ts";
import { PERL_KEY } from "./perl.ts";
import { FUNCTIONS, NOTES } from "./script-functions.ts";

/** named.conf as Debian's package has it, for a host on which the file that was there is not known any more. */
const PACKAGED = ["options", "local", "default-zones"]
  .map((part) => `include "/etc/bind/named.conf.${part}";`)
  .join("\n");

/**
 * Brings what is staged into effect: named.conf, drover.key (or none), zone (or none), manifest (or none). Shell variables:
 * `zone` and `role` (`-`: none of drover's), `mode` strict or lax: whether a secondary has to prove that its key is good.
 * Idempotent; what is the same already is left alone.
 */
const CHANGE = `
begin
zone_file=${ZONES}/$zone.zone
key_is_laid() {
  if [ -f ${STAGED}/drover.key ]; then
    cmp -s ${STAGED}/drover.key ${KEY} && [ "$(stat -c '%a %U:%G' ${KEY})" = '640 root:bind' ]
  else [ ! -e ${KEY} ]; fi
}
lay_key() {
  if [ -f "$1" ]; then lay "$1" ${KEY} 640 root:bind; else rm -f ${KEY}; fi
}
zone_is_laid() { [ "$role" != primary ] || [ -f "$zone_file" ]; }
is_same() { cmp -s ${STAGED}/named.conf ${CONFIG} && key_is_laid && zone_is_laid; }
put_back() {
  reason=$1; evidence=$(printf '%s\\n' "$words"; last_words)
  if [ "$previous" = - ]; then rm -f ${CONFIG}; else lay ${PREVIOUS}/"$previous" ${CONFIG} 644 root:bind; fi
  lay_key ${PREVIOUS}/"$previous".key
  if [ "$ran" = yes ]; then
    bring_up || quit ${INSTALL_EXIT.stuck} "$reason; and BIND does not take the previous files either" "$evidence" "$words"
    then='the previous files are back and BIND runs'
  else
    systemd stop named
    then='the previous files are back and BIND is stopped'
  fi
  [ "$booted" = yes ] || systemd disable named
  [ "$created" = no ] || aside "$zone_file"
  [ -f ${MANIFEST} ] || rm -f ${BEFORE} ${KEY_SUM}
  rm -f ${PENDING}
  quit ${INSTALL_EXIT.putBack} "$reason; $then" "$evidence"
}
said=unchanged
if ! is_same || [ -e ${PENDING} ] || ! is_active; then
  had_copy=no; [ ! -s "${CACHE}/drover-$zone.zone" ] || had_copy=yes
  zone_is_laid || [ ! -f ${STAGED}/zone ] || created=yes
  note
  if [ "$role" = primary ]; then
    mkdir -p -m 775 ${ZONES} && chown root:bind ${ZONES} || quit 74 'cannot make ${ZONES}'
    # A zone that was put aside holds what was published; the way back brings it back.
    [ "$mode" = strict ] || back "$zone_file"
    zone_is_laid || [ ! -f ${STAGED}/zone ] || lay ${STAGED}/zone "$zone_file" 644 bind:bind
    zone_is_laid || quit 74 "the file of the zone $zone is lost: $zone_file"
  elif [ -f "$zone_file" ] && is_active; then
    control sync -clean "$zone" > /dev/null
  fi
  key_is_laid || lay_key ${STAGED}/drover.key
  cmp -s ${STAGED}/named.conf ${CONFIG} || lay ${STAGED}/named.conf ${CONFIG} 644 root:bind
  was_active=no; is_active && was_active=yes
  bring_up || put_back 'BIND does not take the new files'
  proves "$mode" || put_back "$why"
  if [ "$was_active" = yes ]; then said=reconfigured; else said=started; fi
else
  is_enabled || systemd enable named
fi
settle_roles
if [ -f ${STAGED}/manifest ]; then
  sum_of ${KEY} > ${STAGED}/key-sum && lay ${STAGED}/key-sum ${KEY_SUM} 600 root:root
  lay ${STAGED}/manifest ${MANIFEST} 600 root:root
else rm -f ${MANIFEST} ${KEY_SUM}; fi
rm -f ${PENDING}
rm -rf ${STAGED}
echo "$said"
`;

/**
 * `$1` ZONE, `$2` ROLE, `$3` name and `$4` algorithm of the key. Frames: its secret in base64, named.conf, the manifest, and
 * on a primary whose zone has to be created its first contents.
 */
export const INSTALL: string = `${FUNCTIONS}
zone=$1 role=$2 mode=strict
put ${STAGED}/secret 600 root && put ${STAGED}/named.conf 600 root && put ${STAGED}/manifest 600 root || quit $?
if [ "$5" = zone ]; then put ${STAGED}/zone 600 root || quit $?; fi
needs_bind
said=$(perl -e '${PERL_KEY}' "$3" "$4" ${STAGED}/secret 2>&1 > ${STAGED}/drover.key) || quit ${INSTALL_EXIT.refused} "$said"
rm -f ${STAGED}/secret
check_config
if [ "$role" = primary ] && [ ! -f ${ZONES}/"$zone".zone ]; then
  [ -f ${STAGED}/zone ] || quit ${INSTALL_EXIT.refused} "the file of the zone $zone is gone from ${ZONES} since it was looked at"
  make_zone
else rm -f ${STAGED}/zone; fi
${CHANGE}`;

/** BIND as it was before drover, with what published names kept aside. */
const REMOVE: string = `${FUNCTIONS}
remove() {
  zone=- role=-
  [ -e ${MANIFEST} ] || [ -s ${BEFORE} ] || [ -e ${PENDING} ] || { echo 'nothing of drover is there'; rm -rf ${STAGED}; exit 0; }
  was=default ran=no booted=no
  ! is_active || ran=yes
  ! is_enabled || booted=yes
  [ ! -s ${BEFORE} ] || read -r was ran booted < ${BEFORE}
  keep
  if is_active; then
    for file in ${ZONES}/*.zone; do
      name=\${file##*/}; [ ! -f "$file" ] || control sync -clean "\${name%.zone}" > /dev/null
    done
  fi
  if [ -d /etc/bind ]; then
    kept=${PREVIOUS}/"$was"
    if [ "$was" = - ]; then rm -f ${CONFIG}
    elif [ -f "$kept" ]; then cmp -s "$kept" ${CONFIG} || lay "$kept" ${CONFIG} 644 root:bind
    else printf '%s\\n' '${PACKAGED}' > ${STAGED}/packaged && lay ${STAGED}/packaged ${CONFIG} 644 root:bind; fi
    rm -f ${KEY}
  fi
  said='BIND is as it was before, and stopped'
  if is_installed; then
    if [ "$ran" = yes ]; then
      bring_up || quit ${INSTALL_EXIT.stuck} 'BIND does not take the files it had before drover' "$words" "$(last_words)"
      said='BIND is as it was before, and runs'
    else systemd stop named; fi
    if [ "$booted" = yes ]; then systemd enable named; else systemd disable named; fi
  fi
  settle_roles
  rmdir ${ZONES} 2>/dev/null
  rm -f ${NOTES}
  rm -rf ${STAGED}
  echo "$said"
  exit 0
}
`;

/** See `named.remove`. */
export const REMOVE_ONLY: string = `${REMOVE}
remove
`;

/** `$1`: hash of the kept named.conf, or `-`; `$2` manifest or none; `$3` ZONE and `$4` ROLE, or `-`. Frame: the manifest. */
export const RESTORE: string = `${REMOVE}
zone=$3 role=$4 mode=lax
if [ "$2" = manifest ]; then put ${STAGED}/manifest 600 root || quit $?; fi
[ "$1" != - ] || remove
if [ "$2" = none ] && [ -s ${BEFORE} ]; then
  read -r was ran booted < ${BEFORE}
  [ "$was" != "$1" ] || remove
fi
needs_bind
# Refused before anything was changed: then the file is still where it was, and perhaps nowhere else.
kept=${PREVIOUS}/"$1" kept_key=${PREVIOUS}/"$1".key
if [ ! -f "$kept" ] && [ -f ${CONFIG} ] && [ "$(sum_of ${CONFIG})" = "$1" ]; then kept=${CONFIG} kept_key=${KEY}; fi
cp "$kept" ${STAGED}/named.conf || quit 74 "the previous named.conf is lost: $kept"
[ ! -f "$kept_key" ] || cp "$kept_key" ${STAGED}/drover.key || quit 74 "cannot copy $kept_key"
check_config
${CHANGE}`;
