/** Where lease, epoch, key and journals lie on the state host. */
export const STATE_DIRECTORY = "/var/lib/drover/state";

/** Seconds without a word from the holder after which the host gives the lease away. */
export const LEASE_LIMIT = 10;

/**
 * The lease: a perl-base program that holds `flock` on the state host for as long as its channel lives. It speaks
 * length-framed texts in both directions, one answer per request, in order.
 *
 *     greeting   busy HOLDER-JSON | held EPOCH KEY
 *     beat                            ok
 *     append ROLLOUT\n LINES          ok, once the lines are on disk
 *     open APP ROLLOUT | close APP    ok, likewise
 *     drain HOST JSON | undrain HOST  ok, likewise
 *     ledger JSON | services JSON     ok, likewise
 *     release                         ok, and the program ends
 *     anything that fails             error ERRNO WORDS
 *
 * The kernel frees the lock when the program ends, however it ends: its input closes (the holder was killed), a signal,
 * or no request for ten seconds (the holder is frozen or cut off; `alarm` does not depend on the host's clock).
 * There is no single quote in it: it stands between two of them.
 */
const PROGRAM = String.raw`
use strict; use warnings; use Fcntl qw(:DEFAULT :flock); use IO::Handle;
my ($dir, $holder, $limit) = @ARGV;
binmode STDIN; binmode STDOUT;

sub reply {
  my $frame = length($_[0]) . "\n" . $_[0];
  for (my $at = 0; $at < length $frame;) { $at += syswrite(STDOUT, $frame, length($frame) - $at, $at) // exit 74 }
}
sub fault { my $errno = $! + 0; die "$errno $_[0]: $!\n" }
sub slurp { open(my $f, "<", $_[0]) or return ""; local $/; my $all = <$f>; return $all // "" }
sub sync_folder { sysopen(my $f, $_[0], O_RDONLY) or fault("cannot open $_[0]"); $f->sync or fault("cannot sync $_[0]") }
sub folder { -d $_[0] or mkdir($_[0], $_[1]) or -d $_[0] or fault("cannot make $_[0]") }

# Temp file, fsync, rename, fsync of the folder.
sub durable {
  my ($name, $text) = @_;
  my ($folder) = "$dir/$name" =~ m{^(.*)/}s;
  my $temp = "$dir/$name.drover-tmp";
  sysopen(my $f, $temp, O_WRONLY|O_CREAT|O_TRUNC, 0600) or fault("cannot write $name");
  (syswrite($f, $text) // -1) == length $text or fault("cannot write $name");
  $f->sync or fault("cannot sync $name");
  close($f) or fault("cannot close $name");
  rename($temp, "$dir/$name") or fault("cannot rename $name");
  sync_folder($folder);
}

sub forget {
  my ($folder, $name) = @_;
  unlink("$dir/$folder/$name") or $!{ENOENT} or fault("cannot remove $folder/$name");
  sync_folder("$dir/$folder");
}

# Lines are whole or not there: a torn last line, of a crash in mid-write, is cut off first.
sub append {
  my ($rollout, $lines) = @_;
  my $path = "$dir/journal/$rollout.jsonl";
  my $new = ! -e $path;
  sysopen(my $f, $path, O_RDWR|O_CREAT, 0600) or fault("cannot open the journal");
  my $size = whole($f, -s $f);
  truncate($f, $size) or fault("cannot repair the journal");
  sysseek($f, $size, 0) // fault("cannot seek in the journal");
  for (my $at = 0; $at < length $lines;) {
    my $n = syswrite($f, $lines, length($lines) - $at, $at);
    if (!defined $n) { my $errno = $!; truncate($f, $size); $! = $errno; fault("cannot write the journal") }
    $at += $n;
  }
  $f->sync or fault("cannot sync the journal");
  sync_folder("$dir/journal") if $new;
}
sub whole {
  my ($f, $size) = @_;
  while ($size > 0) {
    my $from = $size > 65536 ? $size - 65536 : 0;
    sysseek($f, $from, 0) // fault("cannot seek in the journal");
    defined sysread($f, my $block, $size - $from) or fault("cannot read the journal");
    my $newline = rindex($block, "\n");
    return $from + $newline + 1 if $newline >= 0;
    $size = $from;
  }
  return 0;
}

sub take {
  my ($count) = @_;
  my $all = "";
  while (length $all < $count) {
    my $n = sysread(STDIN, $all, $count - length $all, length $all);
    exit 0 if !$n;
  }
  return $all;
}
sub request {
  my $digits = "";
  while ((my $byte = take(1)) ne "\n") { $digits .= $byte; $digits =~ /^[0-9]{1,9}$/ or exit 74 }
  return take($digits);
}

my $name = "[A-Za-z0-9][A-Za-z0-9._~+-]{0,127}";
sub serve {
  my ($what) = @_;
  if ($what eq "beat") { return }
  if ($what =~ /^append ($name)\n(.*\n)\z/s) { return append($1, $2) }
  if ($what =~ /^open ($name) ($name)\z/) { return durable("open/$1", "$2\n") }
  if ($what =~ /^close ($name)\z/) { return forget("open", $1) }
  if ($what =~ /^drain ($name) (\{[^\n]*\})\z/) { return durable("drains/$1.json", "$2\n") }
  if ($what =~ /^undrain ($name)\z/) { return forget("drains", "$1.json") }
  if ($what =~ /^(ledger|services) (\{[^\n]*\})\z/) { return durable("$1.json", "$2\n") }
  if ($what eq "release") { unlink("$dir/holder.json"); reply("ok"); exit 0 }
  die "22 there is no such request\n";
}

eval {
  my ($above) = $dir =~ m{^(.*)/}s;
  folder($above, 0755); folder($dir, 0700); folder("$dir/journal", 0700); folder("$dir/open", 0700); folder("$dir/drains", 0700);
  sysopen(LOCK, "$dir/lock", O_RDWR|O_CREAT, 0600) or fault("cannot open $dir/lock");
  # Whoever looks whether the lease is held takes the lock for a moment: one refusal does not mean that it is.
  my $got = 0;
  for my $try (1 .. 5) {
    $got = flock(LOCK, LOCK_EX|LOCK_NB) and last;
    select(undef, undef, undef, 0.1);
  }
  if (!$got) { my $who = slurp("$dir/holder.json"); reply("busy " . ($who eq "" ? "null" : $who)); exit 0 }
  alarm $limit;
  my $epoch = 0;
  for my $seen (slurp("$dir/epoch"), slurp("$above/epoch")) { $epoch = $1 if $seen =~ /^([0-9]+)/ && $1 > $epoch }
  $epoch += 1;
  durable("epoch", "$epoch\n");
  if (slurp("$dir/key") !~ /^[0-9a-f]{64}$/) {
    sysopen(my $random, "/dev/urandom", O_RDONLY) or fault("cannot open /dev/urandom");
    (sysread($random, my $bytes, 32) // 0) == 32 or fault("cannot read /dev/urandom");
    durable("key", unpack("H*", $bytes) . "\n");
  }
  durable("holder.json", "$holder\n");
  my ($key) = slurp("$dir/key") =~ /^([0-9a-f]{64})$/;
  reply("held $epoch $key");
  1;
} or do { print STDERR $@ =~ s/^[0-9]+ //r; exit($@ =~ /^28 / ? 28 : 74) };

while (1) {
  my $what = request();
  alarm $limit;
  eval { serve($what); reply("ok"); 1 } or reply("error $@");
}
`;

/** The command's script: `$1` is who wants the lease, as JSON. */
export const LEASE_SCRIPT: string = `exec perl -e '${PROGRAM}' ${STATE_DIRECTORY} "$1" ${LEASE_LIMIT}`;
