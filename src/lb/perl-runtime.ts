import { FILES } from "./paths.ts";

/**
 * Perl that tells a running HAProxy what is on disk already, and looks whether it took it. Each dies with HAProxy's own
 * words; whoever calls then reloads. HAProxy has no exit codes: every answer is compared with the one that means success.
 *
 *     may_edit(OLD, NEW, EDITS)    whether the edits are all that differs
 *     edit(NEW, EDITS)
 *     differs(NEW, EDITS)          what HAProxy has otherwise than the files, "" for nothing
 */
export const PERL_RUNTIME: string = String.raw`
  sub say_to { my ($line, $good) = @_; my $said = ask("admin", $line) // die "HAProxy did not answer: $@"; $said =~ s/\s+\z//; $said =~ s/^\s+//;
    my ($short) = $line =~ /^([^\n]*?)(?: <<)?(?:\n|\z)/; $said =~ $good or die "HAProxy would not \"$short\": " . ($said =~ s/\n.*//sr) . "\n"; return $said }
  sub servers_in {
    my ($text) = @_; my @lines = split /\n/, $text, -1; my (%server, @order);
    each_server(\@lines, sub {
      my ($i, $b, $s) = @_; my ($line) = $lines[$i] =~ /^[ \t]+server[ \t]+\S+[ \t]+(.*)$/; my $marked = $line =~ s/[ \t]+disabled[ \t]*\z//;
      $server{"$b/$s"} = { line => $line =~ s/[ \t]+/ /gr, at => join(" ", address_of($lines[$i])), marked => $marked }; $lines[$i] = undef;
    });
    return (\%server, join "\n", map { s/^\s+|\s+\z//gr } grep { defined && !/^\s*(?:#|\z)/ } @lines);
  }
  sub may_edit {
    my ($old, $new, $edits) = @_; my ($was, $rest) = servers_in($old->{config}); my ($is, $other) = servers_in($new->{config}); my (%touched, %list);
    return "haproxy.cfg differs in more than that" if $rest ne $other;
    for (@$edits) { $touched{$_->[0] =~ /^server-/ ? "$_->[1]/$_->[2]" : $_->[1]} = 1; $list{$_->[0]}{$_->[1]} = 1; $touched{$_->[2]} = 1 if $_->[0] =~ /^certificate-(?:add|remove)/ }
    for (keys %$was, keys %$is) { return "server $_ differs" if !$touched{$_} && !($was->{$_} && $is->{$_} && $was->{$_}{line} eq $is->{$_}{line}) }
    for my $path (keys %{$old->{files}}, keys %{$new->{files}}) {
      my ($a, $b) = map { $_->{files}{$path} ? $_->{files}{$path}{bytes} : undef } $old, $new;
      return "$path differs" if !$touched{$path} && !(defined $a && defined $b && $a eq $b);
    }
    my $lines = sub { my ($bundle, $but) = @_; join "", grep { my ($path) = /^(\S+)/; !$but->{$path // ""} } split /^/, ($bundle->{files}{"${FILES}/crt-list"} || { bytes => "" })->{bytes} };
    my ($gone, $come) = map { $list{$_} || {} } "certificate-remove", "certificate-add"; my @first = map { ($_->{files}{"${FILES}/crt-list"} || { bytes => "" })->{bytes} =~ /^(\S+)/ } $old, $new;
    return "the list of certificates differs in more than that" if $lines->($old, $gone) ne $lines->($new, $come) || (($first[0] // "") ne ($first[1] // ""));
    return "";
  }
  sub pem { my ($bytes) = @_; return join "\n", grep { /\S/ } split /\r?\n/, $bytes }
  sub edit {
    my ($new, $edits) = @_; my ($servers) = servers_in($new->{config});
    for (@$edits) { my ($kind, @rest) = @$_; my %do = ("server-add" => \&add_server, "server-remove" => \&remove_server, "map" => \&set_map,
      "certificate-renew" => \&set_certificate, "certificate-add" => \&add_certificate, "certificate-remove" => \&remove_certificate);
      ($do{$kind} // die "drover does not know $kind\n")->($new, $servers, @rest) }
  }
  # Without a mark it comes in down, and the first passes of its check bring traffic; with one it is drained, checks running.
  sub add_server {
    my ($new, $servers, $b, $s, $line) = @_; my $name = "$b/$s"; my $check = $line =~ /(?:^| )check(?: |\z)/; my $marked = $servers->{$name} && $servers->{$name}{marked};
    say_to("add server $name $line", qr/^New server registered/); say_to("enable health $name", qr/^\z/) if $check;
    say_to("set server $name state drain", qr/^\z/); return if $marked;
    say_to("set server $name health down", qr/^\z/) if $check; say_to("set server $name state ready", qr/^\z/);
  }
  sub remove_server {
    my ($new, $servers, $b, $s) = @_; my $until = time + 4; my ($admin) = (ask("admin", "show servers state $b") // "") =~ /^\d+ \S+ \d+ \Q$s\E \S+ \d+ (\d+) /m;
    say_to("set server $b/$s state maint", qr/^\z/);
    while (!eval { say_to("del server $b/$s", qr/^Server deleted/); 1 }) {
      my $why = $@; if ($why =~ /connections/ && time < $until) { nap(0.1); next }
      # A reload carries states over: one that is put back must not find it in maintenance.
      ask("admin", "set server $b/$s state ready") if defined $admin && !($admin & 0x3b); die $why;
    }
  }
  sub set_map {
    my ($new, $servers, $path) = @_; my ($version) = say_to("prepare map $path", qr/^New version created: \d+/) =~ /(\d+)/; my $batch = "";
    my $send = sub { say_to("add map \@$version $path <<\n$batch", qr/^\z/) if length $batch; $batch = "" };
    for (grep { !/^\s*(?:#|\z)/ } split /\n/, $new->{files}{$path}{bytes}) { $send->() if length($batch) + length > 8000; $batch .= "$_\n" }
    $send->(); say_to("commit map \@$version $path", qr/^\z/);
  }
  sub set_certificate {
    my ($new, $servers, $path) = @_; my $pem = pem($new->{files}{$path}{bytes});
    my $done = eval { say_to("set ssl cert $path <<\n$pem\n", qr/Transaction (?:created|updated) for certificate/); say_to("commit ssl cert $path", qr/Success!/); 1 };
    if (!$done) { my $why = $@; ask("admin", "abort ssl cert $path"); die $why }
  }
  sub add_certificate {
    my ($new, $servers, $path, $list, $line) = @_; say_to("new ssl cert $path", qr/New empty certificate store/); set_certificate($new, $servers, $path);
    say_to("add ssl crt-list $list <<\n$line\n", qr/Success!/);
  }
  sub remove_certificate { my ($new, $servers, $path, $list) = @_; say_to("del ssl crt-list $list $path", qr/deleted in crtlist/); say_to("del ssl cert $path", qr/deleted!/) }
  sub sha1_of {
    my ($pem) = @_; my ($body) = $pem =~ /-----BEGIN CERTIFICATE-----\s+(.*?)-----END CERTIFICATE-----/s or return ""; $body =~ s/[^A-Za-z0-9+\/=]//g;
    my ($sum) = qx(echo $body | base64 -d | sha1sum) =~ /^([0-9a-f]{40})/; return uc($sum // "");
  }
  sub map_lines { return join "\n", sort map { s/\s+/ /gr =~ s/ \z//r } grep { !/^\s*(?:#|\z)/ } split /\n/, $_[0] }
  sub differs {
    my ($new, $edits) = @_; my ($servers) = servers_in($new->{config}); my %left = %$servers; my @wrong;
    for (split /\n/, ask("admin", "show servers state") // return "HAProxy does not answer") {
      my @c = split / /; next if @c < 19 || /^#/; my $name = "$c[1]/$c[3]"; my $want = delete $left{$name};
      if (!$want) { push @wrong, "server $name is there" } elsif ($want->{at} ne "" && $want->{at} ne "$c[4] $c[18]") { push @wrong, "server $name has another address" }
    }
    push @wrong, map { "server $_ is missing" } sort keys %left;
    for (@$edits) {
      my ($kind, $path) = @$_;
      if ($kind eq "map") { my $has = map_lines(join "\n", map { s/^0x[0-9a-f]+ //r } split /\n/, ask("admin", "show map $path") // ""); push @wrong, "$path" if $has ne map_lines($new->{files}{$path}{bytes}) }
      if ($kind =~ /^certificate-(?:renew|add)/) {
        my ($has) = (ask("admin", "show ssl cert $path") // "") =~ /^SHA1 FingerPrint: ([0-9A-F]+)/m; push @wrong, $path if ($has // "") ne sha1_of($new->{files}{$path}{bytes});
      }
    }
    return join ", ", @wrong;
  }
`;
