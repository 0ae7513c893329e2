import type { FirewallCut } from "../model/firewall.ts";
import { safePorts, safePrefix } from "./syntax.ts";

/**
 * Connections that are open: entered into conntrack before it first decides about them, and cut when a flow is closed. By
 * netlink (ctnetlink, sock_diag(7)), exact to the connection: a thousand of them cost no process each.
 */
export const CONNECTIONS: string = String.raw`
sub attribute { my ($type, $data) = @_; my $size = 4 + length $data; return pack("SS", $size, $type) . $data . ("\0" x (-$size & 3)) }
sub nest { my ($type, @parts) = @_; return attribute($type | 0x8000, join("", @parts)) }
sub attributes {
  my ($data) = @_;
  my (%found, $at);
  for ($at = 0; $at + 4 <= length $data;) {
    my ($size, $type) = unpack("SS", substr($data, $at, 4));
    last if $size < 4;
    $found{$type & 0x3fff} = substr($data, $at + 4, $size - 4);
    $at += ($size + 3) & ~3;
  }
  return \%found;
}
# A connection: protocol, source, its port, destination, its port; addresses as packed bytes.
sub tuple {
  my ($type, $protocol, $source, $from, $target, $to) = @_;
  my $first = length $source == 16 ? 3 : 1;
  return nest($type, nest(1, attribute($first, $source), attribute($first + 1, $target)),
    nest(2, attribute(1, chr $protocol), attribute(2, pack("n", $from)), attribute(3, pack("n", $to))));
}
sub ask_kernel {
  my ($netlink, $type, $flags, $payload) = @_;
  send($netlink, pack("LSSLL", 16 + length $payload, $type, $flags, 0, 0) . $payload, 0);
}
sub netlink { my ($protocol) = @_; socket(my $s, 16, 3, $protocol) or return undef; return $s }
sub family_of { return length $_[0] == 16 ? 10 : 2 }

# Whatever the window is that was agreed on before we looked, nothing of it is INVALID (IP_CT_TCP_FLAG_BE_LIBERAL).
sub enter_connection {
  my ($netlink, $protocol, $source, $from, $target, $to) = @_;
  my $tcp = $protocol == 6 ? nest(4, nest(1, attribute(1, "\x03"), attribute(4, "\x08\x08"), attribute(5, "\x08\x08"))) : "";
  ask_kernel($netlink, 1 << 8, 0x601, pack("CCn", family_of($source), 0, 0)
    . tuple(1, $protocol, $source, $from, $target, $to) . tuple(2, $protocol, $target, $to, $source, $from)
    . attribute(3, pack("N", 14)) . attribute(7, pack("N", $protocol == 6 ? 432000 : 120)) . $tcp);
}

# All that conntrack knows. By a socket of its own: no answer to anything else waits there.
sub all_connections {
  my $netlink = netlink(12) or return ();
  ask_kernel($netlink, (1 << 8) | 1, 0x301, pack("CCn", 0, 0, 0));
  my @found;
  while (1) {
    my $got = sysread($netlink, my $data, 262144) or return @found;
    for (my $at = 0; $at + 16 <= $got;) {
      my ($size, $type) = unpack("LS", substr($data, $at, 6));
      return @found if $type == 2 || $type == 3 || $size < 16;
      push @found, substr($data, $at + 20, $size - 20);
      $at += ($size + 3) & ~3;
    }
  }
}
sub forget_connection {
  my ($netlink, $protocol, $source, $from, $target, $to) = @_;
  ask_kernel($netlink, (1 << 8) | 2, 1, pack("CCn", family_of($source), 0, 0) . tuple(1, $protocol, $source, $from, $target, $to));
}

sub address { my ($hex) = @_; my $packed = pack("L*", map { hex } $hex =~ /(.{8})/g); return $packed =~ /^\0{10}\xff\xff(.{4})$/s ? $1 : $packed }
# Open sockets of this host as [protocol, local, port, remote, port, in?]; and which ports somebody listens at.
sub sockets {
  my (@open, %listens);
  for (["tcp", 6], ["tcp6", 6], ["udp", 17], ["udp6", 17]) {
    my ($name, $protocol) = @$_;
    open(my $f, "<", "/proc/net/$name") or next;
    while (<$f>) {
      my ($local, $port, $remote, $to, $state) = /^\s*\d+: (\S+):(\S+) (\S+):(\S+) (\S\S) / or next;
      if ($state eq "0A" || ($protocol == 17 && $state eq "07")) { $listens{"$protocol " . hex $port} = 1; next }
      next unless $state =~ /^0[1458]$/;
      push @open, [$protocol, address($local), hex $port, address($remote), hex $to];
    }
  }
  $_->[5] = $_->[0] == 6 && exists $listens{"6 $_->[2]"} for @open;
  return (\@open, \%listens);
}

# Before the first rule that asks for it nothing is tracked: a stream where only the other side sends would look new.
sub track {
  my ($seen) = @_;
  my @new = grep { !$seen->{$_->[0]}{entered} } @families or return "";
  my $netlink = netlink(12);
  my @before = all_connections();
  for my $family (@new) {
    my $why = restore($family, ":DRV-TRACK - [0:0]", "-A DRV-TRACK -m conntrack --ctstate ESTABLISHED -j RETURN");
    return $why if $why;
    $seen->{$family->[0]}{chains}{"DRV-TRACK"} = 1;
  }
  return "" unless $netlink;
  my ($open) = sockets();
  for (@$open) {
    my ($protocol, $local, $port, $remote, $to, $in) = @$_;
    my @connection = ($protocol, $in ? ($remote, $to, $local, $port) : ($local, $port, $remote, $to));
    # The first packet since may have made one the wrong way round; where tracking is old there is none to put right.
    forget_connection($netlink, @connection) unless @before;
    enter_connection($netlink, @connection);
  }
  return "";
}

# A line of the cuts is: in or out, protocol, ports, prefixes.
sub read_cuts {
  my ($text, $listens) = @_;
  require Socket;
  my ($low, $high) = (slurp("/proc/sys/net/ipv4/ip_local_port_range") // "") =~ /(\d+)\s+(\d+)/ ? ($1, $2) : (1, 65535);
  my @cuts;
  for (split /\n/, $text) {
    my ($direction, $protocol, $ports, @peers) = split / /;
    my @ranges = $ports eq "-" ? () : map { [/:/ ? split(/:/, $_) : ($_, $_)] } split /,/, $ports;
    my $number = { tcp => 6, udp => 17, any => 0 }->{$protocol};
    # Where a port may also be the near end of somebody else: only what was opened in this direction.
    my $vague = !@ranges || grep {
      $_->[0] <= $high && $_->[1] >= $low && !($direction eq "in" && $_->[0] == $_->[1] && $listens->{"$number $_->[0]"})
    } @ranges;
    my %within;
    for (@peers) {
      my ($base, $bits) = m{(.*)/(\d+)};
      $within{/:/ ? 16 : 4}{$bits}{unpack("B$bits", Socket::inet_pton(/:/ ? 10 : 2, $base))} = 1;
    }
    push @cuts, { in => $direction eq "in", protocol => $number, ranges => \@ranges, vague => $vague, peers => \@peers, within => \%within };
  }
  return @cuts;
}
sub is_cut {
  my ($cuts, $in, $protocol, $peer, $port) = @_;
  for my $cut (@$cuts) {
    next if $cut->{protocol} && $cut->{protocol} != $protocol;
    next if defined $in && !$in != !$cut->{in};
    next if @{$cut->{ranges}} && !grep { $port >= $_->[0] && $port <= $_->[1] } @{$cut->{ranges}};
    my $within = $cut->{within}{length $peer} or next;
    for my $bits (keys %$within) { return 1 if $within->{$bits}{unpack("B$bits", $peer)} }
  }
  return 0;
}

# multiport takes 15 ports, a range counts for two.
sub port_groups {
  my @groups = ([]);
  my $slots = 0;
  for (@_) {
    my $size = $_->[0] == $_->[1] ? 1 : 2;
    if ($slots + $size > 15) { push @groups, []; $slots = 0 }
    $slots += $size; push @{$groups[-1]}, $size == 1 ? $_->[0] : "$_->[0]:$_->[1]";
  }
  return map { join(",", @$_) } @groups;
}
sub cut_lines {
  my ($v6, $cut, $lasting) = @_;
  my @lines;
  for my $peer (grep { !!/:/ == $v6 } @{$cut->{peers}}) {
    for my $protocol ($cut->{protocol} == 6 ? "tcp" : $cut->{protocol} == 17 ? "udp" : ("tcp", "udp")) {
      my $end = $protocol eq "tcp" ? "-j REJECT --reject-with tcp-reset" : "-j DROP";
      for my $ports (port_groups(@{$cut->{ranges}})) {
        my ($near, $far) = map { $ports eq "" ? "" : "-m multiport --${"$"}{_}ports $ports" } $cut->{in} ? ("d", "s") : ("s", "d");
        if ($lasting) {
          next unless $cut->{in} && !$cut->{vague};
          my $loose = $protocol eq "tcp" ? "! --syn" : "";
          push @lines, "-A DRV-SEVER-O -d $peer -p $protocol $loose $far -m conntrack --ctstate NEW $end";
          next;
        }
        my ($first, $back) = map { $cut->{vague} ? "-m conntrack --ctdir $_" : "" } $cut->{in} ? qw(ORIGINAL REPLY) : qw(REPLY ORIGINAL);
        push @lines, "-A DRV-SEVER-I -s $peer -p $protocol $near $first $end", "-A DRV-SEVER-O -d $peer -p $protocol $far $back $end";
      }
    }
  }
  return @lines;
}
sub fill_sever {
  my ($lasting, @cuts) = @_;
  my @why;
  for my $family (@families) {
    my @lines = map { cut_lines($family->[0] eq "v6", $_, $lasting) } @cuts;
    # A reset that the other side or our own kernel sends has to arrive.
    unshift @lines, map { "-A $_ -p tcp --tcp-flags RST RST -j RETURN" } qw(DRV-SEVER-I DRV-SEVER-O) if @lines;
    push @why, restore($family, ":DRV-SEVER-I - [0:0]", ":DRV-SEVER-O - [0:0]", @lines);
  }
  return grep { $_ } @why;
}

# What is to be cut, as conntrack knows it.
sub doomed {
  my ($cuts) = @_;
  my $own = own_addresses();
  my @doomed;
  for (all_connections()) {
    my $about = attributes($_);
    my ($ip, $ends) = map { attributes($_ // "") } @{attributes($about->{1} // next)}{1, 2};
    my ($source, $target) = ($ip->{1} // $ip->{3}, $ip->{2} // $ip->{4});
    my $protocol = ord($ends->{1} // "");
    my ($from, $to) = map { defined $_ ? unpack("n", $_) : 0 } @$ends{2, 3};
    next unless defined $source && defined $target;
    # Picked up half way a connection may stand here the wrong way round.
    my $hit = $own->{$target} && (is_cut($cuts, 1, $protocol, $source, $to) || turned($cuts, 0, $protocol, $source, $from))
      || $own->{$source} && (is_cut($cuts, 0, $protocol, $target, $to) || turned($cuts, 1, $protocol, $target, $from));
    # TCP has states up to CLOSE_WAIT (5) for what is open.
    my $state = ord(attributes(attributes($about->{4} // "")->{1} // "")->{1} // "");
    push @doomed, { tuple => [$protocol, $source, $from, $target, $to], open => $protocol != 6 || $state <= 5 } if $hit;
  }
  return @doomed;
}
sub turned { my ($cuts, @rest) = @_; return is_cut([grep { !$_->{vague} } @$cuts], @rest) }
sub own_addresses {
  my %own;
  for (["/proc/net/fib_trie", 0], ["/proc/net/if_inet6", 1]) {
    open(my $f, "<", $_->[0]) or next;
    my $last = "";
    while (my $line = <$f>) {
      if ($_->[1]) { $own{pack("H32", $1)} = 1 if $line =~ /^([0-9a-f]{32}) / }
      elsif ($line =~ /\|-- (\S+)/) { $last = $1 }
      elsif ($line =~ m{/32 host LOCAL}) { $own{pack("C4", split /\./, $last)} = 1 }
    }
  }
  return \%own;
}

# The sockets of this host at the near end: their owners learn it, and nothing is sent on them again.
sub destroy_sockets {
  my ($cuts) = @_;
  my $netlink = netlink(4) or return;
  my ($open) = sockets();
  for (@$open) {
    my ($protocol, $local, $port, $remote, $to, $in) = @$_;
    next unless $protocol == 6 && is_cut($cuts, $in ? 1 : 0, $protocol, $remote, $in ? $port : $to);
    my ($near, $far) = map { $_ . "\0" x (16 - length $_) } $local, $remote;
    ask_kernel($netlink, 21, 1, pack("CCCCL", family_of($local), 6, 0, 0, 0xffffffff) . pack("nn", $port, $to) . $near . $far . pack("LLL", 0, 0xffffffff, 0xffffffff));
  }
}

# Cuts what is open: whatever either side sends in the next two seconds is answered with a reset.
sub sever {
  my ($text) = @_;
  return 0 if $text eq "";
  my (undef, $listens) = sockets();
  my @cuts = read_cuts($text, $listens);
  my $netlink = netlink(12);
  my $count = grep { $_->{open} } doomed(\@cuts);
  # First, while a reset of theirs still gets through: both ends learn it. Then what is left, and whatever else there is.
  destroy_sockets(\@cuts);
  my @why = fill_sever(0, @cuts);
  for (1 .. 5) {
    select(undef, undef, undef, 0.5) if $_ > 1;
    for (doomed(\@cuts)) { forget_connection($netlink, @{$_->{tuple}}) if $netlink }
  }
  # A dead stream must not come back by a packet of ours that conntrack would take for a new connection.
  push @why, fill_sever(1, @cuts);
  print STDERR "$_\n" for @why;
  return $count;
}
`;

/** What the program reads as cuts: `in tcp 5432,8000:8010 10.0.0.1/32`, a line each; `-` is every port. */
export function cutsText(cuts: readonly FirewallCut[]): string {
  return cuts
    .filter(({ peers }) => peers.length > 0)
    .map(({ direction, match, peers }) => {
      const ports = match.protocol === "any" || match.ports === null ? "-" : match.ports.map(safePorts).join(",");
      return `${direction} ${match.protocol} ${ports} ${peers.map((peer) => safePrefix(peer).text).join(" ")}\n`;
    })
    .join("");
}
