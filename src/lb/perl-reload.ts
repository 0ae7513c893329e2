import { WITNESS } from "./follow.ts";

/** Perl that makes HAProxy run what is on disk, and judges what came of it. No single quotes. */
export const PERL_RELOAD: string = String.raw`
  # A reload that somebody else asked for may be on its way: its end is waited for.
  sub active {
    my $until = time + 20;
    while (1) {
      chomp(my $state = qx(systemctl is-active haproxy 2>/dev/null));
      return $state eq "active" if $state !~ /ing\z/ || time > $until;
      nap(0.05);
    }
  }

  # 9: the lock of the host, which must not live on in a service.
  sub systemctl { return system("systemctl @_ >/dev/null 2>&1 9>&-") == 0 }

  # What the master says of itself and its current worker; undef where it does not answer.
  sub processes {
    my $text = insist("master", "show proc") or return undef;
    my ($reloads, $failed) = $text =~ /^\d+\s+master\s+(\d+)(?:\s+\[failed: (\d+)\])?/m or return undef;
    my ($current) = $text =~ /^# workers\n(\d+)\s+worker\s/m;
    return { reloads => $reloads, failed => $failed || 0, pid => $current || 0 };
  }

  # A reload that systemd calls a success may not have happened: HAProxys own word counts.
  sub came_up {
    my ($before, $limit) = @_;
    my $until = time + $limit;
    while (time <= $until) {
      my $now = processes();
      my $reloaded = $now && $before && $now->{reloads} > $before->{reloads};
      if ($reloaded && $now->{failed}) {
        $@ = "the new worker did not start\n";
        return 0;
      }
      my $is_new = !$before || $reloaded && $now->{pid} != $before->{pid};
      return $now->{pid} if $now && $now->{pid} && $is_new && answers_as($now->{pid});
      nap(0.05);
    }
    $@ = "no new worker answers\n";
    return 0;
  }

  sub answers_as {
    my ($pid) = @_;
    my $info = ask("admin", "show info");
    return defined $info && $info =~ /^Pid: $pid$/m;
  }

  # The SRV name of every place for a followed server.
  sub places {
    my ($text) = @_;
    my ($backend, %place);
    for (split /\n/, $text) {
      if (/^([^\s#]\S*)(?:[ \t]+(\S+))?/) { $backend = $1 eq "backend" ? $2 : undef }
      elsif (defined $backend && /^[ \t]+server-template[ \t]+(\S+)[ \t]+(\d+)[ \t]+(\S+)/) {
        $place{"$backend/$1$_"} = $3 for 1 .. $2;
      }
    }
    return %place;
  }

  # HAProxy never lets go of a followed server that a reload gave it and that no answer names (measured on 2.6.12): one
  # that left DNS just then. The backend that began empty tells. Where DNS is silent, nobody is gone.
  sub gone_from_dns {
    my ($text) = @_;
    my %place = places($text);
    my @services = map { /^${WITNESS}(\S+)\/seen1\z/ ? $1 : () } sort keys %place;
    my $until = time + 3;
    my %gone;
    while (@services && time < $until) {
      my @rows = map { [split / /] } grep { !/^#/ } split /\n/, ask("admin", "show servers state") // "";
      @services = grep { !find_gone($_, \%gone, @rows) } @services;
      nap(0.05) if @services;
    }
    return %gone;
  }

  # False while the first answer is not there.
  sub find_gone {
    my ($service, $gone, @rows) = @_;
    my (%seen, $empty);
    for my $c (grep { @$_ > 19 && $_->[1] eq "${WITNESS}$service" } @rows) {
      if ($c->[17] eq "-") { $empty = 1 }
      else { $seen{"$c->[17] $c->[18]"} = 1 }
    }
    return 0 unless %seen;
    # More than there are places for: nothing is known of the others.
    return 1 unless $empty;
    for my $c (grep { @$_ > 19 && $_->[1] eq $service && $_->[4] ne "-" } @rows) {
      $gone->{"$c->[1]/$c->[3]"} = 1 unless $seen{"$c->[17] $c->[18]"};
    }
    return 1;
  }

  # Rid of those by another reload, which leaves them out. Whoever leaves during that one too stays until the next.
  sub without_gone {
    my ($text, $pid) = @_;
    my %gone = gone_from_dns($text) or return $pid;
    my $before = processes() or return $pid;
    my @kept = grep { my @c = split / /; !$gone{"$c[1]/$c[3]"} } rows_to_keep($text);
    write_state(state_rows($text, @kept));
    systemctl("reload haproxy") or return $pid;
    return came_up($before, 20) || $pid;
  }

  # Rows that a reload must not forget: servers that are down (they would count as up until their first check) and
  # servers that somebody took out. Not where the file gives another address: the row would win.
  sub rows_to_keep {
    my ($text) = @_;
    my $dump = ask("admin", "show servers state") // "";
    my @lines = split /\n/, $text, -1;
    my (%at, %marked);
    my %place = places($text);
    each_server(\@lines, sub {
      my ($i, $b, $s) = @_;
      $at{"$b/$s"} = join " ", address_of($lines[$i]);
      $marked{"$b/$s"} = 1 if $lines[$i] =~ /[ \t]disabled[ \t]*\z/;
    });
    my @kept;
    for (split /\n/, $dump) {
      my @c = split / /;
      next if @c < 19 || $c[0] =~ /^#/;
      my $name = "$c[1]/$c[3]";
      if (($c[19] // "-") ne "-") {
        # Out by hand stays out no longer than this process; and who is to tell what DNS says begins empty.
        next if $c[1] =~ /^${WITNESS}/ || $c[4] eq "-" || is_out($c[6]);
        push @kept, "$_\n" if ($place{$name} // "") eq $c[19];
        next;
      }
      next if $marked{$name} || ($at{$name} // "") ne "$c[4] $c[18]";
      push @kept, "$_\n" if $c[5] != 2 || $c[6] != 0;
    }
    return @kept;
  }

  # With the files in place already. A process that does not answer is started anew where that was asked for.
  sub load_files {
    my ($text, $restart) = @_;
    my $running = active();
    my $before = $running ? processes() : undef;
    if ($running && !$before && !$restart) {
      $@ = "HAProxy runs but its master socket does not answer\n";
      return 0;
    }
    write_state(state_rows($text, rows_to_keep($text)));
    my $verb = !$running ? "start" : $before ? "reload" : "restart";
    if ($verb eq "start") {
      systemctl("reset-failed haproxy");
      systemctl("enable haproxy");
    }
    if (!systemctl("$verb haproxy")) {
      $@ = "systemctl $verb haproxy failed\n";
      return 0;
    }
    my $pid = came_up($before, 20) or return 0;
    $pid = without_gone($text, $pid);
    my @lost = serving_though_marked($text);
    if (@lost) {
      $@ = "drained before, serving now: @lost\n";
      return 0;
    }
    return $pid;
  }

  sub serving_though_marked {
    my ($text) = @_;
    my @lines = split /\n/, $text, -1;
    my %marked;
    each_server(\@lines, sub { $marked{"$_[1]/$_[2]"} = 1 if $lines[$_[0]] =~ /[ \t]disabled[ \t]*\z/ });
    my @lost;
    for (split /\n/, ask("admin", "show servers state") // "") {
      my @c = split / /;
      next if @c < 7 || $c[0] =~ /^#/;
      push @lost, "$c[1]/$c[3]" if $marked{"$c[1]/$c[3]"} && !is_out($c[6]);
    }
    return @lost;
  }
`;
