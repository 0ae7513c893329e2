/** Exit codes of {@link ASK}. */
export const ASK_EXIT = {
  /** A server did not answer within two seconds. */
  silent: 61,
  /** A server answered, but cannot be used. */
  wrong: 62,
} as const;

/**
 * Perl that asks servers by UDP, as the host's resolver will: does each know the zone, and, with `yes`, other names too?
 * Arguments: the zone, `yes` or `no`, the servers. Prints the zone's primary by its SOA where that has an address in the
 * zone: a name to prove things by. No single quotes: it stands inside those of sh.
 */
export const ASK: string = String.raw`
  use strict; use warnings; use Socket qw(:all); use Time::HiRes qw(time);
  my ($zone, $recursion, @servers) = @ARGV;
  my %RCODE = (0 => "no such record", 2 => "SERVFAIL", 3 => "NXDOMAIN", 5 => "REFUSED");
  sub quit { print STDERR "$_[1]\n"; exit $_[0] }
  sub wire { join("", map { chr(length) . $_ } split /\./, $_[0]) . "\0" }

  # The name at an offset, in lower case, and the offset after it (RFC 1035 4.1.4); nothing where it makes no sense.
  sub name_at {
    my ($message, $at) = @_; my (@labels, $end); my $jumps = 0;
    while (1) {
      return if $at >= length $message; my $size = ord substr($message, $at, 1);
      if (($size & 0xc0) == 0xc0) {
        return if $at + 1 >= length $message || ++$jumps > 32;
        $end = $at + 2 unless defined $end; $at = unpack("n", substr($message, $at, 2)) & 0x3fff; next;
      }
      return if $size & 0xc0; $at++; last if $size == 0;
      return if $at + $size > length $message; push @labels, lc substr($message, $at, $size); $at += $size;
    }
    return (join(".", @labels), defined $end ? $end : $at);
  }

  # A reply to a question of one server, or undef. Two tries of a second: the network may drop a packet.
  sub ask {
    my ($server, $name, $type) = @_; my $six = $server =~ /:/; my $family = $six ? PF_INET6 : PF_INET;
    my $packed = inet_pton($family, $server); defined $packed or return undef;
    my $to = $six ? pack_sockaddr_in6(53, $packed) : pack_sockaddr_in(53, $packed);
    my $question = wire($name) . pack("nn", $type, 1);
    for (1 .. 2) {
      socket(my $s, $family, SOCK_DGRAM, 0) or return undef; connect($s, $to) or return undef;
      my $id = int rand 65536; my $end = time + 1;
      send($s, pack("nnnnnn", $id, 0x0100, 1, 0, 0, 0) . $question, 0);
      while ((my $left = $end - time) > 0) {
        my $bits = ""; vec($bits, fileno($s), 1) = 1; select($bits, undef, undef, $left) or last;
        defined recv($s, my $reply, 4096, 0) or last;
        next unless length $reply >= 12 + length $question && unpack("n", $reply) == $id && ord(substr($reply, 2, 1)) & 0x80;
        next unless lc substr($reply, 12, length $question) eq lc $question;
        return $reply;
      }
    }
    return undef;
  }

  # Offsets of the data of answers of a type that belong to a name.
  sub answers {
    my ($reply, $name, $type) = @_; my $count = unpack("n", substr($reply, 6, 2)); my @found;
    my (undef, $at) = name_at($reply, 12); defined $at or return; $at += 4;
    for (1 .. $count) {
      (my $owner, $at) = name_at($reply, $at); defined $at && $at + 10 <= length $reply or last;
      my ($is, $class, $ttl, $size) = unpack("nnNn", substr($reply, $at, 10)); $at += 10;
      push @found, $at if $is == $type && $owner eq $name; $at += $size;
    }
    return @found;
  }

  my $proof = "";
  for my $server (@servers) {
    my $reply = ask($server, $zone, 6);
    defined $reply or quit(${String(ASK_EXIT.silent)}, "the DNS server $server does not answer there");
    my $rcode = ord(substr($reply, 3, 1)) & 15; my ($data) = answers($reply, $zone, 6);
    defined $data or quit(${String(ASK_EXIT.wrong)}, "the DNS server $server does not know $zone there (" . ($RCODE{$rcode} || "rcode $rcode") . ")");
    if ($recursion eq "yes" && !(ord(substr($reply, 3, 1)) & 0x80)) {
      quit(${String(ASK_EXIT.wrong)}, "the DNS server $server answers for no other names than those of $zone there");
    }
    my ($primary) = name_at($reply, $data);
    next unless $proof eq "" && defined $primary && $primary =~ /\A[a-z0-9._-]+\.\Q$zone\E\z/;
    for my $type (1, 28) {
      my $address = ask($server, $primary, $type);
      $proof = $primary if defined $address && answers($address, $primary, $type);
    }
  }
  print "$proof\n";
`;
