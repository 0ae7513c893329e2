import { INSTALL_EXIT } from "../model/installing.ts";
import { CONFIG, FILES, MANIFEST, MAPS, PENDING, PREVIOUS } from "./paths.ts";
import { PERL_BUNDLE } from "./perl-bundle.ts";
import { PERL_CHECKS } from "./perl-checks.ts";
import { PERL_CONFIG } from "./perl-config.ts";
import { PERL_HOST_CHECKS } from "./perl-host-checks.ts";
import { PERL_PLACE } from "./perl-place.ts";
import { PERL_RELOAD } from "./perl-reload.ts";
import { PERL_RUNTIME } from "./perl-runtime.ts";
import { PERL_ASK } from "./script.ts";

/** How the files come into effect, and what is said of it. */
const EFFECT: string = String.raw`
  our $note = "";

  # The hash a manifest holds.
  sub plain_sum { return sum_of(without_marks($_[0] // "")) }

  # Runtime edits only lead from what HAProxy runs, which is what was applied last; a file that somebody edited is not.
  sub is_applied {
    my ($live) = @_;
    my $manifest = slurp("${MANIFEST}") // return 0;
    my ($sum) = $manifest =~ /"sha256":"([0-9a-f]{64})"\}\s*\z/ or return 0;
    my %known = manifest_files();
    my @paths = keys %{$live->{files}};
    return 0 if plain_sum($live->{config}) ne $sum || keys %known != @paths;
    my %now = sums(@paths);
    return !grep { ($now{$_} // "") ne ($known{$_}{sum} // "-") } @paths;
  }

  # Makes the edits. Where it cannot, the caller reloads, and the note says why.
  sub at_runtime {
    my ($live, $new, $edits, $applied) = @_;
    my $why = $applied ? may_edit($live, $new, $edits) : "what was there is not what drover applied";
    $why = "HAProxy does not answer" if !$why && !processes();
    $why ||= failed_edit($new, $edits);
    $note = "; not changed at runtime: $why" if $why;
    return !$why;
  }

  sub failed_edit {
    my ($new, $edits) = @_;
    eval { edit($new, $edits); 1 } or return $@ =~ s/\n.*//sr;
    my $other = differs($new, $edits);
    return $other && "HAProxy has something else: $other";
  }

  # Somebody may have told the running HAProxy otherwise than its files say.
  sub runs_its_files {
    my ($bundle) = @_;
    my @maps = grep { m{^\Q${MAPS}\E/} } keys %{$bundle->{files}};
    return differs($bundle, [map { ["map", $_] } @maps]) eq "";
  }
`;

/** The ends that an installation may come to. */
const ENDS: string = String.raw`
  sub finish {
    my ($bundle, $said) = @_;
    write_state(state_rows($bundle->{config}));
    if (defined $applied) {
      rename("${MANIFEST}.drover-new", "${MANIFEST}") or quit(74, "cannot rename to ${MANIFEST}: $!");
    } else {
      unlink "${MANIFEST}";
    }
    if (sysopen(my $d, "${MANIFEST}" =~ s{/[^/]*\z}{}r, O_RDONLY)) { $d->sync }
    settle($bundle);
    print "$said$note\n";
    exit 0;
  }

  sub settle {
    my ($bundle) = @_;
    settle_files($bundle);
    unlink "${PENDING}";
  }

  sub take_off {
    systemctl("disable --now haproxy");
    unlink "${CONFIG}", "${MANIFEST}", "${PENDING}";
    write_state("1\n");
    remove_tree("${FILES}");
    print "HAProxy is stopped\n";
    exit 0;
  }

  # The new files did not come up. What was there before is in its place again.
  sub give_up {
    my ($back, $ran, @why) = @_;
    my $old = $back->{config};
    if (!$ran) {
      systemctl("stop haproxy");
      unlink "${CONFIG}" if !defined $old;
      write_state(defined $old ? state_rows($old) : "1\n");
      settle($back);
      quit(${INSTALL_EXIT.putBack},
        "HAProxy did not start with the new haproxy.cfg; it is stopped and the previous file is back", @why);
    }
    if (defined $old && load_files($old, 0)) {
      write_state(state_rows($old));
      settle($back);
      quit(${INSTALL_EXIT.putBack}, "the new haproxy.cfg did not come up; the previous one is back and runs", @why);
    }
    quit(${INSTALL_EXIT.stuck}, "neither the new haproxy.cfg nor the previous one came up", @why, $@);
  }
`;

/**
 * Installs a bundle, or puts an old one back. Arguments: BUNDLE (`-`: none, HAProxy is stopped), MANIFEST (`-`: none),
 * EDITS (its first line: runtime|reload|restart), strict|lax. Idempotent; PENDING says that an earlier run was cut off
 * after it had begun, and holds the hash of what was there before it.
 */
export const PERL_INSTALL: string = String.raw`
${PERL_ASK}
${PERL_CONFIG}
${PERL_BUNDLE}
${PERL_PLACE}
${PERL_CHECKS}
${PERL_HOST_CHECKS}
${PERL_RELOAD}
${PERL_RUNTIME}
${EFFECT}
  my ($staged, $manifest, $change, $strictness) = @ARGV;
  my $applied = $manifest eq "-" ? undef : slurp($manifest);
${ENDS}
  # What was refused before it began kept nothing; then what is asked back is what is there.
  sub still_there {
    my ($path) = @_;
    my ($hash) = $path =~ m{/([0-9a-f]{64})\z} or return;
    my $live = live_bundle();
    return bundle_hash($live) eq $hash ? $live : undef;
  }

  take_off() if $staged eq "-";
  -x "/usr/sbin/haproxy" or quit(${INSTALL_EXIT.missing}, "HAProxy is not installed");

  # Taken back before it had begun: there is nothing to check, and what refused it (a full disk, a taken port) may last.
  if ($strictness eq "lax" && !-e "${PENDING}" && !(defined $applied xor -e "${MANIFEST}") && still_there($staged)) {
    print "unchanged\n";
    exit 0;
  }

  # What is to be, and whether it can be.
  my $new = (-e $staged ? undef : still_there($staged)) // read_bundle($staged);
  my $text = $new->{config};
  my ($how, @lines) = split /\n/, slurp($change) // "reload";
  my @edits = map { [split /\t/] } @lines;
  check_text($new);
  check_syntax($new, $strictness eq "strict");
  check_ports($text);
  check_addresses($text);
  check_descriptors($text);

  # What is. All that is new is written beside it; nothing has changed so far.
  my $begun = slurp("${PENDING}");
  my ($good) = ($begun // "") =~ /^([0-9a-f]{64})$/;
  my $live = live_bundle();
  my $ran = active();
  my $is_applied = !defined $begun && is_applied($live);
  prepare($new, $live);
  beside("${MANIFEST}", 0600, manifest_text($applied, $new, plain_sum($text))) if defined $applied;
  my $has_more = grep { !$new->{files}{$_} } keys %{$live->{files}};
  if (!@changing && !$has_more && !defined $begun && $ran) {
    my $answers = defined ask("admin", "show info") && ($how ne "restart" || processes());
    finish($new, "unchanged") if $answers && runs_its_files($new);
  }

  # The change, by the least that does it.
  my $kept = defined $live->{config} ? keep($live) : "-";
  write_atomic("${PENDING}", 0600, ($good // $kept) . "\n");
  my $placed = place();
  if ($placed && $how eq "runtime" && $ran && at_runtime($live, $new, \@edits, $is_applied)) {
    finish($new, @edits ? "changed at runtime" : "written, nothing to change at runtime");
  }
  my $pid = $placed && load_files($text, $how eq "restart");
  finish($new, ($ran ? "reloaded" : "started") . ", worker $pid") if $pid;

  # It did not come up.
  my @log = qx(journalctl -q -u haproxy -n 20 -o cat --no-pager 2>/dev/null);
  my @why = ($@, grep { /\[(ALERT|WARNING)\]|rror/ } @log);
  put_back();
  my $back = $live;
  # What an interrupted run left may be half of it: what ran before that is what is known to be good.
  if (defined $good && $good ne $kept && -e "${PREVIOUS}/$good") {
    $back = read_bundle("${PREVIOUS}/$good");
    prepare($back, $live);
    place();
  }
  give_up($back, $ran, @why);
`;
