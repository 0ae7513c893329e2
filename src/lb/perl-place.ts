import { CERTS, CONFIG, FILES, PREVIOUS } from "./paths.ts";

/**
 * Perl that keeps a bundle, puts one in place and takes it back. No single quotes.
 *
 *     keep(BUNDLE)                   under PREVIOUS, by its hash; the last 20 stay
 *     prepare(BUNDLE, LIVE)          new bytes lie beside what they will replace, on disk: space is no question later
 *     place(), put_back()            the files that prepare() found to differ; old ones stay as links
 *     settle_files(BUNDLE)           it is known that they are not needed: all that is not the bundle's goes
 *     manifest_text(TEXT, BUNDLE, SUM)   what drover sent, with the hashes that only the host knows filled in
 */
export const PERL_PLACE: string = String.raw`
  our (@leftover, @changing);
  END {
    my $code = $?;
    -d $_ ? remove_tree($_) : unlink $_ for @leftover;
    $? = $code;
  }

  sub make_dir {
    my ($dir, $mode) = @_;
    return if -d $dir;
    mkdir($dir, $mode) or do {
      my $e = $!+0;
      quit($e == 28 ? 28 : 74, "cannot make $dir: $!");
    };
  }

  sub remove_tree {
    my ($dir) = @_;
    system("rm", "-rf", "--", $dir);
  }

  sub keep {
    my ($bundle) = @_;
    my $hash = bundle_hash($bundle);
    my $to = "${PREVIOUS}/$hash";
    make_dir("${PREVIOUS}", 0700);
    # Not by its hash alone: of a certificate that somebody changed, the hash knows no more than that.
    my $exact = !grep { $_->{id} eq "changed" } values %{$bundle->{files}};
    if (-e $to && $exact) {
      utime undef, undef, $to;
      return $hash;
    }
    write_bundle($bundle, "$to.drover-tmp");
    remove_tree($to);
    rename("$to.drover-tmp", $to) or quit(74, "cannot keep the previous files: $!");
    forget_old($to);
    return $hash;
  }

  sub write_bundle {
    my ($bundle, $dir) = @_;
    remove_tree($dir);
    push @leftover, $dir;
    make_dir($dir, 0700);
    make_dir("$dir/files", 0700);
    my ($n, $index) = (0, "");
    for my $path (sort keys %{$bundle->{files}}) {
      my $file = $bundle->{files}{$path};
      write_atomic("$dir/files/$n", 0600, $file->{bytes});
      $index .= "$n $file->{kind} $file->{id} $path\n";
      $n++;
    }
    write_atomic("$dir/index", 0600, $index);
    write_atomic("$dir/haproxy.cfg", 0600, $bundle->{config} // "");
  }

  # Bundles are folders; a file of such a name is kept for keepalived.
  sub forget_old {
    my ($newest) = @_;
    opendir(my $d, "${PREVIOUS}");
    my @others = grep { m{/[0-9a-f]{64}\z} && $_ ne $newest && -d } map { "${PREVIOUS}/$_" } readdir $d;
    my @kept = sort { (stat $b)[9] <=> (stat $a)[9] } @others;
    remove_tree($_) for splice @kept, 19 > @kept ? scalar @kept : 19;
  }

  sub manifest_text {
    my ($text, $bundle, $sum) = @_;
    my $files = $bundle->{files};
    my @paths = sort keys %$files;
    my %sum = sums(map { $files->{$_}{at} } @paths);
    my @entries;
    for (@paths) {
      my $file = $files->{$_};
      my $has_print = $file->{kind} eq "certificate" && $file->{id} ne "changed";
      my $print = $has_print ? "\"fingerprint\":\"$file->{id}\"," : "";
      my $own = $sum{$file->{at}} // quit(74, "sha256sum failed");
      push @entries, "\"$_\":{$print\"sha256\":\"$own\"}";
    }
    my $list = join ",", @entries;
    $text =~ s/^\{"files":"\@"/{"files":{$list}/ or quit(65, "the manifest is malformed");
    $text =~ s/"sha256":"\@"\}\s*\z/"sha256":"$sum"}\n/;
    return $text;
  }

  sub mode_of { return $_[0]{kind} eq "certificate" ? 0600 : 0644 }

  sub beside {
    my ($path, $mode, $bytes) = @_;
    push @leftover, "$path.drover-new";
    write_atomic("$path.drover-new", $mode, $bytes);
  }

  sub prepare {
    my ($bundle, $live) = @_;
    @changing = ();
    if (%{$bundle->{files}}) {
      make_dir("${FILES}", 0755);
      make_dir("${FILES}/maps", 0755);
      make_dir("${CERTS}", 0700);
      chmod 0700, "${CERTS}";
    }
    for (sort keys %{$bundle->{files}}) {
      my $there = $live->{files}{$_};
      prepare_file($_, $bundle->{files}{$_}, $there && $there->{bytes});
    }
    # haproxy.cfg last: it names the others.
    prepare_file("${CONFIG}", { kind => "text", bytes => $bundle->{config} }, $live->{config});
  }

  sub prepare_file {
    my ($path, $file, $was) = @_;
    my $mode = mode_of($file);
    return if defined $was && $was eq $file->{bytes} && ((stat $path)[2] & 07777) == $mode;
    beside($path, $mode, $file->{bytes});
    push @changing, $path;
  }

  sub sync_dirs {
    for ("${FILES}/maps", "${CERTS}", "${FILES}", "/etc/haproxy") {
      if (sysopen(my $d, $_, O_RDONLY)) { $d->sync }
    }
  }

  sub place {
    for (@changing) {
      unlink "$_.drover-old";
      link($_, "$_.drover-old") if -e $_;
      rename("$_.drover-new", $_) or do {
        $@ = "cannot rename to $_: $!\n";
        return 0;
      };
    }
    sync_dirs();
    return 1;
  }

  sub put_back {
    for (reverse @changing) { -e "$_.drover-old" ? rename("$_.drover-old", $_) : unlink $_ }
    sync_dirs();
  }

  sub settle_files {
    my ($bundle) = @_;
    unlink "${CONFIG}.drover-old";
    unlink grep { !$bundle->{files}{$_} } files_below("${FILES}");
    rmdir $_ for "${FILES}/maps", "${CERTS}", "${FILES}";
    sync_dirs();
  }
`;
