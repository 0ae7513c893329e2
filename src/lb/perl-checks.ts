import { FILES } from "./paths.ts";

/** Exit codes of the installing script beyond those that every script has. */
export const INSTALL_EXIT = {
  /** Refused before anything was changed. */
  refused: 65,
  /** The new files did not come up; the previous ones are back and run. */
  putBack: 66,
  /** Neither the new files nor the previous ones run. */
  stuck: 67,
  /** HAProxy is not installed. */
  missing: 69,
} as const;

/**
 * What is looked at before anything is changed, beginning with HAProxy's own `-c`. That finds no bind conflict (and a
 * reload that meets one is an outage: the old worker's listeners pause), no address that is not this host's, no lack of
 * descriptors and no map value that names no backend. No single quotes.
 */
export const PERL_CHECKS: string = String.raw`
  sub refuse { quit(${INSTALL_EXIT.refused}, @_) }
  sub check_text {
    my ($bundle) = @_; my %backend = map { $_ => 1 } $bundle->{config} =~ /^(?:backend|listen)[ \t]+(\S+)/mg; my @wrong;
    for my $path (sort keys %{$bundle->{files}}) {
      my $file = $bundle->{files}{$path}; next if $file->{kind} ne "text"; my ($name) = $path =~ m{^${FILES}/(.*)};
      refuse("$name does not end with a newline") if $file->{bytes} ne "" && $file->{bytes} !~ /\n\z/;
      next unless $name =~ m{^maps/(?:http|https|sni)\.map\z};
      for (split /\n/, $file->{bytes}) {
        next if /^\s*(?:#|\z)/; my ($key, $value) = /^(\S+)\s+(\S+)\s*\z/ or do { push @wrong, "$name: no key and value: $_"; next };
        push @wrong, "$name: $key leads to $value, and no backend is called that" unless $backend{$value};
      }
    }
    refuse(@wrong[0 .. ($#wrong > 9 ? 9 : $#wrong)]) if @wrong;
  }
  sub check_syntax {
    my ($bundle, $strict) = @_; my $dir = "/run/drover/check"; mkdir "/run/drover", 0755; remove_tree($dir); push @leftover, $dir;
    mkdir $dir, 0700; mkdir "$dir/$_", 0700 for "files", "files/maps", "files/certs";
    # A drained row in the state file is a warning too, so the strict check reads one that holds nothing.
    write_atomic("$dir/state", 0600, "1\n"); (my $text = $bundle->{config}) =~ s/^([ \t]*server-state-file[ \t]+)\S+/$1$dir\/state/mg;
    $text =~ s{\Q${FILES}/\E}{$dir/files/}g; write_atomic("$dir/haproxy.cfg", 0600, $text);
    for my $path (keys %{$bundle->{files}}) {
      my $bytes = $bundle->{files}{$path}{bytes}; $bytes =~ s{\Q${FILES}/\E}{$dir/files/}g if $bundle->{files}{$path}{kind} eq "text";
      (my $to = $path) =~ s{^${FILES}}{$dir/files}; write_atomic($to, 0600, $bytes);
    }
    my @said = map { s{\Q$dir/files/\E}{}gr =~ s{\Q$dir/\E}{}gr } qx(/usr/sbin/haproxy -c @{[$strict ? "-dW" : ""]} -f $dir/haproxy.cfg 2>&1);
    my $code = $?; remove_tree($dir);
    refuse("HAProxy refuses the new haproxy.cfg", grep { !/NOTICE/ } @said) if $code;
  }
  sub binds {
    my ($text) = @_; my @binds;
    for ($text =~ /^[ \t]+bind[ \t]+(.*)$/mg) {
      my ($list, $options) = /^(\S+)(.*)$/ or next; next if $list =~ /^(?:unix|abns|fd)@|^\//;
      for (split /,/, $list) {
        my ($address, $port) = /^(?:ipv[46]@)?(.*):(\d+)\z/ or next; my $six = $address =~ /:/ || /^ipv6@/; $address =~ s/^\[(.*)\]\z/$1/;
        $address = "" if $address =~ /^(?:\*|0\.0\.0\.0|::)?\z/; my $v4 = $six ? ($address eq "" && $options !~ /\bv6only\b/ && $options =~ /\bv4v6\b/) : 1;
        push @binds, { address => $address, port => $port, v4 => $v4, v6 => $six, free => scalar $options =~ /\btransparent\b/ };
      }
    }
    return @binds;
  }
  sub own_pids { my %own; my ($main) = qx(systemctl show -P MainPID haproxy 2>/dev/null) =~ /^([1-9]\d*)/ or return %own;
    $own{$main} = 1; for (qx(ps -o pid= --ppid $main 2>/dev/null)) { $own{$1} = 1 if /(\d+)/ } return %own }
  sub check_ports {
    my ($text) = @_; my @binds = binds($text); my %own = own_pids(); my @taken;
    for (qx(ss -Hltnp)) {
      my @column = split; my ($address, $port) = ($column[3] // "") =~ /^(.*):(\d+)\z/ or next; my ($who, $pid) = /users:\(\("([^"]*)",pid=(\d+)/;
      next if defined $pid && $own{$pid}; $address =~ s/%.*//; $address =~ s/^\[(.*)\]\z/$1/;
      # ss writes * for a socket that takes both families.
      my ($v4, $v6) = $address eq "*" ? (1, 1) : $address =~ /:/ ? (0, 1) : (1, 0); $address = "" if $address =~ /^(?:\*|0\.0\.0\.0|::)\z/;
      for my $bind (@binds) {
        next if $bind->{port} != $port || !($bind->{v4} && $v4 || $bind->{v6} && $v6);
        next if $address ne "" && $bind->{address} ne "" && lc $address ne lc $bind->{address};
        push @taken, "port $port is taken by " . ($who // "another program") . " ($column[3])"; last;
      }
    }
    refuse(@taken) if @taken;
  }
  sub sysctl { my $value = slurp("/proc/sys/net/$_[0]/ip_nonlocal_bind") // "0"; return $value =~ /^[1-9]/ }
  sub check_addresses {
    my ($text) = @_; my %here; for (qx(ip -o addr show)) { $here{lc $1} = 1 if m{\binet6? ([0-9a-fA-F.:]+)} }
    for (binds($text)) {
      my $address = $_->{address}; next if $address eq "" || $_->{free} || $address =~ /^127\./ || $here{lc $address};
      next if sysctl($address =~ /:/ ? "ipv6" : "ipv4");
      my $name = $address =~ /:/ ? "net.ipv6.ip_nonlocal_bind" : "net.ipv4.ip_nonlocal_bind";
      refuse("$address is no address of this host, so port $_->{port} cannot be opened there", "bind all addresses instead, or set $name=1");
    }
  }
  # What 2.6.12 says in its Maxsock: two a connection, one a listener and a check, three a thread, and 32.
  sub check_descriptors {
    my ($text) = @_; my ($global) = $text =~ /^global[^\n]*\n((?:[ \t]+[^\n]*\n|\n|#[^\n]*\n)*)/m or return; my ($maxconn) = $global =~ /^[ \t]+maxconn[ \t]+(\d+)/m or return;
    my ($limit) = qx(systemctl show -P LimitNOFILE haproxy 2>/dev/null) =~ /^(\d+)/ or return;
    my $listeners = () = $text =~ /^[ \t]+(?:bind|stats[ \t]+socket)[ \t]/mg; my $checks = () = $text =~ /^[ \t]+server[ \t].*[ \t]check(?:[ \t]|$)/mg;
    my ($threads) = $global =~ /^[ \t]+nbthread[ \t]+(\d+)/m; $threads //= () = (slurp("/proc/cpuinfo") // "") =~ /^processor/mg;
    my $needs = 2 * $maxconn + $listeners + $checks + 3 * $threads + 32;
    refuse("maxconn $maxconn needs $needs file descriptors and systemd gives HAProxy $limit", "lower maxConnections, or raise LimitNOFILE of haproxy.service") if $needs > $limit;
  }
`;
