/** Perl of BIND's scripts, each for `perl -e '…'`: perl-base alone, no single quotes. */

/**
 * Makes the key's file, on stdout. Arguments: NAME, ALGORITHM, a file with the secret in base64. The secret is in no
 * argument, and in no message.
 */
export const PERL_KEY: string = String.raw`
  use strict; use warnings;
  my ($name, $algorithm, $path) = @ARGV;
  open(my $f, "<", $path) or do { print STDERR "cannot read the secret of the key: $!\n"; exit 74 };
  local $/; my $secret = <$f> // ""; $secret =~ s/\s+\z//;
  my $bytes = length($secret) / 4 * 3;
  $secret =~ m{\A(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\z} && $bytes >= 16 && $bytes <= 512
    or do { print STDERR "the secret of the key is not base64 of 16 to 512 bytes\n"; exit 65 };
  print "// Written by drover.\nkey \"$name\" {\n    algorithm $algorithm;\n    secret \"$secret\";\n};\n";
`;

/** Asks this host itself for a zone's SOA, by UDP. Argument: ZONE. Ends with 0 where the answer is an authoritative one. */
export const PERL_ASK: string = String.raw`
  use strict; use warnings; use Socket;
  my ($zone) = @ARGV;
  sub quit { print STDERR "$_[0]\n"; exit 1 }
  socket(my $s, PF_INET, SOCK_DGRAM, 0) or quit("no socket: $!");
  connect($s, pack_sockaddr_in(53, INADDR_LOOPBACK)) or quit("no socket: $!");
  my $id = $$ & 0xffff;
  my $question = join("", map { chr(length) . $_ } split /\./, $zone) . "\0" . pack("n2", 6, 1);
  my $end = time + 2; my $answer = "";
  defined send($s, pack("n6", $id, 0, 1, 0, 0, 0) . $question, 0) or quit("it does not take a question: $!");
  while (1) {
    my $left = $end - time; my $bits = ""; vec($bits, fileno($s), 1) = 1;
    $left > 0 && select($bits, undef, undef, $left) or quit("it does not answer");
    defined recv($s, $answer, 4096, 0) or quit("it does not take a question: $!");
    last if length $answer >= 12 && unpack("n", $answer) == $id;
  }
  my (undef, $flags, undef, $answers) = unpack("n4", $answer);
  exit 0 if ($flags & 0x8400) == 0x8400 && ($flags & 15) == 0 && $answers > 0;
  quit("it answers with " . (($flags & 15) ? "error " . ($flags & 15) : "what it has from others"));
`;

/**
 * A zone for a host that becomes the primary and has a secondary's copy: SOA and name servers are the new ones, all else is
 * the copy's, and what the copy does not know is added. Arguments: ZONE, the new zone and the copy, both as named-compilezone
 * writes them (`-s full`: a record a line, whole names). Prints the zone; its serial follows on the copy's.
 */
export const PERL_MERGE: string = String.raw`
  use strict; use warnings;
  my ($zone, $new, $old) = @ARGV;
  sub records { open(my $f, "<", $_[0]) or die "cannot read $_[0]: $!\n"; return grep { /\S/ && !/^;/ } <$f> }
  sub name_of { return lc((split /\s+/, $_[0], 2)[0]) }
  sub is_apex { return name_of($_[0]) eq lc "$zone." && $_[0] =~ /^\S+\s+\d+\s+IN\s+(?:SOA|NS)\s/ }
  my @new = records($new); my @old = records($old);
  my ($serial) = map { /\sSOA\s+\S+\s+\S+\s+(\d+)/ ? $1 : () } @old;
  for (@new) { s/(\sSOA\s+\S+\s+\S+\s+)(\d+)/$1 . ($2 > ($serial \/\/ 0) ? $2 : $serial + 1)/e }
  my @kept = grep { !is_apex($_) } @old;
  my %known = map { name_of($_) => 1 } @kept;
  print grep({ is_apex($_) } @new), @kept, grep({ !is_apex($_) && !$known{name_of($_)} } @new);
`;

/**
 * The last of what named logged that says something: nothing it does anyway at a start, no command of ours, each line once.
 * Its log on stdin.
 */
export const PERL_WORDS: string = String.raw`
  use strict; use warnings;
  my $usual = join "|", "received control channel", "listening on", "empty zone", "command channel", "priming", "resolving ",
    "managed-keys", "loaded serial", "^using ", "^found ", "^built ", "^running", "^compiled ", "^linked ", "^default ",
    "^threads ", "^starting ", "^---", "^BIND 9 ", "^Internet Systems", "^corporation", "^support ", "limit", "hint zone",
    "^all zones", "^reading built", "^generating", "^sizing", "^set up", "automatic interface", "^Start", "^Stop", "^exiting",
    "^shutting", "^named.service", "working directory", "^configuring", "^scheduled ", "newly configured zones",
    "^reloading configuration succeeded", "^loading configuration";
  my (%seen, @said);
  while (my $line = <STDIN>) { chomp $line; push @said, $line if $line !~ /$usual/i && !$seen{$line}++ }
  splice(@said, 0, @said - 8) if @said > 8;
  print map { "$_
" } @said;
`;
