import { UNIT_TEXT } from "./boot.ts";
import { FOLDER, UNIT, WANTED } from "./paths.ts";

/**
 * The program that changes a host's packet filter, in perl-base. It is sent with every command, and lies on the host for the
 * timer and the boot unit. No single quotes anywhere: the shell that starts it quotes it with them.
 *
 * On disk, in `FOLDER`:
 *
 *     gN/                 a generation: its texts, manifest.json and, once confirmed, what iptables made of them
 *     current -> gN       the confirmed one; replacing this link by rename is what confirms
 *     pending             `TARGET PREVIOUS TOKEN`: maybe in force, not confirmed, and the timer runs (`-`: none of ours)
 *     seen                the largest generation there ever was
 *     .lock               held by whoever changes anything: of a confirmation and a timer that meet, the first wins
 */
export const LIBRARY: string = String.raw`
use strict;
use warnings;
use Fcntl qw(:flock);
$ENV{PATH} = "/usr/sbin:/usr/bin:/sbin:/bin";
$ENV{LC_ALL} = "C";
umask 077;
$| = 1;
$SIG{PIPE} = "IGNORE";
my $dir = "@FOLDER@";
my @families = (["v4", "iptables", "IPv4"], -e "/proc/net/if_inet6" ? ["v6", "ip6tables", "IPv6"] : ());
my $lock;

sub quit { my ($code, @lines) = @_; print STDERR "$_\n" for @lines; exit $code }
sub slurp { open(my $f, "<", $_[0]) or return undef; local $/; my $text = <$f>; return defined $text ? $text : "" }
sub broken { my ($what) = @_; my $code = $! + 0; quit($code == 28 ? 28 : 74, "cannot $what: $!") }

# One file by rename. Whether it is on the disk is asked once, before it counts: see persist.
sub spit {
  my ($path, $text) = @_;
  if (open(my $f, ">", "$path.tmp")) { print($f $text) && close($f) && rename("$path.tmp", $path) and return }
  my $error = $!; unlink "$path.tmp"; $! = $error; broken("write $path");
}
sub persist { require IO::Handle; for my $path (@_) { open(my $f, "<", $path) or next; $f->sync or broken("sync $path") } }
sub link_to {
  my ($target, $path) = @_;
  return if (readlink($path) // "") eq $target;
  unlink "$path.tmp"; symlink($target, "$path.tmp") && rename("$path.tmp", $path) or broken("write $path");
}

sub take_frame {
  my $size = <STDIN>; defined $size && $size =~ /^\d+$/ or quit(74, "the input ended early");
  my $text = ""; read(STDIN, $text, $size) == $size or quit(74, "the input ended early"); return $text;
}

# What is started, and its end. quiet: what it says on stderr is of no interest.
sub start {
  my ($quiet, $input, @argv) = @_;
  pipe(my $in, my $feed) && pipe(my $said, my $out) or broken("make a pipe");
  my $pid = fork; defined $pid or broken("start $argv[0]");
  if (!$pid) {
    open(STDIN, "<&", $in); open(STDOUT, ">&", $out);
    if ($quiet) { open(STDERR, ">", "/dev/null") } else { open(STDERR, ">&", $out) }
    exec { $argv[0] } @argv or exit 127;
  }
  close $in; close $out; print $feed $input; close $feed;
  return [$pid, $said];
}
sub finish { my ($pid, $said) = @{$_[0]}; local $/; my $text = <$said>; waitpid($pid, 0); return ($?, defined $text ? $text : "") }
sub run { return finish(start(0, @_)) }

sub take_lock {
  my ($patience) = @_;
  $SIG{$_} = "IGNORE" for qw(HUP INT TERM);
  mkdir "/var/lib/drover" and chmod(0755, "/var/lib/drover"); mkdir $dir, 0700; -d $dir or broken("make $dir");
  open($lock, ">", "$dir/.lock") or broken("open $dir/.lock");
  local $SIG{ALRM} = sub { quit(75, "another change of the firewall still holds $dir/.lock") };
  alarm $patience; flock($lock, LOCK_EX) or broken("lock $dir/.lock"); alarm 0;
}
sub need_programs {
  my %package = ("iptables-restore" => "iptables", "ip6tables-restore" => "iptables", "ipset" => "ipset");
  my %missing;
  for my $program (keys %package) { $missing{$package{$program}} = 1 unless grep { -x "$_/$program" } split /:/, $ENV{PATH} }
  quit(69, join(" ", sort keys %missing)) if %missing;
}

sub current { return (readlink("$dir/current") // "") =~ /^g(\d+)$/ ? $1 : "-" }
sub pending { return (slurp("$dir/pending") // "") =~ /^(\d+) (\d+|-) (\S+)$/ ? ($1, $2, $3) : () }
sub kept { opendir(my $d, $dir) or return (); return sort { $b <=> $a } map { /^g(\d+)$/ ? $1 : () } readdir $d }
sub named { my ($generation) = @_; return $generation eq "-" ? "no rules of drover" : "generation $generation" }

# A rule without what is quoted in it: a comment of somebody else may hold whatever looks like a jump of ours.
sub unquoted { return $_[0] =~ s/"(?:[^"\\]|\\.)*"//gr }

# One family as the kernel has it: chains of ours, jumps from chains of others, and what the two entrances lead to.
sub look {
  my ($text) = @_;
  my %f = (chains => {}, jumps => [], leads => {}, size => {}, active => "-");
  for (split /\n/, $text) {
    if (/^:(DRV-\S+)/) { $f{chains}{$1} = 1 }
    elsif (/^-A (DRV-\S+) (.*)$/) { $f{size}{$1}++; push @{$f{leads}{$1}}, $2 if $1 eq "DRV-INPUT" || $1 eq "DRV-OUTPUT" }
    elsif (/^-A (\S+ .*)$/ && unquoted($1) =~ / -[jg] DRV-/) { push @{$f{jumps}}, substr($_, 3) }
  }
  $f{entered} = join("\n", sort @{$f{jumps}}) eq "INPUT -j DRV-INPUT\nOUTPUT -j DRV-OUTPUT";
  my $leads = join("\n", map { join("\n", @{$f{leads}{$_} || []}) } "DRV-INPUT", "DRV-OUTPUT");
  if ($f{entered} && $leads =~ /^-j DRV-SEVER-I\n-j DRV-I-g(\d+)\n-j DRV-SEVER-O\n-j DRV-O-g(\d+)$/ && $1 eq $2) { $f{active} = $1 }
  return \%f;
}
sub look_all {
  my %started = map { $_->[0] => start(1, "", "$_->[1]-save", "-t", "filter") } @families;
  my %seen;
  for my $family (@families) {
    my ($code, $text) = finish($started{$family->[0]});
    $code == 0 or quit(74, "cannot read the $family->[2] rules ($family->[1]-save)");
    $seen{$family->[0]} = { %{look($text)}, text => $text };
  }
  return \%seen;
}

# What is at boot: the unit, and what makes systemd start it.
sub unit_text { return <<"UNIT" }
@UNIT_TEXT@UNIT
sub loads_at_boot { return (slurp("@UNIT@") // "") eq unit_text() && (readlink("@WANTED@") // "") eq "@UNIT@" }

# From INPUT and OUTPUT to us: once each, at the end, whatever there was.
sub entrances {
  my ($f) = @_;
  return () if $f->{entered};
  return ((map { "-D $_" } @{$f->{jumps}}), "-A INPUT -j DRV-INPUT", "-A OUTPUT -j DRV-OUTPUT");
}
sub removal {
  my ($f, @chains) = @_;
  return ((map { ":$_ - [0:0]" } @chains), (map { "-X $_" } @chains));
}
sub restore {
  my ($family, @lines) = @_;
  return "" unless @lines;
  my ($code, $said) = run(join("\n", "*filter", @lines, "COMMIT", ""), "$family->[1]-restore", "--noflush", "-w", "10");
  return $code == 0 ? "" : "$family->[2]: " . ($said =~ /\S/ ? $said : "$family->[1]-restore ended with $code");
}

# Leads one family to a generation that is loaded, or to nothing: then no chain of ours is left.
sub flip {
  my ($family, $f, $generation) = @_;
  if ($generation eq "-") {
    return restore($family, (map { "-D $_" } @{$f->{jumps}}), removal($f, sort keys %{$f->{chains}}));
  }
  return "$family->[2]: the chains of generation $generation are gone"
    unless $f->{size}{"DRV-I-g$generation"} && $f->{chains}{"DRV-O-g$generation"};
  return restore($family, (map { ":$_ - [0:0]" } qw(DRV-INPUT DRV-OUTPUT DRV-SEVER-I DRV-SEVER-O)),
    "-A DRV-INPUT -j DRV-SEVER-I", "-A DRV-INPUT -j DRV-I-g$generation",
    "-A DRV-OUTPUT -j DRV-SEVER-O", "-A DRV-OUTPUT -j DRV-O-g$generation", entrances($f));
}

# Fills and flips one family from the files of a generation.
sub load {
  my ($family, $f, $generation) = @_;
  my $text = slurp("$dir/g$generation/$family->[0]") // return "$dir/g$generation/$family->[0] is missing";
  my @lines = split /\n/, $text;
  (shift(@lines) // "") eq "*filter" && (pop(@lines) // "") eq "COMMIT" or return "$dir/g$generation/$family->[0] is cut off";
  my @aside = $f->{chains}{"DRV-TRACK"} ? removal($f, "DRV-TRACK") : ();
  return restore($family, ":DRV-SEVER-I - [0:0]", ":DRV-SEVER-O - [0:0]", @lines, entrances($f), @aside);
}
sub sets_of { my ($text) = @_; my %name; $name{$1} = 1 while $text =~ /^create (drv[46]\.[0-9a-f]+) /mg; return keys %name }
sub load_sets {
  my ($generation) = @_;
  my $text = slurp("$dir/g$generation/sets") // return "$dir/g$generation/sets is missing";
  return "" if $text eq "";
  my ($code, $said) = run($text, "ipset", "restore");
  return $code == 0 ? "" : "ipset: " . ($said =~ /\S/ ? $said : "ended with $code");
}

# What packets pass in a generation, as iptables -S and ipset save print it: later it is compared with what is there then.
sub printed {
  my ($f, $generation) = @_;
  my %ours = map { $_ => 1 } qw(DRV-INPUT DRV-OUTPUT DRV-SEVER-I DRV-SEVER-O), "DRV-I-g$generation", "DRV-O-g$generation";
  my $text = "";
  for (split /\n/, $f->{text}) {
    if (/^:(\S+) /) { $text .= "-N $1\n" if $ours{$1} }
    elsif (/^-A (\S+) (.*)$/) { $text .= "$_\n" if $ours{$1} || unquoted($2) =~ /-[jg] DRV-(?:IN|OUT)PUT(?= |$)/ }
  }
  return $text;
}
sub printed_sets {
  my ($generation) = @_;
  my %used = map { $_ => 1 } sets_of(slurp("$dir/g$generation/sets") // "") or return "";
  my ($code, $text) = finish(start(1, "", "ipset", "save"));
  # Of the first line only the kind: the rest is limits, and a number that is another at every boot.
  return join("", map { s/^(create \S+ \S+).*/$1/r . "\n" } sort grep { /^(?:create|add) (\S+)/ && $used{$1} } split /\n/, $text);
}
sub all_printed {
  my ($seen, $generation, $sets) = @_;
  my %text = map { $_->[0] => printed($seen->{$_->[0]}, $generation) } @families;
  return "# v4\n" . ($text{v4} // "") . "# v6\n" . ($text{v6} // "") . "# sets\n" . $sets;
}

sub write_down {
  my ($seen, $generation) = @_;
  my $text = all_printed($seen, $generation, printed_sets($generation));
  spit("$dir/g$generation/loaded", $text) if (slurp("$dir/g$generation/loaded") // "") ne $text;
}

# Both families, one after the other: each is atomic, and of two the first is put back by whoever asks for both.
sub load_families {
  my ($seen, $generation) = @_;
  for my $family (@families) {
    my $why = load($family, $seen->{$family->[0]}, $generation);
    return $why if $why;
  }
  return "";
}

# Chains and sets that belong to none of the generations given.
sub sweep {
  my ($seen, @keep) = @_;
  my %keep = map { $_ => 1 } @keep;
  for my $family (@families) {
    my $f = $seen->{$family->[0]};
    my @chains = grep { /^DRV-[IO]-g(\d+)$/ ? !$keep{$1} : $_ eq "DRV-TRACK" } sort keys %{$f->{chains}};
    restore($family, removal($f, @chains)) if @chains;
  }
  my %used = map { $_ => 1 } map { sets_of(slurp("$dir/g$_/sets") // "") } @keep;
  my ($code, $names) = finish(start(1, "", "ipset", "list", "-n"));
  my @gone = grep { /^(drv[46]\.[0-9a-f]+)(?:\.new)?$/ && ($_ ne $1 || !$used{$1}) } split /\n/, $names;
  for (@gone) { run("", "ipset", "destroy", $_) }
}
sub forget { for my $generation (@_) { unlink glob("$dir/g$generation/* $dir/g$generation/.??*"); rmdir "$dir/g$generation" } }

# Back to what was in force before: by switching, since the chains are still there; else from its files.
sub put_back {
  my ($generation) = @_;
  my $seen = look_all();
  my @why;
  for my $family (@families) {
    next if $seen->{$family->[0]}{active} eq $generation && $generation ne "-";
    my $why = flip($family, $seen->{$family->[0]}, $generation);
    if ($why && $generation ne "-") { $why = load_sets($generation) || load($family, $seen->{$family->[0]}, $generation) }
    push @why, $why if $why;
  }
  return join("\n", @why);
}
sub disarm { my ($token) = @_; system("systemctl", "stop", "--quiet", "--no-block", "drover-firewall-revert-$token.timer") }

# Takes an unconfirmed change back. Confirmed is what the link says, also where somebody was cut off right after it.
sub settle {
  my ($target, $previous, $token) = pending() or do { unlink "$dir/pending"; return "" };
  my $why = current() eq $target ? "" : put_back($previous);
  return $why if $why;
  unlink "$dir/pending";
  return "";
}
`
  .replaceAll("@FOLDER@", FOLDER)
  .replaceAll("@UNIT@", UNIT)
  .replaceAll("@WANTED@", WANTED)
  .replaceAll("@UNIT_TEXT@", UNIT_TEXT);
