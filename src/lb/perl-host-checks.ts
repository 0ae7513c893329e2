/**
 * What the host must have for a new haproxy.cfg, and what `haproxy -c` does not look at: a bind conflict (a reload that
 * meets one is an outage: the old worker's listeners pause), an address that is not this host's, a lack of descriptors.
 * No single quotes.
 */
export const PERL_HOST_CHECKS: string = String.raw`
  # Without brackets; "" for all addresses, however they are written.
  sub plain_address {
    my ($address) = @_;
    $address =~ s/^\[(.*)\]\z/$1/;
    return $address =~ /^(?:\*|0\.0\.0\.0|::)?\z/ ? "" : $address;
  }

  sub binds {
    my ($text) = @_;
    my @binds;
    for ($text =~ /^[ \t]+bind[ \t]+(.*)$/mg) {
      my ($list, $options) = /^(\S+)(.*)$/ or next;
      next if $list =~ /^(?:unix|abns|fd)@|^\//;
      for (split /,/, $list) {
        my ($given, $port) = /^(?:ipv[46]@)?(.*):(\d+)\z/ or next;
        my $address = plain_address($given);
        my $v6 = $given =~ /:/ || /^ipv6@/;
        # An IPv6 socket takes IPv4 too where it is bound to all addresses and says so.
        my $v4 = $v6 ? $address eq "" && $options !~ /\bv6only\b/ && $options =~ /\bv4v6\b/ : 1;
        my $free = scalar $options =~ /\btransparent\b/;
        push @binds, { address => $address, port => $port, v4 => $v4, v6 => $v6, free => $free };
      }
    }
    return @binds;
  }

  # The master and its workers.
  sub own_pids {
    my ($main) = qx(systemctl show -P MainPID haproxy 2>/dev/null) =~ /^([1-9]\d*)/ or return ();
    my %own = ($main => 1);
    for (qx(ps -o pid= --ppid $main 2>/dev/null)) { $own{$1} = 1 if /(\d+)/ }
    return %own;
  }

  sub check_ports {
    my ($text) = @_;
    my @binds = binds($text);
    my %own = own_pids();
    my @taken;
    for (qx(ss -Hltnp)) {
      my $socket = listener($_) or next;
      next if defined $socket->{pid} && $own{$socket->{pid}};
      next unless grep { collides($_, $socket) } @binds;
      my $who = $socket->{who} // "another program";
      push @taken, "port $socket->{port} is taken by $who ($socket->{shown})";
    }
    refuse(@taken) if @taken;
  }

  # One line of ss.
  sub listener {
    my ($line) = @_;
    my $shown = (split " ", $line)[3] // "";
    my ($address, $port) = $shown =~ /^(.*):(\d+)\z/ or return undef;
    my ($who, $pid) = $line =~ /users:\(\("([^"]*)",pid=(\d+)/;
    $address =~ s/%.*//;
    # ss writes * for a socket that takes both families.
    my $plain = plain_address($address);
    my $v6 = $address eq "*" || $address =~ /:/;
    my $v4 = $address eq "*" || !$v6;
    return { address => $plain, port => $port, v4 => $v4, v6 => $v6, who => $who, pid => $pid, shown => $shown };
  }

  sub collides {
    my ($bind, $socket) = @_;
    return 0 if $bind->{port} != $socket->{port};
    return 0 unless $bind->{v4} && $socket->{v4} || $bind->{v6} && $socket->{v6};
    return $socket->{address} eq "" || $bind->{address} eq "" || lc $socket->{address} eq lc $bind->{address};
  }

  sub allows_foreign_addresses {
    my $value = slurp("/proc/sys/net/$_[0]/ip_nonlocal_bind") // "0";
    return $value =~ /^[1-9]/;
  }

  sub check_addresses {
    my ($text) = @_;
    my %here;
    for (qx(ip -o addr show)) { $here{lc $1} = 1 if m{\binet6? ([0-9a-fA-F.:]+)} }
    for (binds($text)) {
      my $address = $_->{address};
      next if $address eq "" || $_->{free} || $address =~ /^127\./ || $here{lc $address};
      my $family = $address =~ /:/ ? "ipv6" : "ipv4";
      next if allows_foreign_addresses($family);
      refuse("$address is no address of this host, so port $_->{port} cannot be opened there",
        "bind all addresses instead, or set net.$family.ip_nonlocal_bind=1");
    }
  }

  # What 2.6.12 says in its Maxsock: two a connection, one a listener and a check, three a thread, and 32.
  sub check_descriptors {
    my ($text) = @_;
    my ($global) = $text =~ /^global[^\n]*\n((?:[ \t]+[^\n]*\n|\n|#[^\n]*\n)*)/m or return;
    my ($maxconn) = $global =~ /^[ \t]+maxconn[ \t]+(\d+)/m or return;
    my ($limit) = qx(systemctl show -P LimitNOFILE haproxy 2>/dev/null) =~ /^(\d+)/ or return;
    my $listeners = () = $text =~ /^[ \t]+(?:bind|stats[ \t]+socket)[ \t]/mg;
    my $checks = () = $text =~ /^[ \t]+server[ \t].*[ \t]check(?:[ \t]|$)/mg;
    $checks += $1 while $text =~ /^[ \t]+server-template[ \t]+\S+[ \t]+(\d+)[ \t].*[ \t]check(?:[ \t]|$)/mg;
    my ($threads) = $global =~ /^[ \t]+nbthread[ \t]+(\d+)/m;
    $threads //= () = (slurp("/proc/cpuinfo") // "") =~ /^processor/mg;
    my $needs = 2 * $maxconn + $listeners + $checks + 3 * $threads + 32;
    refuse("maxconn $maxconn needs $needs file descriptors and systemd gives HAProxy $limit",
      "lower maxConnections, or raise LimitNOFILE of haproxy.service") if $needs > $limit;
  }
`;
