import { CONFIG, MANIFEST } from "./paths.ts";
import { PERL_BUNDLE } from "./perl-bundle.ts";
import { PERL_CONFIG } from "./perl-config.ts";
import { PERL_ASK } from "./script.ts";

/** Exit codes of the moving script beyond those that every script has. */
export const MOVE_EXIT = {
  /** haproxy.cfg has no such server. */
  missing: 3,
  /** It is at neither address, or takes traffic. */
  refused: 65,
  /** The file has the new address, HAProxy would not take it. */
  notTaken: 66,
} as const;

/**
 * Gives one server another address: in haproxy.cfg, in the manifest and in the running process, in this order, so that
 * a second run ends what a first one began. Arguments BACKEND SERVER FROM-ADDRESS FROM-PORT TO-ADDRESS TO-PORT. Other
 * servers' marks and moves wait for the host's lock. No single quotes.
 */
export const PERL_MOVE: string = String.raw`
${PERL_ASK}
${PERL_CONFIG}
${PERL_BUNDLE}
  my ($backend, $server, $from, $from_port, $to, $to_port) = @ARGV;

  # The columns that HAProxy shows for the server; none where it does not run it.
  sub row {
    for (split /\n/, ask("admin", "show servers state") // "") {
      my @c = split / /;
      return @c if @c > 18 && $c[1] eq $backend && $c[3] eq $server;
    }
    return ();
  }

  sub is_moved { return @_ && $_[4] eq $to && $_[18] eq $to_port }

  # The config with the server at its new address.
  sub moved_text {
    my ($text) = @_;
    my @lines = split /\n/, $text, -1;
    my $at;
    each_server(\@lines, sub { $at = $_[0] if $_[1] eq $backend && $_[2] eq $server });
    defined $at or quit(${MOVE_EXIT.missing}, "${CONFIG} has no server $backend/$server");
    my $has = join " ", address_of($lines[$at]);
    $has eq "$from $from_port" || $has eq "$to $to_port"
      or quit(${MOVE_EXIT.refused}, "$backend/$server is at $has, not at $from $from_port");
    my $shown = $to =~ /:/ ? "[$to]" : $to;
    $lines[$at] =~ s/^([ \t]+server[ \t]+\S+[ \t]+)\S+/$1$shown:$to_port/;
    return join "\n", @lines;
  }

  # The manifest with the server at its new address. It is canonical JSON: keys are sorted, no white space.
  sub moved_manifest {
    my ($manifest, $text, $new) = @_;
    my ($sum) = $manifest =~ /"sha256":"([0-9a-f]{64})"\}\s*\z/;
    my $app = qr/"\Q$backend\E":\{"app":"\Q$backend\E",/;
    my ($head, $list, $tail) = $manifest =~ /\A(.*?$app.*?"servers":\[)([^\]]*)(\].*)\z/s
      or quit(${MOVE_EXIT.refused}, "the manifest knows no app $backend");
    my $address = qr/"address":"(?:\Q$from\E|\Q$to\E)"/;
    my $port = qr/"port":(?:$from_port|$to_port)/;
    my $moved = "{\"address\":\"$to\",\"name\":\"$server\",\"port\":$to_port}";
    my $count = $list =~ s/\{$address,"name":"\Q$server\E",$port\}/$moved/g;
    $count == 1 or quit(${MOVE_EXIT.refused}, "the manifest does not hold $backend/$server once");
    # A file that somebody edited keeps differing from the manifest.
    $sum = sum_of(without_marks($new)) if $sum eq sum_of(without_marks($text));
    $tail =~ s/"sha256":"[0-9a-f]{64}"\}\s*\z/"sha256":"$sum"}\n/;
    return "$head$list$tail";
  }

  my $text = slurp("${CONFIG}") // quit(${MOVE_EXIT.missing}, "${CONFIG} is missing");
  my $new = moved_text($text);
  my @row = row();
  my $was_moved = is_moved(@row);
  quit(${MOVE_EXIT.refused}, "$backend/$server takes traffic; it can only be moved while it is drained")
    if @row && !$was_moved && !is_out($row[6]);

  my $manifest = slurp("${MANIFEST}");
  my $is_ours = defined $manifest && $manifest =~ /"sha256":"[0-9a-f]{64}"\}\s*\z/;
  my $moved = $is_ours ? moved_manifest($manifest, $text, $new) : $manifest;
  my $differs = $is_ours && $moved ne $manifest;
  # Both are on the disk before either takes its place: a full one changes nothing.
  write_atomic("${MANIFEST}.drover-new", 0600, $moved) if $differs;
  write_atomic("${CONFIG}", 0644, $new) if $new ne $text;
  if ($differs) { rename("${MANIFEST}.drover-new", "${MANIFEST}") or quit(74, "cannot rename: $!") }
  write_state(state_rows($new));

  sub done {
    print "$_[0]\n";
    exit 0;
  }
  done("HAProxy does not run it") if !@row;
  done("unchanged") if $was_moved;
  my $said = ask("admin", "set server $backend/$server addr $to port $to_port") // "no answer";
  is_moved(row()) or quit(${MOVE_EXIT.notTaken}, "HAProxy would not move $backend/$server: " . ($said =~ s/\s+/ /gr));
  done("moved");
`;
