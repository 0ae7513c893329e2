import { INSTALL_EXIT } from "../model/installing.ts";
import { FILES } from "./paths.ts";

/**
 * What is looked at in the files before anything is changed: HAProxy's own `-c`, and what that does not find, a map
 * value that names no backend and a last line without its end. No single quotes.
 */
export const PERL_CHECKS: string = String.raw`
  sub refuse { quit(${INSTALL_EXIT.refused}, @_) }

  sub check_text {
    my ($bundle) = @_;
    my %backend = map { $_ => 1 } $bundle->{config} =~ /^(?:backend|listen)[ \t]+(\S+)/mg;
    my @wrong;
    for my $path (sort keys %{$bundle->{files}}) {
      my $file = $bundle->{files}{$path};
      next if $file->{kind} ne "text";
      my ($name) = $path =~ m{^${FILES}/(.*)};
      refuse("$name does not end with a newline") if $file->{bytes} ne "" && $file->{bytes} !~ /\n\z/;
      push @wrong, wrong_in_map($name, $file->{bytes}, \%backend) if $name =~ m{^maps/(?:http|https|sni)\.map\z};
    }
    refuse(@wrong[0 .. ($#wrong > 9 ? 9 : $#wrong)]) if @wrong;
  }

  sub wrong_in_map {
    my ($name, $text, $backend) = @_;
    my @wrong;
    for (split /\n/, $text) {
      next if /^\s*(?:#|\z)/;
      my ($key, $value) = /^(\S+)\s+(\S+)\s*\z/;
      if (!defined $value) { push @wrong, "$name: no key and value: $_" }
      elsif (!$backend->{$value}) { push @wrong, "$name: $key leads to $value, and no backend is called that" }
    }
    return @wrong;
  }

  # All that haproxy.cfg names is laid beside it, so that what is checked is what will be there.
  sub check_syntax {
    my ($bundle, $strict) = @_;
    my $dir = "/run/drover/check";
    mkdir "/run/drover", 0755;
    remove_tree($dir);
    push @leftover, $dir;
    mkdir $dir, 0700;
    mkdir "$dir/$_", 0700 for "files", "files/maps", "files/certs";
    my $moved = sub { return $_[0] =~ s{\Q${FILES}/\E}{$dir/files/}gr };
    # A drained row in the state file is a warning too, so the strict check reads one that holds nothing.
    write_atomic("$dir/state", 0600, "1\n");
    my $text = $bundle->{config} =~ s/^([ \t]*server-state-file[ \t]+)\S+/$1$dir\/state/mgr;
    write_atomic("$dir/haproxy.cfg", 0600, $moved->($text));
    for my $path (keys %{$bundle->{files}}) {
      my $file = $bundle->{files}{$path};
      my $to = $path =~ s{^${FILES}}{$dir/files}r;
      write_atomic($to, 0600, $file->{kind} eq "text" ? $moved->($file->{bytes}) : $file->{bytes});
    }
    my $options = $strict ? "-c -dW" : "-c";
    my @said = qx(/usr/sbin/haproxy $options -f $dir/haproxy.cfg 2>&1);
    my $code = $?;
    remove_tree($dir);
    s{\Q$dir/\E(?:files/)?}{}g for @said;
    refuse("HAProxy refuses the new haproxy.cfg", grep { !/NOTICE/ } @said) if $code;
  }
`;
