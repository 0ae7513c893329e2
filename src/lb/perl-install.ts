import { CONFIG, FILES, MANIFEST, MAPS, PENDING, PREVIOUS } from "./paths.ts";
import { PERL_BUNDLE } from "./perl-bundle.ts";
import { INSTALL_EXIT, PERL_CHECKS } from "./perl-checks.ts";
import { PERL_CONFIG } from "./perl-config.ts";
import { PERL_RELOAD } from "./perl-reload.ts";
import { PERL_RUNTIME } from "./perl-runtime.ts";
import { PERL_ASK } from "./script.ts";

/** How the files come into effect, and what is said of it. */
const EFFECT: string = String.raw`
  our $note = "";
  # Runtime edits only lead from what HAProxy runs, which is what was applied last; a file that somebody edited is not.
  sub is_applied {
    my ($live) = @_; my $manifest = slurp("${MANIFEST}") // return 0; my %known = manifest_files(); my %files = %{$live->{files}};
    my ($sum) = $manifest =~ /"sha256":"([0-9a-f]{64})"\}\s*\z/ or return 0; return 0 if plain_sum($live->{config}) ne $sum || keys %known != keys %files;
    my %now = sums(keys %files); return !grep { ($now{$_} // "") ne ($known{$_}{sum} // "-") } keys %files;
  }
  sub at_runtime {
    my ($live, $new, $edits, $applied) = @_; my $why = !$applied ? "what was there is not what drover applied" : may_edit($live, $new, $edits);
    $why = "HAProxy does not answer" if !$why && !processes();
    if (!$why) { eval { edit($new, $edits); 1 } or $why = $@ =~ s/\n.*//sr; $why ||= differs($new, $edits) =~ s/^(?=.)/HAProxy has something else: /r }
    return 1 if !$why; $note = "; not changed at runtime: $why"; return 0;
  }
  # The hash a manifest holds: of the text without its marks.
  sub plain_sum {
    my @lines = split /\n/, $_[0] // "", -1; each_server(\@lines, sub { $lines[$_[0]] =~ s/[ \t]+disabled[ \t]*\z// }); return sum_of(join "\n", @lines);
  }
`;

/**
 * Installs a bundle, or puts an old one back. Arguments: BUNDLE (`-`: none, HAProxy is stopped), MANIFEST (`-`: none),
 * EDITS (its first line: runtime|reload|restart), strict|lax. Idempotent; PENDING says that an earlier run was cut off after
 * it had begun, and holds the hash of what was there before it.
 */
export const PERL_INSTALL: string = String.raw`
${PERL_ASK}
${PERL_CONFIG}
${PERL_BUNDLE}
${PERL_CHECKS}
${PERL_RELOAD}
${PERL_RUNTIME}
${EFFECT}
  my ($staged, $manifest, $change, $strictness) = @ARGV; my $applied = $manifest eq "-" ? undef : slurp($manifest);
  sub finish {
    my ($bundle, $said) = @_;
    if (!defined $applied) { unlink "${MANIFEST}" } else { rename("${MANIFEST}.drover-new", "${MANIFEST}") or quit(74, "cannot rename to ${MANIFEST}: $!") }
    if (sysopen(my $d, "${MANIFEST}" =~ s{/[^/]*\z}{}r, O_RDONLY)) { $d->sync }
    settle_files($bundle); unlink "${PENDING}"; print "$said$note\n"; exit 0;
  }
  my $begun = slurp("${PENDING}"); my ($good) = ($begun // "") =~ /^([0-9a-f]{64})$/;
  if ($staged eq "-") {
    systemctl("disable --now haproxy"); unlink "${CONFIG}", "${MANIFEST}", "${PENDING}"; write_state("1\n"); remove_tree("${FILES}"); print "HAProxy is stopped\n"; exit 0;
  }
  -x "/usr/sbin/haproxy" or quit(${INSTALL_EXIT.missing}, "HAProxy is not installed");
  # What was refused before it began kept nothing; then what is asked back is what is there.
  sub still_there { my ($hash) = $_[0] =~ m{/([0-9a-f]{64})\z} or return; my $live = live_bundle(); return bundle_hash($live) eq $hash ? $live : undef }
  my $new = (-e $staged ? undef : still_there($staged)) // read_bundle($staged); my $text = $new->{config}; my ($how, @edits) = split /\n/, slurp($change) // "reload";
  @edits = map { [split /\t/] } @edits;
  check_text($new); check_syntax($new, $strictness eq "strict");
  check_ports($text); check_addresses($text); check_descriptors($text);
  my $live = live_bundle(); my $ran = active(); my $is_applied = !defined $begun && is_applied($live);
  prepare($new, $live); beside("${MANIFEST}", 0600, manifest_text($applied, $new, plain_sum($text))) if defined $applied;
  my %live_only = map { $_ => 1 } grep { !$new->{files}{$_} } keys %{$live->{files}};
  # Somebody may have told the running HAProxy otherwise than its files say.
  my $is_run = sub { return differs($new, [map { ["map", $_] } grep { m{^\Q${MAPS}\E/} } keys %{$new->{files}}]) eq "" };
  if (!@changing && !%live_only && !defined $begun && $ran && defined ask("admin", "show info") && ($how ne "restart" || processes()) && $is_run->()) {
    write_state(state_rows($text)); finish($new, "unchanged");
  }
  my $kept = defined $live->{config} ? keep($live) : "-";
  write_atomic("${PENDING}", 0600, ($good // $kept) . "\n");
  my $placed = place();
  if ($placed && $how eq "runtime" && $ran && at_runtime($live, $new, \@edits, $is_applied)) {
    write_state(state_rows($text)); finish($new, @edits ? "changed at runtime" : "written, nothing to change at runtime");
  }
  my $pid = $placed && load_files($text, $how eq "restart");
  if ($pid) { write_state(state_rows($text)); finish($new, ($ran ? "reloaded, worker " : "started, worker ") . $pid) }
  my @why = ($@, grep { /\[(ALERT|WARNING)\]|rror/ } qx(journalctl -q -u haproxy -n 20 -o cat --no-pager 2>/dev/null));
  put_back(); my $back = $live;
  # What an interrupted run left may be half of it: what ran before that is what is known to be good.
  if (defined $good && $good ne $kept && -e "${PREVIOUS}/$good") { $back = read_bundle("${PREVIOUS}/$good"); prepare($back, $live); place() }
  my $old = $back->{config};
  if (!$ran) {
    systemctl("stop haproxy"); unlink "${CONFIG}" if !defined $old; write_state(defined $old ? state_rows($old) : "1\n"); settle_files($back); unlink "${PENDING}";
    quit(${INSTALL_EXIT.putBack}, "HAProxy did not start with the new haproxy.cfg; it is stopped and the previous file is back", @why);
  }
  if (defined $old && load_files($old, 0)) {
    write_state(state_rows($old)); settle_files($back); unlink "${PENDING}";
    quit(${INSTALL_EXIT.putBack}, "the new haproxy.cfg did not come up; the previous one is back and runs", @why);
  }
  quit(${INSTALL_EXIT.stuck}, "neither the new haproxy.cfg nor the previous one came up", @why, $@);
`;
