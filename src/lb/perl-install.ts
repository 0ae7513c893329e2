import { CONFIG, MANIFEST, PENDING, PREVIOUS } from "./paths.ts";
import { PERL_CONFIG } from "./perl-config.ts";
import { PERL_ASK } from "./script.ts";

/** Exit codes of the installing script beyond those that every script has. */
export const INSTALL_EXIT = {
  /** Refused before anything was changed. */
  refused: 65,
  /** The new file did not come up; the previous one is back and runs. */
  putBack: 66,
  /** Neither the new file nor the previous one runs. */
  stuck: 67,
  /** HAProxy is not installed. */
  missing: 69,
} as const;

/** What is looked at before anything is changed. `-c` finds no bind conflict, and a reload that meets one is an outage. */
const CHECKS: string = String.raw`
  sub quit { my ($code, @lines) = @_; chomp @lines; print STDERR "$_\n" for @lines; exit $code }
  sub check_syntax {
    my ($text, $strict) = @_;
    # A drained row in the state file is a warning too, so the strict check reads one that holds nothing.
    my $state = "/run/drover/haproxy.check-state"; my $copy = "/run/drover/haproxy.check-cfg";
    mkdir "/run/drover", 0755; write_atomic($state, 0600, "1\n");
    (my $checked = $text) =~ s/^([ \t]*server-state-file[ \t]+)\S+/$1$state/mg;
    write_atomic($copy, 0600, $checked);
    my @said = map { s/\Q$copy\E/haproxy.cfg/gr } qx(/usr/sbin/haproxy -c @{[$strict ? "-dW" : ""]} -f $copy 2>&1);
    my $code = $?; unlink $state, $copy;
    quit(${INSTALL_EXIT.refused}, "HAProxy refuses the new haproxy.cfg", grep { !/NOTICE/ } @said) if $code;
  }
  sub check_ports {
    my ($text) = @_; my %wanted;
    for ($text =~ /^[ \t]+bind[ \t]+(\S+)/mg) { for (split /,/) { $wanted{$1} = 1 if /:(\d+)\z/ } }
    my @taken;
    for (qx(ss -Hltnp)) {
      my @column = split; my ($port) = ($column[3] // "") =~ /:(\d+)\z/ or next;
      next if !$wanted{$port} || /"haproxy"/;
      my ($who) = /users:\(\("([^"]*)"/; push @taken, "port $port is taken by " . ($who // "another program") . " ($column[3])";
    }
    quit(${INSTALL_EXIT.refused}, @taken) if @taken;
  }
`;

/** Talking to systemd and to HAProxy's master, and judging what came of a reload. */
const RELOAD: string = String.raw`
  sub active { chomp(my $state = qx(systemctl is-active haproxy 2>/dev/null)); return $state eq "active" }
  sub systemctl { return system("systemctl @_ >/dev/null 2>&1 9>&-") == 0 }
  sub processes {
    my $text = insist("master", "show proc") or return undef;
    my ($reloads, $failed) = $text =~ /^\d+\s+master\s+(\d+)(?:\s+\[failed: (\d+)\])?/m or return undef;
    my ($current) = $text =~ /^# workers\n(\d+)\s+worker\s/m;
    return { reloads => $reloads, failed => $failed || 0, pid => $current || 0 };
  }
  # A reload that systemd calls a success may not have happened: HAProxys own word counts.
  sub came_up {
    my ($before, $limit) = @_; my $until = time + $limit;
    while (time <= $until) {
      my $now = processes();
      if ($now && $before && $now->{reloads} > $before->{reloads} && $now->{failed}) { $@ = "the new worker did not start\n"; return 0 }
      if ($now && $now->{pid} && (!$before || $now->{reloads} > $before->{reloads} && $now->{pid} != $before->{pid})) {
        my $info = ask("admin", "show info"); return $now->{pid} if defined $info && $info =~ /^Pid: $now->{pid}$/m;
      }
      nap(0.05);
    }
    $@ = "no new worker answers\n"; return 0;
  }
  # Rows that a reload must not forget: servers that are down (they would count as up until their first check) and
  # servers that somebody took out. Not where the file gives another address: the row would win.
  sub rows_to_keep {
    my ($text) = @_; my $dump = ask("admin", "show servers state") // ""; my @lines = split /\n/, $text, -1; my (%at, %marked);
    each_server(\@lines, sub {
      my ($i, $b, $s) = @_; $at{"$b/$s"} = join " ", address_of($lines[$i]);
      $marked{"$b/$s"} = 1 if $lines[$i] =~ /[ \t]disabled[ \t]*\z/;
    });
    my @kept;
    for (split /\n/, $dump) {
      my @c = split / /; next if @c < 19 || $c[0] =~ /^#/; my $name = "$c[1]/$c[3]";
      next if $marked{$name} || ($at{$name} // "") ne "$c[4] $c[18]";
      push @kept, "$_\n" if $c[5] != 2 || $c[6] != 0;
    }
    return @kept;
  }
  sub load_file {
    my ($text) = @_; my $running = active(); my $before = $running ? processes() : undef;
    if ($running && !$before) { $@ = "HAProxy runs but its master socket does not answer\n"; return 0 }
    write_state(state_rows($text, rows_to_keep($text)));
    write_atomic("${CONFIG}", 0644, $text);
    if ($running) { systemctl("reload haproxy") or do { $@ = "systemctl reload haproxy failed\n"; return 0 } }
    else {
      systemctl("reset-failed haproxy"); systemctl("enable haproxy");
      systemctl("start haproxy") or do { $@ = "systemctl start haproxy failed\n"; return 0 };
    }
    my $pid = came_up($before, 20) or return 0;
    my @lost = serving_though_marked($text);
    if (@lost) { $@ = "drained before, serving now: @lost\n"; return 0 }
    return $pid;
  }
  sub serving_though_marked {
    my ($text) = @_; my @lines = split /\n/, $text, -1; my %marked;
    each_server(\@lines, sub { $marked{"$_[1]/$_[2]"} = 1 if $lines[$_[0]] =~ /[ \t]disabled[ \t]*\z/ });
    my @c; return grep { $marked{$_} } map { @c = split / /; @c > 6 && $c[0] !~ /^#/ && !($c[6] & 0x3b) ? "$c[1]/$c[3]" : () }
      split /\n/, ask("admin", "show servers state") // "";
  }
`;

/**
 * Installs a configuration, or puts an old one back. Arguments: STAGED (`-`: no file, HAProxy is stopped), MANIFEST
 * (`-`: none), strict|lax. Idempotent; the file PENDING says that an earlier run was cut off after it had begun.
 */
export const PERL_INSTALL: string = String.raw`
${PERL_ASK}
${PERL_CONFIG}
${CHECKS}
${RELOAD}
  my ($staged, $manifest, $strictness) = @ARGV;
  # The hash a manifest holds: of the file without its marks. Only a restore leaves it to be filled in.
  sub plain_sum {
    my @lines = split /\n/, slurp("${CONFIG}") // "", -1; my $plain = "/var/lib/drover/staged/haproxy.plain";
    each_server(\@lines, sub { $lines[$_[0]] =~ s/[ \t]+disabled[ \t]*\z// });
    write_atomic($plain, 0600, join "\n", @lines);
    my ($sum) = qx(sha256sum < $plain) =~ /^([0-9a-f]{64})/; unlink $plain; return $sum // "";
  }
  sub finish {
    my ($said) = @_; my $applied = $manifest eq "-" ? undef : slurp($manifest);
    if (defined $applied) { my $sum = plain_sum(); $applied =~ s/"sha256":"\@"/"sha256":"$sum"/ }
    if (defined $applied) { write_atomic("${MANIFEST}", 0600, $applied) } else { unlink "${MANIFEST}" }
    unlink "${PENDING}"; print "$said\n"; exit 0;
  }
  my $previous = slurp("${CONFIG}");
  if ($staged eq "-") {
    systemctl("disable --now haproxy"); unlink "${CONFIG}"; write_state("1\n"); finish("HAProxy is stopped");
  }
  -x "/usr/sbin/haproxy" or quit(${INSTALL_EXIT.missing}, "HAProxy is not installed");
  my $text = slurp($staged) // quit(74, "$staged is missing");
  check_syntax($text, $strictness eq "strict");
  check_ports($text);
  if (defined $previous && $previous eq $text && !-e "${PENDING}" && active() && defined ask("admin", "show info")) {
    write_state(state_rows($text)); finish("unchanged");
  }
  if (defined $previous) {
    chomp(my $sum = qx(sha256sum < ${CONFIG})); ($sum) = $sum =~ /^([0-9a-f]{64})/ or quit(74, "sha256sum failed");
    mkdir "${PREVIOUS}", 0700; write_atomic("${PREVIOUS}/$sum", 0600, $previous) unless -e "${PREVIOUS}/$sum";
  }
  my $ran = active();
  write_atomic("${PENDING}", 0600, "1\n");
  my $pid = load_file($text);
  if ($pid) { write_state(state_rows($text)); finish(($ran ? "reloaded, worker " : "started, worker ") . $pid) }
  my @why = ($@, grep { /\[(ALERT|WARNING)\]|rror/ } qx(journalctl -q -u haproxy -n 20 -o cat --no-pager 2>/dev/null));
  if (!$ran) {
    systemctl("stop haproxy"); defined $previous ? write_atomic("${CONFIG}", 0644, $previous) : unlink "${CONFIG}";
    write_state(defined $previous ? state_rows($previous) : "1\n"); unlink "${PENDING}";
    quit(${INSTALL_EXIT.putBack}, "HAProxy did not start with the new haproxy.cfg; it is stopped and the previous file is back", @why);
  }
  if (defined $previous && load_file($previous)) {
    write_state(state_rows($previous)); unlink "${PENDING}";
    quit(${INSTALL_EXIT.putBack}, "the new haproxy.cfg did not come up; the previous one is back and runs", @why);
  }
  quit(${INSTALL_EXIT.stuck}, "neither the new haproxy.cfg nor the previous one came up", @why, $@);
`;
