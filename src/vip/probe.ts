import { reading } from "../model/command.ts";
import type { Command } from "../model/command.ts";
import { DroverError, failure } from "../model/errors.ts";

/**
 * Does IP protocol 112 get from each balancer to each other one? With the way from backup to holder closed nothing shows
 * until the failover that then goes wrong, so it is tried out: all balancers of a set run this at the same time.
 *
 * It sends a packet every 100 ms to each peer, with what it has heard so far in it, and ends as soon as all is heard both
 * ways, or after LIMIT. keepalived sees the packets too: they are of virtual router 0, which no instance can have, so it
 * drops them (and logs "Unknown VRID(0)") before it looks at anything else. Arguments: LIMIT (ms), own address, peers. Prints `heard ADDRESS` for each peer it got one from.
 */
const PROGRAM = String.raw`
  use strict; use warnings; use Socket qw(:all); use Time::HiRes qw(time);
  my ($limit, $own, @peers) = @ARGV; my $six = $own =~ /:/;
  sub quit { print STDERR "$_[0]: $!\n"; exit 74 }
  my $family = $six ? PF_INET6 : PF_INET;
  sub at { my $packed = inet_pton($family, $_[0]) // quit("bad address $_[0]"); $six ? pack_sockaddr_in6(0, $packed) : pack_sockaddr_in(0, $packed) }
  socket(my $s, $family, SOCK_RAW, 112) or quit("no raw socket");
  bind($s, at($own)) or quit("cannot bind to $own");
  if ($six) { setsockopt($s, IPPROTO_IPV6, 16, pack("i", 255)) } else { setsockopt($s, IPPROTO_IP, IP_TTL, 255) }
  my %peer = map { inet_pton($family, $_) => $_ } @peers; my (%heard, %hears_us); my $mine = inet_pton($family, $own);
  my $end = time + $limit / 1000; my ($next, $last) = (0, 3);
  while (time < $end && $last) {
    if (time >= $next) {
      $next = time + 0.1; my $packet = "\x0f\0drover probe of protocol 112:" . join("", sort keys %heard);
      send($s, $packet, 0, at($_)) for @peers;
      $last-- if keys %heard == @peers && keys %hears_us == @peers;
    }
    my $bits = ""; vec($bits, fileno($s), 1) = 1; select($bits, undef, undef, 0.02) or next;
    my $from = recv($s, my $packet, 2048, 0) // next;
    my $address = $six ? (unpack_sockaddr_in6($from))[1] : (unpack_sockaddr_in($from))[1];
    if (!$six) { substr($packet, 0, 4 * (ord($packet) & 15), "") }
    next unless $peer{$address} && $packet =~ s/^\x0f\0drover probe of protocol 112://s;
    $heard{$address} = 1; my $width = length $mine;
    while (length $packet >= $width) { $hears_us{$address} = 1 if substr($packet, 0, $width, "") eq $mine }
  }
  print "heard $peer{$_}\n" for sort keys %heard; print "end\n";
`;

/** Milliseconds that a probe takes at most. */
const LIMIT = 2000;

/**
 * The probe of one balancer, to be run on all balancers of a set at the same time: `address` and `peers` are those of
 * its model. It disturbs nothing.
 */
export function vrrpProbe(address: string, peers: readonly string[], limit: number = LIMIT): Command {
  return reading("vip.probe", `perl -e '${PROGRAM}' "$@"`, [String(limit), address, ...peers]);
}

/** Which peers a probe heard, from what it printed. Throws a DroverError when it was cut off. */
export function parseVrrpProbe(stdout: string): readonly string[] {
  const lines = stdout.split("\n");
  if (!lines.includes("end")) throw new DroverError(failure("unknown-state", "the VRRP probe came back cut off"));
  return lines.flatMap((line) => (line.startsWith("heard ") ? [line.slice("heard ".length)] : []));
}
