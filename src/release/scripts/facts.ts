import { RESERVED_NAMES } from "../../model/reserved.ts";
/**
 * Prints what is on a host, a line per finding, each app's lines after its `app NAME`:
 *
 *     app shop
 *     manifest {"app":"shop",…}
 *     unit SHA256 · dropin SHA256 · runs RELEASE · foreign FILE · boot · switching RELEASE
 *     staged RELEASE (EPOCH SECONDS it was healthy at | -)
 *     state LOAD ACTIVE SUB NEEDRELOAD MAINPID NRESTARTS
 *     end
 *
 * Apps are found by their manifest, their unit and their folder in /opt/drover. No app has the name of one of
 * drover's own parts: those manifests are theirs. perl-base only.
 */
export const RELEASE_FACT: string = String.raw`
perl -e '
use strict; use warnings;
my ($man, $sys, $opt) = ("/var/lib/drover/manifest", "/etc/systemd/system", "/opt/drover");
my $id = qr/[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}-[0-9a-f]{12}/;
sub names { my ($dir) = @_; opendir(my $d, $dir) or return (); my @n = grep { $_ ne "." && $_ ne ".." } readdir $d; return sort @n }
sub slurp { my ($f) = @_; open(my $h, "<", $f) or return undef; local $/; my $t = <$h>; return $t }
my %apps;
for (names($man)) { $apps{$1} = 1 if /^(.*)\.json$/ }
for (names($sys)) { $apps{$1} = 1 if /^drover-(.*)\.service$/ && -f "$sys/$_" }
for (names($opt)) { $apps{$_} = 1 if -d "$opt/$_" }
delete @apps{qw(${RESERVED_NAMES.join(" ")})};
my @apps = grep { /^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$/ } sort keys %apps;
my @files = grep { -f $_ } map { ("$sys/drover-$_.service", "$sys/drover-$_.service.d/release.conf") } @apps;
my %sum;
if (@files) {
  open(my $p, "-|", "sha256sum", "--", @files) or die "sha256sum: $!\n";
  while (<$p>) { $sum{$2} = $1 if /^([0-9a-f]{64})  (.*)$/ }
  close($p) or die "sha256sum failed\n";
}
my %state;
if (@apps) {
  open(my $p, "-|", "systemctl", "show", "-p", "Id,LoadState,ActiveState,SubState,NeedDaemonReload,MainPID,NRestarts", "--",
    map { "drover-$_.service" } @apps) or die "systemctl: $!\n";
  local $/ = "";
  while (<$p>) {
    my %v = map { /^(\w+)=(.*)$/ ? ($1, $2) : () } split /\n/;
    $state{$v{Id}} = join " ", map { defined $v{$_} && $v{$_} ne "" ? $v{$_} : "-" } qw(LoadState ActiveState SubState NeedDaemonReload MainPID NRestarts);
  }
  close($p) or die "systemctl show failed\n";
}
for my $app (@apps) {
  my $unit = "drover-$app.service";
  print "app $app\n";
  my $m = slurp("$man/$app.json");
  if (defined $m) { $m =~ s/\s+/ /g; print "manifest $m\n" }
  my $conf = "$sys/$unit.d/release.conf";
  print "unit $sum{qq($sys/$unit)}\n" if $sum{"$sys/$unit"};
  if ($sum{$conf}) {
    print "dropin $sum{$conf}\n";
    my $t = slurp($conf);
    print "runs $1\n" if defined $t && $t =~ m{^WorkingDirectory=\Q$opt/$app\E/releases/($id)$}m;
  }
  for (names("$sys/$unit.d")) { print "foreign $_\n" if /^[\x21-\x7e]+\.conf$/ && $_ ne "release.conf" }
  print "boot\n" if -l "$sys/multi-user.target.wants/$unit";
  my $sw = slurp("/var/lib/drover/switching/$app");
  if (defined $sw) { $sw =~ s/\s//g; print "switching $sw\n" }
  for (names("$opt/$app/releases")) {
    next unless /^$id$/ && -d "$opt/$app/releases/$_";
    my @s = stat("$opt/$app/releases/$_.healthy");
    print "staged $_ ", (@s ? $s[9] : "-"), "\n";
  }
  print "state $state{$unit}\n" if $state{$unit};
}
print "end\n";
'`;
