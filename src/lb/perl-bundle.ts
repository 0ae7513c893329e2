import { CERTS, CONFIG, FILES, MANIFEST } from "./paths.ts";

/** Where a bundle waits that has not been looked at yet: in memory, or a key would be on a disk for nothing. */
export const STAGED = "/run/drover/staged";

/**
 * Perl that reads HAProxy's files as one thing. On disk a bundle is a folder: `haproxy.cfg`, `index` (`N KIND ID PATH`
 * per file; N `-`: the certificate that is there already) and `files/N`. No single quotes.
 *
 *     live_bundle(), read_bundle(DIR)     {config, files => {PATH => {kind, id, bytes, at}}}; `at`: where the bytes lie
 *     bundle_hash(BUNDLE)                 its name when it is kept; the twin of bundle.ts
 *     manifest_files()                    {PATH => {sum, fingerprint}} of what drover applied last
 */
export const PERL_BUNDLE: string = String.raw`
  sub quit {
    my ($code, @lines) = @_;
    chomp @lines;
    print STDERR "$_\n" for @lines;
    exit $code;
  }

  # sha256 by path. perl-base has no Digest.
  sub sums {
    my @paths = @_;
    my %sum;
    return %sum unless @paths;
    open(my $p, "-|", "sha256sum", "--", @paths) or quit(74, "sha256sum: $!");
    while (<$p>) { $sum{$2} = $1 if /^([0-9a-f]{64})  (.*)$/ }
    close($p);
    return %sum;
  }

  sub sum_of {
    my ($text) = @_;
    mkdir "/run/drover", 0755;
    my $path = "/run/drover/sum.$$";
    open(my $f, ">", $path) or quit(74, "cannot write $path: $!");
    print {$f} $text;
    close($f);
    my %sum = sums($path);
    unlink $path;
    return $sum{$path} // quit(74, "sha256sum failed");
  }

  # The manifest is canonical JSON: the keys of each object are sorted and nothing stands between them.
  sub manifest_files {
    my $text = slurp("${MANIFEST}") // "";
    my $entry = qr{"(${FILES}/[^"]+)":\{(?:"fingerprint":"([^"]*)",)?"sha256":"([0-9a-f]{64})"\}};
    my %known;
    $known{$1} = { fingerprint => $2, sum => $3 } while $text =~ m{$entry}g;
    return %known;
  }

  sub files_below {
    my ($dir) = @_;
    opendir(my $d, $dir) or return ();
    my @found;
    for (sort grep { !/^\.\.?\z/ } readdir $d) {
      my $path = "$dir/$_";
      push @found, -d $path && !-l $path ? files_below($path) : $path;
    }
    return @found;
  }

  # A certificate is called by its fingerprint, which only the manifest knows: "changed" where its bytes are not those.
  sub live_bundle {
    my @paths = grep { !/\.drover-(?:new|old|tmp)/ } files_below("${FILES}");
    my %sum = sums(@paths);
    my %known = manifest_files();
    my %files;
    for my $path (@paths) {
      my $cert = $path =~ m{^${CERTS}/};
      my $entry = $known{$path};
      my $sum = $sum{$path} // "";
      my $print = $entry && $entry->{sum} eq $sum ? $entry->{fingerprint} // "changed" : "changed";
      my $kind = $cert ? "certificate" : "text";
      $files{$path} = { kind => $kind, id => $cert ? $print : $sum, bytes => slurp($path), at => $path };
    }
    return { config => slurp("${CONFIG}"), files => \%files };
  }

  # A certificate that was not sent, because it is there: it must be, still, what its fingerprint says.
  sub insist_on_certificate {
    my ($path, $id, $entry) = @_;
    my %sum = sums($path);
    $entry && ($entry->{fingerprint} // "") eq $id && ($sum{$path} // "") eq $entry->{sum}
      or quit(65, "$path is not the certificate that was there when this began; try again");
  }

  sub read_bundle {
    my ($dir) = @_;
    # A haproxy.cfg that names no other file is kept as it is.
    return { config => slurp($dir), files => {} } if -f $dir;
    my $config = slurp("$dir/haproxy.cfg") // quit(74, "$dir is missing");
    my %known = manifest_files();
    my %files;
    for (split /\n/, slurp("$dir/index") // "") {
      my ($n, $kind, $id, $path) = m{^(\d+|-) (text|certificate) (\S+) (${FILES}/[A-Za-z0-9._/-]+)\z}
        or quit(65, "the list of files is malformed: $_");
      quit(65, "$path lies elsewhere") if $path =~ m{/\.\.?(?:/|\z)};
      insist_on_certificate($path, $id, $known{$path}) if $n eq "-";
      my $at = $n eq "-" ? $path : "$dir/files/$n";
      $files{$path} = { kind => $kind, id => $id, bytes => slurp($at) // quit(74, "$at is missing"), at => $at };
    }
    return { config => $config, files => \%files };
  }

  sub bundle_hash {
    my ($bundle) = @_;
    my $files = $bundle->{files};
    my $own = sum_of($bundle->{config} // "");
    return $own unless %$files;
    my $list = join ",", map { "\"$_\":\"$files->{$_}{id}\"" } sort keys %$files;
    return sum_of("{\"config\":\"$own\",\"files\":{$list}}");
  }
`;
