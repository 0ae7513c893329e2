import { ASK } from "./ask.ts";
import { HEADER } from "./normalize.ts";
import { DROP_IN, MANIFEST, PENDING, PREVIOUS, RESOLV_CONF } from "./paths.ts";

/** Exit codes of the scripts, beyond those of ask.ts and those that every script has. */
export const RESOLVER_EXIT = {
  /** The file lets itself not be replaced: mounted over, immutable, or on a read-only file system. */
  fixed: 63,
  /** What was to be put back is not there any more. */
  lost: 64,
  /** Names did not resolve with the new files; the previous ones are back. */
  putBack: 66,
  /** systemd-resolved runs neither with the new files nor with the previous ones. */
  stuck: 67,
  /** It is not what it was when it was looked at; nothing was changed. */
  moved: 77,
} as const;

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

const STAGED = "/var/lib/drover/staged";
/** The manifest from before a change: a second name of the same file, so that going back needs no space. */
const MANIFEST_WAS = `${STAGED}/resolver.json.was`;

/**
 * Shell functions of both scripts. A file that is replaced keeps a second name (`.drover-was`) until the new one is proven:
 * going back is a rename, which works on a full disk too, and gives back bytes, mode, owner and times.
 *
 *     beside FROM TO MODE OWNER   the new file beside the old one, synced
 *     swap TO                     … in its place
 *     back TO                     … and out again: the file of before, or none
 *     through ZONE                names of the zone resolve, by the way every program goes
 */
const FUNCTIONS: string = `
trap '' HUP INT TERM PIPE
quit() { code=$1; shift; printf '%s\\n' "$@" >&2; exit "$code"; }
sum_of() { if [ -f "$1" ]; then sha256sum < "$1" | cut -c1-64; else echo -; fi; }
is_ours() { [ -f "$1" ] && head -n 1 "$1" | grep -q '^${HEADER}'; }
words_of() { case $1 in *'No space left'*) quit 28 "cannot write $2: No space left on device" ;; *) quit "$3" "$2 cannot be replaced" "$1" ;; esac; }
tidy() { rm -f ${RESOLV_CONF}.drover-tmp ${RESOLV_CONF}.drover-was ${DROP_IN}.drover-tmp ${DROP_IN}.drover-was ${MANIFEST}.drover-tmp ${MANIFEST_WAS}; rmdir ${folderOf(DROP_IN)} 2>/dev/null; return 0; }
copy_beside() { cp "$1" "$2.drover-tmp" && chown "$4" "$2.drover-tmp" && chmod "$3" "$2.drover-tmp" && sync "$2.drover-tmp"; }
beside() {
  mkdir -p -m 755 "\${2%/*}"
  words=$(copy_beside "$@" 2>&1) || { tidy; words_of "$words" "$2" ${RESOLVER_EXIT.fixed}; }
}
keep() {
  [ ! -f ${PREVIOUS}/"$2" ] || return 0
  beside "$1" ${PREVIOUS}/"$2" 600 0:0
  mv -f ${PREVIOUS}/"$2".drover-tmp ${PREVIOUS}/"$2" && sync ${PREVIOUS}
}
second_name() {
  rm -f "$2"
  [ -f "$1" ] || return 0
  words=$(ln "$1" "$2" 2>&1) || { tidy; words_of "$words" "$1" ${RESOLVER_EXIT.fixed}; }
}
swap() { words=$(mv -fT "$1.drover-tmp" "$1" 2>&1) && sync "\${1%/*}"; }
back() {
  if [ -e "$2" ]; then mv -fT "$2" "$1"; else rm -f "$1"; fi
  sync "\${1%/*}"
}
is_active() { [ "$(systemctl is-active systemd-resolved 2>/dev/null)" = active ]; }
restart() {
  systemctl reset-failed systemd-resolved > /dev/null 2>&1
  systemctl restart systemd-resolved > /dev/null 2>&1 9>&- && is_active
}
ask() { perl -e '${ASK}' "$@" 9>&-; }
through() {
  first=$(sed -n 's/^nameserver[ \\t][ \\t]*//p' ${RESOLV_CONF} | head -n 1)
  tries=0
  until why=$(ask "$1" no "$first" 2>&1 > /dev/null) && { [ -z "$2" ] || timeout 5 getent hosts "$2" > /dev/null 2>&1 9>&-; }; do
    tries=$((tries + 1)); [ "$tries" -lt 3 ] || return 1
    sleep 0.3
  done
}
drop_in_gone() {
  is_ours ${DROP_IN} || return 0
  rm -f ${DROP_IN}
  ! is_active || restart || quit ${RESOLVER_EXIT.stuck} 'systemd-resolved does not start again without the drop-in of drover'
}
mkdir -p -m 755 ${folderOf(MANIFEST)} && mkdir -p -m 700 ${STAGED} ${PREVIOUS} || exit 74
`;

/**
 * Arguments: `resolved` or `file`; the sha256 of what is to be replaced, or `-`; mode and owner of the new file; `proven`
 * or `trusted` (on the way back: what was there before is put there whatever the servers do); `yes` where the servers
 * have to answer for other names too; the zone; the servers. Frames: the text, the manifest.
 */
export const INSTALL: string = `${FUNCTIONS}
put ${STAGED}/resolver.text 600 root && put ${STAGED}/resolver.json 600 root || exit $?
way=$1 expected=$2 mode=$3 owner=$4 checks=$5 recursion=$6 zone=$7
shift 7
case $way in resolved) target=${DROP_IN} ;; *) target=${RESOLV_CONF} ;; esac
[ "$(sum_of "$target")" = "$expected" ] && { [ "$way" = resolved ] || [ ! -L "$target" ]; } || quit ${RESOLVER_EXIT.moved} "$target was changed meanwhile"
if cmp -s ${STAGED}/resolver.text "$target" && cmp -s ${STAGED}/resolver.json ${MANIFEST} && [ ! -e ${PENDING} ]; then
  [ "$way" = resolved ] || drop_in_gone
  echo unchanged
  exit 0
fi
name=
if [ "$checks" = proven ]; then name=$(ask "$zone" "$recursion" "$@") || exit $?; fi
tidy
[ "$expected" = - ] || keep "$target" "$expected"
beside ${STAGED}/resolver.text "$target" "$mode" "$owner"
beside ${STAGED}/resolver.json ${MANIFEST} 600 0:0
second_name "$target" "$target".drover-was
second_name ${MANIFEST} ${MANIFEST_WAS}
touch ${PENDING} || { tidy; quit 28 'cannot write ${PENDING}'; }
# The manifest first: it knows the original, without which a file of ours could not be taken back.
swap ${MANIFEST} || { tidy; rm -f ${PENDING}; quit ${RESOLVER_EXIT.fixed} '${MANIFEST} cannot be replaced' "$words"; }
swap "$target" || { back ${MANIFEST} ${MANIFEST_WAS}; tidy; rm -f ${PENDING}; quit ${RESOLVER_EXIT.fixed} "$target cannot be replaced" "$words"; }
ok=yes
if [ "$way" = resolved ]; then restart || { ok=no; why='systemd-resolved does not start with it'; }; fi
if [ "$ok" = yes ] && [ "$checks" = proven ]; then through "$zone" "$name" || ok=no; fi
if [ "$ok" = no ]; then
  back "$target" "$target".drover-was
  back ${MANIFEST} ${MANIFEST_WAS}
  tidy
  if [ "$way" = resolved ]; then
    restart || quit ${RESOLVER_EXIT.stuck} 'systemd-resolved starts neither with the new drop-in nor without it' "$why"
  fi
  rm -f ${PENDING}
  quit ${RESOLVER_EXIT.putBack} "names of $zone did not resolve with the new $target; the previous one is back" "\${why:-getent hosts $name finds nothing}"
fi
[ "$way" = resolved ] || drop_in_gone
tidy
rm -f ${PENDING}
echo "names of $zone resolve"
`;

/**
 * Takes everything of drover's off. Arguments: what becomes of resolv.conf (`back`: the original, `gone`: there was none,
 * `leave`: it is not ours); its sha256 now; the original's sha256, mode and owner.
 */
export const REMOVE: string = `${FUNCTIONS}
what=$1 expected=$2 original=$3 mode=$4 owner=$5
[ "$what" = leave ] || [ "$(sum_of ${RESOLV_CONF})" = "$expected" ] || quit ${RESOLVER_EXIT.moved} '${RESOLV_CONF} was changed meanwhile'
case $what in
  back)
    kept=${PREVIOUS}/"$original"
    [ "$(sum_of "$kept")" = "$original" ] || quit ${RESOLVER_EXIT.lost} "$kept, the file from before drover, is gone"
    tidy
    full=no
    # On a full disk by a second name: taking a change back must need no space.
    copy_beside "$kept" ${RESOLV_CONF} "$mode" "$owner" 2>/dev/null || {
      full=yes
      rm -f ${RESOLV_CONF}.drover-tmp
      words=$({ ln "$kept" ${RESOLV_CONF}.drover-tmp && chown "$owner" ${RESOLV_CONF}.drover-tmp && chmod "$mode" ${RESOLV_CONF}.drover-tmp; } 2>&1) \\
        || { tidy; words_of "$words" ${RESOLV_CONF} ${RESOLVER_EXIT.fixed}; }
    }
    swap ${RESOLV_CONF} || { tidy; quit ${RESOLVER_EXIT.fixed} '${RESOLV_CONF} cannot be replaced' "$words"; }
    # Or whoever edits the one in its place would edit the other.
    [ "$full" = no ] || rm -f "$kept"
    ;;
  gone) rm -f ${RESOLV_CONF} || quit ${RESOLVER_EXIT.fixed} '${RESOLV_CONF} cannot be removed' ;;
esac
drop_in_gone
rm -f ${MANIFEST} ${PENDING}
tidy
echo 'as before drover'
`;
