import { INSTALL_EXIT } from "../model/installing.ts";
import { CHECK, CONFIG, DROP_IN, MANIFEST, PENDING, PREVIOUS, YIELDED } from "./paths.ts";

const STAGED = "/var/lib/drover/staged";
/** Where the check lies while a file is tested: the test insists on one that root alone can write, and run. */
const TRIAL = "/var/lib/drover/keepalived-trial";

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Perl that takes the VIPs of a keepalived.conf off this host. Argument: the file. No single quotes. */
const PERL_CLEAR_VIPS: string = String.raw`
    use strict;
    use warnings;

    sub vips_of {
      my ($path) = @_;
      open(my $f, "<", $path) or exit 0;
      my (%vip, $in);
      while (<$f>) {
        s/(?:^|\s)[#!].*//;
        $in = 1 if /^\s*virtual_ipaddress/;
        $in = 0 if /\}/;
        $vip{lc $1} = 1 if $in && m{^\s*([0-9a-fA-F.:]+)(?:/\d+)?(?:\s|\z)};
      }
      return %vip;
    }

    my %vip = vips_of($ARGV[0]);
    sub left {
      my @left;
      for (qx(ip -o addr show)) {
        my ($device, $prefix, $address) = m{^\d+: (\S+)\s+inet6?\s+(([0-9a-f.:]+)/\d+)} or next;
        push @left, { device => $device, prefix => $prefix, address => $address } if $vip{$address};
      }
      return @left;
    }

    # keepalived takes them off itself as it stops, which may last a moment.
    for (1 .. 20) {
      last unless left();
      select(undef, undef, undef, 0.05);
    }
    system("ip", "addr", "del", $_->{prefix}, "dev", $_->{device}) for left();
    my @left = left() or exit 0;
    print STDERR "still on this host: ", join(" ", map { $_->{address} } @left), "\n";
    exit 1;
  `;

/**
 * Shell functions of keepalived's scripts.
 *
 *     quit CODE LINE…          ends the script with words
 *     lay FROM TO MODE         a file becomes another, by rename, synced
 *     test_config FILE         `keepalived -t`, anything but 0 is a refusal (it says 5 and 6 for what it would only
 *                              warn of, such as a check that it would silently leave out)
 *     settled PID              keepalived runs, as this process (0: any), with its child, for a moment already
 *     bring_up                 keepalived takes the file that is there: SIGHUP if it runs, else start
 *     last_words               what keepalived logged last
 *     clear_vips FILE          takes the VIPs of a file off this host; keepalived must be stopped
 */
const FUNCTIONS: string = `
trap '' HUP INT TERM PIPE
quit() { code=$1; shift; printf '%s\\n' "$@" >&2; exit "$code"; }
write_beside() { cp "$1" "$2.drover-tmp" && chmod "$3" "$2.drover-tmp" && sync "$2.drover-tmp"; }
lay() {
  mkdir -p -m 755 "\${2%/*}" && words=$(write_beside "$@" 2>&1) \\
    && mv -f "$2.drover-tmp" "$2" && sync "\${2%/*}" && return 0
  rm -f "$2.drover-tmp"
  case $words in *'No space left'*) quit 28 "cannot write $2: No space left on device" ;; esac
  quit 74 "cannot write $2: $words"
}
systemd() { systemctl "$@" > /dev/null 2>&1 9>&-; }
sum_of() { sha256sum < "$1" | cut -c1-64; }
is_active() { [ "$(systemctl is-active keepalived 2>/dev/null)" = active ]; }
main_pid() { systemctl show -p MainPID --value keepalived 2>/dev/null; }
test_config() {
  [ -x /usr/sbin/keepalived ] || quit ${INSTALL_EXIT.missing} 'keepalived is not installed'
  lay ${STAGED}/drover-alive ${TRIAL}/drover-alive 755
  sed 's|${CHECK}|${TRIAL}/drover-alive|' "$1" > ${TRIAL}/keepalived.conf || quit 74 'cannot write ${TRIAL}'
  said=$(/usr/sbin/keepalived -t -f ${TRIAL}/keepalived.conf 2>&1 9>&-); code=$?
  rm -rf ${TRIAL}
  [ "$code" != 0 ] || return 0
  quit ${INSTALL_EXIT.refused} 'keepalived refuses the new keepalived.conf' "$(printf '%s' "$said" | sed 's|${TRIAL}/||g')"
}
# keepalived leaves out a script that others than root could write, and says so in its log only.
check_is_ours() { cmp -s ${STAGED}/drover-alive ${CHECK} && [ "$(stat -c '%a %u' ${CHECK})" = '755 0' ]; }
last_words() { journalctl -q -u keepalived -n 8 -o cat --no-pager 2>/dev/null; }
settled() {
  tries=0
  while [ "$tries" -lt 20 ]; do
    sleep 0.1; tries=$((tries + 1))
    is_active || return 1
    now=$(main_pid); [ "\${now:-0}" != 0 ] || return 1
    [ "$1" = 0 ] || [ "$1" = "$now" ] || return 1
    # It reads its file and starts its child within milliseconds; half a second without an end is a life.
    [ "$tries" -lt 5 ] || [ -z "$(cat "/proc/$now/task/$now/children" 2>/dev/null)" ] || return 0
  done
  return 1
}
bring_up() {
  if is_active; then
    was=$(main_pid)
    systemd enable keepalived
    kill -HUP "$was" && settled "$was"
  else
    systemd reset-failed keepalived; systemd enable keepalived
    systemd start keepalived && settled 0
  fi
}
clear_vips() {
  [ -f "$1" ] || return 0
  perl -e '${PERL_CLEAR_VIPS}' "$1" || exit ${INSTALL_EXIT.held}
}
mkdir -p -m 755 /etc/keepalived ${folderOf(MANIFEST)} || exit 74
mkdir -p -m 700 ${STAGED} ${PREVIOUS} || exit 74
`;

/** Takes keepalived off: stopped, not at boot, no file of drover's left. `$1`: the file to keep a copy of. */
const REMOVE = `
systemd disable --now keepalived
clear_vips ${CONFIG}
[ ! -f ${CONFIG} ] || lay ${CONFIG} ${PREVIOUS}/"$(sum_of ${CONFIG})" 600
rm -f ${CONFIG} ${CHECK} ${DROP_IN} ${MANIFEST} ${PENDING} ${YIELDED}
systemd daemon-reload
echo 'keepalived is stopped'
exit 0
`;

/**
 * Puts a staged file in place and into effect. `ended` is what the host should come to: `run` (also where keepalived
 * was stopped on purpose) or `keep` (what was stopped on purpose, or did not run under a file that was not ours, stays
 * so).
 */
const CHANGE = `
previous=
if [ -f ${CONFIG} ]; then
  previous=$(sum_of ${CONFIG})
  [ -f ${PREVIOUS}/"$previous" ] || lay ${CONFIG} ${PREVIOUS}/"$previous" 600
  # A file that was not ours goes back with its service as it was.
  [ -f ${MANIFEST} ] || is_active || : > ${PREVIOUS}/"$previous".stopped
fi
ran=no; is_active && ran=yes
stays=no
if [ "$ended" = keep ]; then
  [ ! -e ${YIELDED} ] || stays=yes
  if [ -e ${PREVIOUS}/"$(sum_of ${STAGED}/keepalived.conf)".stopped ]; then
    stays=yes
    [ "$ran" = no ] || systemd disable --now keepalived
  fi
fi
same=no
if cmp -s ${STAGED}/keepalived.conf ${CONFIG} && check_is_ours && cmp -s ${STAGED}/drop-in ${DROP_IN}; then same=yes; fi
said=unchanged
if [ "$same" = no ] || [ -e ${PENDING} ] || { [ "$ran" = no ] && [ "$stays" = no ]; }; then
  : > ${PENDING}
  check_is_ours || lay ${STAGED}/drover-alive ${CHECK} 755
  cmp -s ${STAGED}/drop-in ${DROP_IN} || { lay ${STAGED}/drop-in ${DROP_IN} 644; systemd daemon-reload; }
  cmp -s ${STAGED}/keepalived.conf ${CONFIG} || lay ${STAGED}/keepalived.conf ${CONFIG} 644
  if [ "$stays" = yes ]; then said='laid down, keepalived stays stopped'
  elif bring_up; then
    if [ "$ran" = yes ]; then said=reloaded; else said=started; fi
  else
    words=$(last_words)
    if [ -n "$previous" ]; then lay ${PREVIOUS}/"$previous" ${CONFIG} 644; else rm -f ${CONFIG}; fi
    if [ "$ran" = no ]; then
      systemd disable --now keepalived
      rm -f ${PENDING}
      quit ${INSTALL_EXIT.putBack} \\
        'keepalived did not start with the new keepalived.conf; it is stopped and the previous file is back' "$words"
    fi
    bring_up || quit ${INSTALL_EXIT.stuck} 'neither the new keepalived.conf nor the previous one came up' "$words"
    rm -f ${PENDING}
    quit ${INSTALL_EXIT.putBack} 'the new keepalived.conf did not come up; the previous one is back and runs' "$words"
  fi
elif [ "$stays" = no ]; then systemd enable keepalived
fi
if [ -f ${STAGED}/keepalived.json ]; then lay ${STAGED}/keepalived.json ${MANIFEST} 600; else rm -f ${MANIFEST}; fi
[ "$stays" = yes ] || rm -f ${YIELDED}
rm -f ${PENDING}
echo "$said"
`;

/** Frames: the check, the drop-in, keepalived.conf, the manifest. */
export const INSTALL: string = `${FUNCTIONS}
put ${STAGED}/drover-alive 600 root && put ${STAGED}/drop-in 600 root || exit $?
put ${STAGED}/keepalived.conf 600 root && put ${STAGED}/keepalived.json 600 root || exit $?
test_config ${STAGED}/keepalived.conf
ended=run
${CHANGE}`;

/** Frames: the check, the drop-in, keepalived.conf. Changes nothing that keepalived would see. */
export const CHECK_ONLY: string = `${FUNCTIONS}
put ${STAGED}/drover-alive 600 root && put ${STAGED}/drop-in 600 root || exit $?
put ${STAGED}/keepalived.trial 600 root || exit $?
test_config ${STAGED}/keepalived.trial
rm -f ${STAGED}/keepalived.trial
`;

/** `$1`: hash of the kept file, or `-`; `$2`: `manifest` or `none`. Frames: the check, the drop-in, the manifest. */
export const RESTORE: string = `${FUNCTIONS}
put ${STAGED}/drover-alive 600 root && put ${STAGED}/drop-in 600 root || exit $?
rm -f ${STAGED}/keepalived.json
if [ "$2" = manifest ]; then put ${STAGED}/keepalived.json 600 root || exit $?; fi
if [ "$1" = - ]; then
${REMOVE}
fi
kept=${PREVIOUS}/"$1"
# Refused before anything was changed: then the file is still where it was, and nowhere else.
[ -f "$kept" ] || [ "$(sum_of ${CONFIG})" != "$1" ] || kept=${CONFIG}
cp "$kept" ${STAGED}/keepalived.conf || exit 74
ended=keep
${CHANGE}`;

/** Stops keepalived for maintenance. Its last packet has priority 0: the peers take over at once (RFC 3768 §6.4.3). */
export const YIELD: string = `${FUNCTIONS}
[ -x /usr/sbin/keepalived ] || quit ${INSTALL_EXIT.missing} 'keepalived is not installed'
: > ${YIELDED} || quit 28 'cannot write ${YIELDED}'
# Not in one: disabling makes systemd read all units again, in the moment in which the VIP moves.
systemd stop keepalived
systemd disable keepalived
! is_active || quit ${INSTALL_EXIT.stuck} 'keepalived did not stop'
clear_vips ${CONFIG}
echo stopped
`;

/** The way back from {@link YIELD}. */
export const RESUME: string = `${FUNCTIONS}
[ -x /usr/sbin/keepalived ] || quit ${INSTALL_EXIT.missing} 'keepalived is not installed'
[ -s ${CONFIG} ] || quit ${INSTALL_EXIT.stuck} '${CONFIG} is missing'
if is_active; then
  said='it already runs'
  systemd enable keepalived
else
  bring_up || quit ${INSTALL_EXIT.stuck} 'keepalived does not start' "$(last_words)"
  said=started
fi
rm -f ${YIELDED}
echo "$said"
`;
