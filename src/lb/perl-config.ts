import { CONFIG, STATE_FILE } from "./paths.ts";

/**
 * Perl that reads and edits haproxy.cfg on the host; the twin of normalize.ts. No single quotes.
 *
 *     each_server(LINES, CODE)            CODE gets index, backend, server of every server line
 *     state_rows(TEXT)                    the state file for a config: one row per server marked `disabled`
 *     without_marks(TEXT)                 the config as it was rendered, whatever is drained
 *     write_atomic(PATH, MODE, TEXT)      temp file, fsync, rename, fsync of the folder
 *
 * A row has the admin state 12 = 0x04 (disabled in the file) + 0x08 (drained): where 0x04 differs from the file,
 * HAProxy takes the file's word and the server comes up MAINT; with both it comes up DRAIN, and its checks run
 * (management.txt §9.3 "show servers state"; measured on 2.6.12). The check's status must be 1 (INI): with 0 its
 * checks never end. Names match the row, not the ids. The address is the file's own, or the row would override it.
 */
export const PERL_CONFIG: string = String.raw`
  use Fcntl;
  use IO::Handle;

  sub slurp {
    open(my $f, "<", $_[0]) or return undef;
    local $/;
    my $text = <$f>;
    return defined $text ? $text : "";
  }

  sub write_atomic {
    my ($path, $mode, $text) = @_;
    my $tmp = "$path.drover-tmp.$$";
    my $quit = sub {
      my $e = $!+0;
      print STDERR "cannot write $path: $!\n";
      unlink $tmp;
      # 28 is ENOSPC, for which the caller has words of its own.
      exit($e == 28 ? 28 : 74);
    };
    sysopen(my $f, $tmp, O_WRONLY|O_CREAT|O_TRUNC, 0600) or $quit->();
    (print {$f} $text) && $f->flush && $f->sync && close($f) or $quit->();
    chmod($mode, $tmp) && rename($tmp, $path) or $quit->();
    my ($dir) = $path =~ m{^(.*)/};
    if (sysopen(my $d, $dir, O_RDONLY)) { $d->sync }
  }

  sub each_server {
    my ($lines, $code) = @_;
    my $backend;
    for my $i (0 .. $#$lines) {
      if ($lines->[$i] =~ /^([^\s#]\S*)(?:[ \t]+(\S+))?/) { $backend = $1 eq "backend" ? $2 : undef }
      elsif (defined $backend && $lines->[$i] =~ /^[ \t]+server[ \t]+(\S+)[ \t]/) { $code->($i, $backend, $1) }
    }
  }

  # The address, without brackets, and the port of a server line.
  sub address_of {
    my ($at) = $_[0] =~ /^[ \t]+server[ \t]+\S+[ \t]+(\S+)/ or return;
    my ($v6, $v4, $port) = $at =~ /^(?:\[([0-9a-fA-F:]+)\]|([0-9.]+)):(\d+)\z/ or return;
    return (defined $v6 ? $v6 : $v4, $port);
  }

  sub without_marks {
    my @lines = split /\n/, $_[0], -1;
    each_server(\@lines, sub { $lines[$_[0]] =~ s/[ \t]+disabled[ \t]*\z// });
    return join "\n", @lines;
  }

  # Of a mask from "show servers state"; 0x04 and 0x40 say where a state came from, not what it is.
  sub is_out { return $_[0] & 0x3b }

  my $columns = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    . "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    . "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    . "srv_agent_addr srv_agent_port\n";
  sub state_rows {
    my ($text, @more) = @_;
    my @lines = split /\n/, $text, -1;
    my @rows;
    each_server(\@lines, sub {
      my ($i, $backend, $server) = @_;
      return unless $lines[$i] =~ /[ \t]disabled[ \t]*\z/;
      my ($address, $port) = address_of($lines[$i]) or return;
      push @rows, "0 $backend 0 $server $address 2 12 1 1 0 1 0 0 6 0 0 0 - $port - 0 0 - - 0\n";
    });
    push @rows, @more;
    return "1\n" . (@rows ? $columns . join("", @rows) : "");
  }

  sub write_state {
    mkdir "/run/drover", 0755;
    write_atomic("${STATE_FILE}", 0644, $_[0]);
  }
`;

/** Marks one server in the file, or takes its mark out. Arguments BACKEND SERVER on|off. Exit 3: no such server. */
export const PERL_MARK: string = String.raw`
  use strict;
  use warnings;
${PERL_CONFIG}
  sub missing {
    print STDERR "$_[0]\n";
    exit 3;
  }

  my ($backend, $server, $mark) = @ARGV;
  my $text = slurp("${CONFIG}") // missing("${CONFIG} is missing");
  my @lines = split /\n/, $text, -1;
  my $found = 0;
  each_server(\@lines, sub {
    my ($i, $b, $s) = @_;
    return unless $b eq $backend && $s eq $server;
    $found = 1;
    $lines[$i] =~ s/[ \t]+disabled[ \t]*\z//;
    $lines[$i] .= " disabled" if $mark eq "on";
  });
  $found or missing("${CONFIG} has no server $backend/$server");

  my $new = join "\n", @lines;
  write_atomic("${CONFIG}", 0644, $new) if $new ne $text;
  write_state(state_rows($new));
  print $new eq $text ? "unchanged\n" : "changed\n";
`;
