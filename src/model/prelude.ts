/**
 * Shell functions that stand before every script. They need what a host has anyway: a POSIX shell, coreutils,
 * util-linux (flock) and perl-base.
 *
 *     take                      the next frame of stdin, to stdout
 *     put PATH MODE OWNER       the next frame, written to PATH: temp file, fsync, chown, chmod, rename, fsync of the folder
 *     epoch_guard EPOCH RUN     refuses an epoch older than the newest this host has seen; holds the host's lock from then on
 *
 * A frame is its length in bytes as a decimal line, then the bytes. `read` takes one byte at a time from a pipe and
 * `head -c` never reads past its count, so nothing of the next frame is lost.
 */
export const PRELUDE: string = `
LC_ALL=C; export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
umask 077
drover_dir=/var/lib/drover
take() { IFS= read -r drover_n && head -c "$drover_n"; }
put() {
  IFS= read -r drover_n || return 74
  head -c "$drover_n" | perl -e '
    use strict; use warnings; use IO::Handle; use Fcntl;
    my ($path, $mode, $owner, $want) = @ARGV;
    sub quit { my $e = $!+0; print STDERR "$_[0] $path: $!\\n"; unlink $_[1] if $_[1]; exit($e == 28 ? 28 : 74) }
    my ($dir) = $path =~ m{^(.*)/[^/]+$}s; $dir = "/" if $dir eq "";
    my $tmp = "$path.drover-tmp.$$";
    sysopen(my $f, $tmp, O_WRONLY|O_CREAT|O_EXCL, 0600) or quit("cannot create");
    $SIG{$_} = sub { unlink $tmp; exit 143 } for qw(TERM HUP INT PIPE);
    my $got = 0;
    while (1) {
      my $n = sysread(STDIN, my $b, 65536); defined $n or quit("cannot read input for", $tmp); last if $n == 0;
      my $at = 0; $got += $n;
      while ($at < $n) { my $w = syswrite($f, $b, $n - $at, $at); defined $w or quit("cannot write", $tmp); $at += $w }
    }
    $got == $want or do { $! = 5; quit("input ended early for", $tmp) };
    my ($user, $group) = split /:/, $owner, 2;
    my $uid = getpwnam($user); defined $uid or do { $! = 22; quit("no user $user for", $tmp) };
    my $gid = defined $group ? getgrnam($group) : (getpwnam($user))[3]; defined $gid or do { $! = 22; quit("no group for", $tmp) };
    chown($uid, $gid, $tmp) or quit("cannot chown", $tmp);
    chmod(oct($mode), $tmp) or quit("cannot chmod", $tmp);
    $f->sync or quit("cannot sync", $tmp); close($f) or quit("cannot close", $tmp);
    rename($tmp, $path) or quit("cannot rename to", $tmp);
    if (opendir(my $d, $dir) && sysopen(my $h, $dir, O_RDONLY)) { $h->sync }
    exit 0;
  ' "$1" "$2" "$3" "$drover_n"
}
epoch_guard() {
  mkdir -p -m 755 "$drover_dir" || exit 74
  exec 9>"$drover_dir/.lock" && flock -w 30 9 || { echo "another drover command still holds $drover_dir/.lock" >&2; exit 75; }
  drover_seen=$(cat "$drover_dir/epoch" 2>/dev/null || echo 0)
  drover_seen=\${drover_seen%% *}
  if [ "\${drover_seen:-0}" -gt "$1" ]; then
    echo "this host has seen epoch $drover_seen, newer than $1" >&2; exit 76
  fi
  if [ "\${drover_seen:-0}" -ne "$1" ]; then
    { printf '%s %s\\n' "$1" "$2" > "$drover_dir/epoch.tmp" && mv -f "$drover_dir/epoch.tmp" "$drover_dir/epoch"; } 2>/dev/null || {
      # A full disk must not keep anybody from taking a change back: the same few bytes fit where the old ones lie.
      rm -f "$drover_dir/epoch.tmp"
      drover_line="$1 $2"
      { [ -s "$drover_dir/epoch" ] && printf '%s\\n' "$drover_line" 1<>"$drover_dir/epoch" \\
        && truncate -s "$((\${#drover_line} + 1))" "$drover_dir/epoch"; } 2>/dev/null || { echo "cannot write $drover_dir/epoch" >&2; exit 28; }
    }
  fi
}
`;
