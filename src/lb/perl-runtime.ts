import { CRT_LIST } from "./paths.ts";

/** Perl that knows which edits at runtime are all that differs between two bundles. No single quotes. */
const MAY_EDIT: string = String.raw`
  # The servers by name, and what is left of the text without them, with white space and comments evened out.
  sub servers_in {
    my ($text) = @_;
    my @lines = split /\n/, $text, -1;
    my %server;
    each_server(\@lines, sub {
      my ($i, $b, $s) = @_;
      my ($line) = $lines[$i] =~ /^[ \t]+server[ \t]+\S+[ \t]+(.*)$/;
      my $marked = $line =~ s/[ \t]+disabled[ \t]*\z//;
      my $at = join " ", address_of($lines[$i]);
      $server{"$b/$s"} = { line => $line =~ s/[ \t]+/ /gr, at => $at, marked => $marked };
      $lines[$i] = undef;
    });
    my @others = grep { defined && !/^\s*(?:#|\z)/ } @lines;
    return (\%server, join "\n", map { s/^\s+|\s+\z//gr } @others);
  }

  # Why the edits are not all that differs; "" if they are.
  sub may_edit {
    my ($old, $new, $edits) = @_;
    my ($was, $rest) = servers_in($old->{config});
    my ($is, $other) = servers_in($new->{config});
    return "haproxy.cfg differs in more than that" if $rest ne $other;
    my %touched = touched_by($edits);
    for (keys %$was, keys %$is) {
      next if $touched{$_} || $was->{$_} && $is->{$_} && $was->{$_}{line} eq $is->{$_}{line};
      return "server $_ differs";
    }
    for my $path (keys %{$old->{files}}, keys %{$new->{files}}) {
      my ($a, $b) = map { $_->{files}{$path} ? $_->{files}{$path}{bytes} : undef } $old, $new;
      return "$path differs" unless $touched{$path} || defined $a && defined $b && $a eq $b;
    }
    return may_edit_list($old, $new, $edits);
  }

  # Names of servers and paths of files.
  sub touched_by {
    my ($edits) = @_;
    my %touched;
    for (@$edits) {
      my ($kind, $first, $second) = @$_;
      $touched{$kind =~ /^server-/ ? "$first/$second" : $first} = 1;
      # The list they stand in.
      $touched{$second} = 1 if $kind =~ /^certificate-(?:add|remove)/;
    }
    return %touched;
  }

  # Lines of the list may come and go, and none may move to the top: the first is the default certificate.
  sub may_edit_list {
    my ($old, $new, $edits) = @_;
    my %gone = map { $_->[1] => 1 } grep { $_->[0] eq "certificate-remove" } @$edits;
    my %come = map { $_->[1] => 1 } grep { $_->[0] eq "certificate-add" } @$edits;
    my ($first_was) = list_of($old) =~ /^(\S+)/;
    my ($first_is) = list_of($new) =~ /^(\S+)/;
    my $same = lines_but($old, \%gone) eq lines_but($new, \%come) && ($first_was // "") eq ($first_is // "");
    return $same ? "" : "the list of certificates differs in more than that";
  }

  sub list_of {
    my ($bundle) = @_;
    my $list = $bundle->{files}{"${CRT_LIST}"};
    return $list ? $list->{bytes} : "";
  }

  sub lines_but {
    my ($bundle, $but) = @_;
    return join "", grep { my ($path) = /^(\S+)/; !$but->{$path // ""} } split /^/, list_of($bundle);
  }
`;

/** Perl that makes the edits, each as HAProxy's own commands. No single quotes. */
const EDIT: string = String.raw`
  sub say_to {
    my ($line, $good) = @_;
    my $said = ask("admin", $line) // die "HAProxy did not answer: $@";
    $said =~ s/\s+\z//;
    $said =~ s/^\s+//;
    # No certificate and no batch of a map in an error message.
    my ($short) = $line =~ /^([^\n]*?)(?: <<)?(?:\n|\z)/;
    $said =~ $good or die "HAProxy would not \"$short\": " . ($said =~ s/\n.*//sr) . "\n";
    return $said;
  }

  sub edit {
    my ($new, $edits) = @_;
    my ($servers) = servers_in($new->{config});
    my %do = (
      "server-add" => \&add_server,
      "server-remove" => \&remove_server,
      "map" => \&set_map,
      "certificate-renew" => \&set_certificate,
      "certificate-add" => \&add_certificate,
      "certificate-remove" => \&remove_certificate,
    );
    for (@$edits) {
      my ($kind, @rest) = @$_;
      my $do = $do{$kind} // die "drover does not know $kind\n";
      $do->($new, $servers, @rest);
    }
  }

  # Without a mark it comes in down, and the first passes of its check bring traffic; with one it is drained, its
  # checks running.
  sub add_server {
    my ($new, $servers, $b, $s, $line) = @_;
    my $name = "$b/$s";
    my $check = $line =~ /(?:^| )check(?: |\z)/;
    my $marked = $servers->{$name} && $servers->{$name}{marked};
    say_to("add server $name $line", qr/^New server registered/);
    say_to("enable health $name", qr/^\z/) if $check;
    say_to("set server $name state drain", qr/^\z/);
    return if $marked;
    say_to("set server $name health down", qr/^\z/) if $check;
    say_to("set server $name state ready", qr/^\z/);
  }

  sub remove_server {
    my ($new, $servers, $b, $s) = @_;
    my $until = time + 4;
    my $rows = ask("admin", "show servers state $b") // "";
    my ($admin) = $rows =~ /^\d+ \S+ \d+ \Q$s\E \S+ \d+ (\d+) /m;
    say_to("set server $b/$s state maint", qr/^\z/);
    while (!eval { say_to("del server $b/$s", qr/^Server deleted/); 1 }) {
      my $why = $@;
      if ($why =~ /connections/ && time < $until) {
        nap(0.1);
        next;
      }
      # A reload carries states over: one that is put back must not find it in maintenance.
      ask("admin", "set server $b/$s state ready") if defined $admin && !is_out($admin);
      die $why;
    }
  }

  # All of it anew, in one version that takes effect at once.
  sub set_map {
    my ($new, $servers, $path) = @_;
    my ($version) = say_to("prepare map $path", qr/^New version created: \d+/) =~ /(\d+)/;
    my $batch = "";
    my $send = sub {
      say_to("add map \@$version $path <<\n$batch", qr/^\z/) if length $batch;
      $batch = "";
    };
    for (grep { !/^\s*(?:#|\z)/ } split /\n/, $new->{files}{$path}{bytes}) {
      # A command must fit into one of its buffers: 16 KiB by default (tune.bufsize).
      $send->() if length($batch) + length > 8000;
      $batch .= "$_\n";
    }
    $send->();
    say_to("commit map \@$version $path", qr/^\z/);
  }

  # An empty line would end the command.
  sub pem {
    my ($bytes) = @_;
    return join "\n", grep { /\S/ } split /\r?\n/, $bytes;
  }

  sub set_certificate {
    my ($new, $servers, $path) = @_;
    my $pem = pem($new->{files}{$path}{bytes});
    return if eval {
      say_to("set ssl cert $path <<\n$pem\n", qr/Transaction (?:created|updated) for certificate/);
      say_to("commit ssl cert $path", qr/Success!/);
      1;
    };
    my $why = $@;
    ask("admin", "abort ssl cert $path");
    die $why;
  }

  sub add_certificate {
    my ($new, $servers, $path, $list, $line) = @_;
    say_to("new ssl cert $path", qr/New empty certificate store/);
    set_certificate($new, $servers, $path);
    say_to("add ssl crt-list $list <<\n$line\n", qr/Success!/);
  }

  sub remove_certificate {
    my ($new, $servers, $path, $list) = @_;
    say_to("del ssl crt-list $list $path", qr/deleted in crtlist/);
    say_to("del ssl cert $path", qr/deleted!/);
  }
`;

/** Perl that compares what HAProxy runs with the files. No single quotes. */
const DIFFERS: string = String.raw`
  sub differs {
    my ($new, $edits) = @_;
    my $state = ask("admin", "show servers state") // return "HAProxy does not answer";
    my @wrong = wrong_servers($state, servers_in($new->{config}));
    for (@$edits) {
      my ($kind, $path) = @$_;
      my $bytes = $new->{files}{$path} && $new->{files}{$path}{bytes};
      push @wrong, $path if $kind eq "map" && map_lines(shown_map($path)) ne map_lines($bytes);
      push @wrong, $path if $kind =~ /^certificate-(?:renew|add)/ && shown_certificate($path) ne sha1_of($bytes);
    }
    return join ", ", @wrong;
  }

  sub wrong_servers {
    my ($state, $servers) = @_;
    my %missing = %$servers;
    my @wrong;
    for (split /\n/, $state) {
      my @c = split / /;
      next if @c < 19 || /^#/;
      # Found by DNS: which places there are stands in lines that are compared already, who is in them nowhere.
      next if ($c[19] // "-") ne "-";
      my $name = "$c[1]/$c[3]";
      my $want = delete $missing{$name};
      if (!$want) { push @wrong, "server $name is there" }
      elsif ($want->{at} ne "" && $want->{at} ne "$c[4] $c[18]") { push @wrong, "server $name has another address" }
    }
    return (@wrong, map { "server $_ is missing" } sort keys %missing);
  }

  # Without the pointer that HAProxy writes before each entry.
  sub shown_map {
    my ($path) = @_;
    return join "\n", map { s/^0x[0-9a-f]+ //r } split /\n/, ask("admin", "show map $path") // "";
  }

  sub map_lines {
    my @entries = grep { !/^\s*(?:#|\z)/ } split /\n/, $_[0];
    return join "\n", sort map { s/\s+/ /gr =~ s/ \z//r } @entries;
  }

  sub shown_certificate {
    my ($path) = @_;
    my ($sha1) = (ask("admin", "show ssl cert $path") // "") =~ /^SHA1 FingerPrint: ([0-9A-F]+)/m;
    return $sha1 // "";
  }

  sub sha1_of {
    my ($pem) = @_;
    my ($body) = $pem =~ /-----BEGIN CERTIFICATE-----\s+(.*?)-----END CERTIFICATE-----/s or return "";
    $body =~ s/[^A-Za-z0-9+\/=]//g;
    my ($sum) = qx(echo $body | base64 -d | sha1sum) =~ /^([0-9a-f]{40})/;
    return uc($sum // "");
  }
`;

/**
 * Perl that tells a running HAProxy what is on disk already, and looks whether it took it. Each dies with HAProxy's own
 * words; whoever calls then reloads. HAProxy has no exit codes: every answer is compared with the one of a success.
 *
 *     may_edit(OLD, NEW, EDITS)    why the edits are not all that differs, "" if they are
 *     edit(NEW, EDITS)
 *     differs(NEW, EDITS)          what HAProxy has otherwise than the files, "" for nothing
 */
export const PERL_RUNTIME: string = [MAY_EDIT, EDIT, DIFFERS].join("");
