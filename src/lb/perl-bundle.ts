import { CERTS, CONFIG, FILES, MANIFEST, PREVIOUS } from "./paths.ts";

/** Where a bundle waits that has not been looked at yet: in memory, so that a key is on no disk that it need not be on. */
export const STAGED = "/run/drover/staged";

/**
 * Perl for HAProxy's files as one thing. On disk a bundle is a folder: `haproxy.cfg`, `index` (`N KIND ID PATH` per file;
 * N `-`: the certificate that is there already) and `files/N`. No single quotes.
 *
 *     read_bundle(DIR), live_bundle()     {config, files => {PATH => {kind, id, bytes}}}
 *     keep(BUNDLE)                        under PREVIOUS, by its hash; the last 20 stay
 *     prepare(BUNDLE, LIVE)               all new bytes lie beside what they will replace, on disk: space is no question later
 *     place(), put_back(), settle_files() old files stay as links until it is known that they are not needed
 */
export const PERL_BUNDLE: string = String.raw`
  our (@leftover, @changing);
  sub quit { my ($code, @lines) = @_; chomp @lines; print STDERR "$_\n" for @lines; exit $code }
  sub sums {
    my @paths = @_; my %sum; return %sum unless @paths;
    open(my $p, "-|", "sha256sum", "--", @paths) or quit(74, "sha256sum: $!");
    while (<$p>) { $sum{$2} = $1 if /^([0-9a-f]{64})  (.*)$/ } close($p);
    return %sum;
  }
  sub sum_of {
    my ($text) = @_; mkdir "/run/drover", 0755; my $path = "/run/drover/sum.$$";
    open(my $f, ">", $path) or quit(74, "cannot write $path: $!"); print {$f} $text; close($f);
    my %sum = sums($path); unlink $path; return $sum{$path} // quit(74, "sha256sum failed");
  }
  sub manifest_files {
    my $text = slurp("${MANIFEST}") // ""; my %known;
    $known{$1} = { fingerprint => $2, sum => $3 } while $text =~ m{"(${FILES}/[^"]+)":\{(?:"fingerprint":"([^"]*)",)?"sha256":"([0-9a-f]{64})"\}}g;
    return %known;
  }
  sub files_below {
    my ($dir) = @_; opendir(my $d, $dir) or return (); my @found;
    for (sort grep { !/^\.\.?\z/ } readdir $d) { my $path = "$dir/$_"; push @found, -d $path && !-l $path ? files_below($path) : $path }
    return @found;
  }
  sub live_bundle {
    my @paths = grep { !/\.drover-(?:new|old|tmp)/ } files_below("${FILES}"); my %sum = sums(@paths); my %known = manifest_files(); my %files;
    for my $path (@paths) {
      my $cert = $path =~ m{^${CERTS}/}; my $entry = $known{$path}; my $sum = $sum{$path} // "";
      my $id = !$cert ? $sum : $entry && $entry->{sum} eq $sum ? $entry->{fingerprint} // "changed" : "changed";
      $files{$path} = { kind => $cert ? "certificate" : "text", id => $id, bytes => slurp($path), at => $path };
    }
    return { config => slurp("${CONFIG}"), files => \%files };
  }
  sub read_bundle {
    my ($dir) = @_; return { config => slurp($dir), files => {} } if -f $dir;
    my $config = slurp("$dir/haproxy.cfg") // quit(74, "$dir is missing"); my (%files, %known, %sum);
    for (split /\n/, slurp("$dir/index") // "") {
      my ($n, $kind, $id, $path) = m{^(\d+|-) (text|certificate) (\S+) (${FILES}/[A-Za-z0-9._/-]+)\z} or quit(65, "the list of files is malformed: $_");
      quit(65, "$path lies elsewhere") if $path =~ m{/\.\.?(?:/|\z)};
      if ($n eq "-") {
        %known = manifest_files() unless %known; %sum = sums($path); my $entry = $known{$path};
        $entry && ($entry->{fingerprint} // "") eq $id && ($sum{$path} // "") eq $entry->{sum}
          or quit(65, "$path is not the certificate that was there when this began; try again");
      }
      my $at = $n eq "-" ? $path : "$dir/files/$n";
      $files{$path} = { kind => $kind, id => $id, bytes => slurp($at) // quit(74, "$at is missing"), at => $at };
    }
    return { config => $config, files => \%files };
  }
  sub bundle_hash {
    my ($bundle) = @_; my $files = $bundle->{files}; my $own = sum_of($bundle->{config} // ""); return $own unless %$files;
    return sum_of("{\"config\":\"$own\",\"files\":{" . join(",", map { "\"$_\":\"$files->{$_}{id}\"" } sort keys %$files) . "}}");
  }
  sub make_dir { my ($dir, $mode) = @_; return if -d $dir; mkdir($dir, $mode) or do { my $e = $!+0; quit($e == 28 ? 28 : 74, "cannot make $dir: $!") } }
  sub remove_tree { my ($dir) = @_; system("rm", "-rf", "--", $dir) }
  sub keep {
    my ($bundle) = @_; my $hash = bundle_hash($bundle); my $to = "${PREVIOUS}/$hash"; make_dir("${PREVIOUS}", 0700);
    my $exact = !grep { $_->{id} eq "changed" } values %{$bundle->{files}};
    if (-e $to && $exact) { utime undef, undef, $to; return $hash }
    my $new = "$to.drover-tmp"; remove_tree($new); push @leftover, $new;
    make_dir($new, 0700); make_dir("$new/files", 0700); my ($n, $index) = (0, "");
    for my $path (sort keys %{$bundle->{files}}) {
      my $file = $bundle->{files}{$path}; write_atomic("$new/files/$n", 0600, $file->{bytes});
      $index .= "$n $file->{kind} $file->{id} $path\n"; $n++;
    }
    write_atomic("$new/index", 0600, $index); write_atomic("$new/haproxy.cfg", 0600, $bundle->{config} // "");
    remove_tree($to); rename($new, $to) or quit(74, "cannot keep the previous files: $!");
    my @kept = sort { (stat $b)[9] <=> (stat $a)[9] } grep { m{/[0-9a-f]{64}\z} && $_ ne $to && -d } map { "${PREVIOUS}/$_" } do { opendir(my $d, "${PREVIOUS}"); readdir $d };
    remove_tree($_) for splice @kept, 19 > @kept ? scalar @kept : 19;
    return $hash;
  }
  END { my $code = $?; -d $_ ? remove_tree($_) : unlink $_ for @leftover; $? = $code }
  sub mode_of { return $_[0]{kind} eq "certificate" ? 0600 : 0644 }
  sub manifest_text {
    my ($text, $bundle, $sum) = @_; my $files = $bundle->{files}; my @paths = sort keys %$files; my %sum = sums(map { $files->{$_}{at} } @paths);
    my $list = join ",", map {
      my $file = $files->{$_}; my $print = $file->{kind} eq "certificate" && $file->{id} ne "changed" ? "\"fingerprint\":\"$file->{id}\"," : "";
      "\"$_\":{$print\"sha256\":\"" . ($sum{$file->{at}} // quit(74, "sha256sum failed")) . "\"}" } @paths;
    $text =~ s/^\{"files":"\@"/{"files":{$list}/ or quit(65, "the manifest is malformed"); $text =~ s/"sha256":"\@"\}\s*\z/"sha256":"$sum"}\n/;
    return $text;
  }
  sub beside { my ($path, $mode, $bytes) = @_; push @leftover, "$path.drover-new"; write_atomic("$path.drover-new", $mode, $bytes) }
  sub prepare {
    my ($bundle, $live) = @_; @changing = ();
    if (%{$bundle->{files}}) { make_dir("${FILES}", 0755); make_dir("${FILES}/maps", 0755); make_dir("${CERTS}", 0700); chmod 0700, "${CERTS}" }
    # haproxy.cfg last: it names the others.
    for my $path ((sort keys %{$bundle->{files}}), "${CONFIG}") {
      my $file = $path eq "${CONFIG}" ? { kind => "text", bytes => $bundle->{config} } : $bundle->{files}{$path};
      my $was = $path eq "${CONFIG}" ? $live->{config} : $live->{files}{$path} && $live->{files}{$path}{bytes};
      next if defined $was && $was eq $file->{bytes} && ((stat $path)[2] & 07777) == mode_of($file);
      beside($path, mode_of($file), $file->{bytes}); push @changing, $path;
    }
  }
  sub sync_dirs { for ("${FILES}/maps", "${CERTS}", "${FILES}", "/etc/haproxy") { if (sysopen(my $d, $_, O_RDONLY)) { $d->sync } } }
  sub place {
    for (@changing) {
      unlink "$_.drover-old"; link($_, "$_.drover-old") if -e $_;
      rename("$_.drover-new", $_) or do { $@ = "cannot rename to $_: $!\n"; return 0 };
    }
    sync_dirs(); return 1;
  }
  sub put_back { for (reverse @changing) { -e "$_.drover-old" ? rename("$_.drover-old", $_) : unlink $_ } sync_dirs() }
  sub settle_files {
    my ($bundle) = @_; unlink "${CONFIG}.drover-old";
    unlink grep { !$bundle->{files}{$_} } files_below("${FILES}"); rmdir $_ for "${FILES}/maps", "${CERTS}", "${FILES}"; sync_dirs();
  }
`;
