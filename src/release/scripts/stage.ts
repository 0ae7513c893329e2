import { COMMON } from "./common.ts";

/**
 * Arguments: app, release id, sha256 of the unit, sha256 of the drop-in, names of the secrets. Prints `staged` or
 * `absent`. Reads every file of the release again: a release that was damaged on the host is staged anew.
 */
export const STAGED: string = String.raw`${COMMON}
id=$2; unit_sha=$3; conf_sha=$4; shift 4
whole() {
  [ -d "$opt/releases/$id" ] && [ -f "$opt/units/$id.sums" ] || return 1
  [ "$(sha "$opt/units/$id.service")" = "$unit_sha" ] && [ "$(sha "$opt/units/$id.conf")" = "$conf_sha" ] || return 1
  for name in "$@"; do [ -f "$var/credentials/$app/$id/$name" ] || return 1; done
  cd "$opt/releases/$id" || return 1
  [ "$(find . -type f | wc -l)" = "$(wc -l < "$opt/units/$id.sums")" ] || return 1
  [ ! -s "$opt/units/$id.sums" ] || sha256sum -c --quiet --strict "$opt/units/$id.sums" >/dev/null 2>&1
}
if whole "$@"; then echo staged; else echo absent; fi
`;

/** Refuses entries that could leave the folder or do more than lie there; prints the bytes that unpacking takes. */
const LISTING = String.raw`
use strict; use warnings;
my ($bytes, $entries) = (0, 0);
sub refuse { print STDERR "the artifact has $_[0]: $_[1]\n"; exit 65 }
while (my $line = <STDIN>) {
  chomp $line;
  $line =~ /^(.)(.{9})\S*\s+\S+\s+(\S+)\s+\S+\s+\S+\s(.*)$/ or refuse("an entry that cannot be read", $line);
  my ($type, $mode, $size, $name) = ($1, $2, $3, $4);
  $name =~ s/ -> .*//s if $type eq "l";
  $name =~ s/ link to .*//s if $type eq "h";
  refuse("a device, a pipe or another special file", $name) if $type !~ /^[-dlh]$/;
  refuse("a set-user-id or set-group-id file", $name) if $mode =~ /[sS]/;
  refuse("an absolute path", $name) if $name =~ m{^/};
  refuse("a path that leaves its folder", $name) if $name =~ m{(^|/)\.\.(/|$)};
  $bytes += $size =~ /^\d+$/ ? $size : 0; $entries++;
}
refuse("nothing in it", "no entry") if !$entries;
print $bytes + 4096 * $entries, "\n";
`;

/** Checks what was unpacked, on the disk itself, and gives all of it to root with modes that only root may change. */
const WALK = String.raw`
use strict; use warnings; use Fcntl ":mode";
my ($root) = @ARGV; my (%seen, %links);
sub refuse { print STDERR "the artifact has $_[0]: $_[1]\n"; exit 65 }
sub full { my $e = $!+0; print STDERR "cannot prepare $_[0]: $!\n"; exit($e == 28 ? 28 : 74) }
sub inside {
  my ($from, $to) = @_; my @at = split m{/}, $from; pop @at;
  for (split m{/}, $to) { next if $_ eq "" || $_ eq "."; if ($_ eq "..") { @at or return 0; pop @at } else { push @at, $_ } }
  return 1;
}
sub walk {
  my ($dir, $rel) = @_;
  chmod(0755, $dir) && chown(0, 0, $dir) or full($dir);
  opendir(my $d, $dir) or full($dir); my @names = grep { $_ ne "." && $_ ne ".." } readdir $d; closedir $d;
  for my $name (@names) {
    my ($path, $at) = ("$dir/$name", $rel eq "" ? $name : "$rel/$name");
    my @s = lstat $path or full($path); my $mode = $s[2];
    if (S_ISLNK($mode)) {
      my $to = readlink $path;
      refuse("a link that leaves the release", "$at -> $to") if $to =~ m{^/} || !inside($at, $to);
    } elsif (S_ISDIR($mode)) { walk($path, $at) }
    elsif (S_ISREG($mode)) {
      refuse("a set-user-id or set-group-id file", $at) if $mode & 06000;
      $links{$s[1]} = $s[3]; $seen{$s[1]}++; 
      chown(0, 0, $path) && chmod($mode & 0100 ? 0755 : 0644, $path) or full($path);
    } else { refuse("a device, a pipe or another special file", $at) }
  }
}
walk($root, "");
for (keys %links) { refuse("a hard link that leaves the release", "inode $_") if $links{$_} != $seen{$_} }
`;

/**
 * Arguments: app, release id, sha256 and size of the artifact, program, `tar` where its name says so or `any`, names of
 * the secrets. Frames: unit, drop-in, each secret, the artifact. The rename of the unpacked tree is the last thing that happens: whatever interrupts this
 * leaves nothing that looks staged, and the next stage of any release removes it.
 */
export const STAGE: string = String.raw`${COMMON}
id=$2; want=$3; size=$4; program=$5; form=$6; shift 6
work=$opt/releases/$id.tmp
finished=
leave() {
  code=$?
  trap - EXIT
  if [ -z "$finished" ]; then
    rm -rf "$work"
    [ -d "$opt/releases/$id" ] || discard "$id"
    tidy
  fi
  exit "$code"
}
trap leave EXIT
trap 'exit 143' TERM INT HUP PIPE

free() { df -Pk "$opt" | awk 'NR == 2 { printf "%.0f", $4 * 1024 }'; }
room() {
  have=$(free)
  [ "$have" -ge "$1" ] || die 28 "$2 takes $1 bytes, and $have are free in /opt/drover"
}
own_dir /opt
mkdir -p -m 755 /opt/drover "$opt" "$opt/releases" "$opt/units" || die 74 "cannot make $opt"
rm -rf "$opt"/releases/*.tmp "$opt"/units/*.drover-tmp.* "$var/credentials/$app"/*/*.drover-tmp.*
mkdir -m 700 "$work" || die 74 "cannot make $work"
room $((size + 65536)) "the artifact"
put "$opt/units/$id.service" 644 root:root || exit $?
put "$opt/units/$id.conf" 644 root:root || exit $?
if [ $# -gt 0 ]; then mkdir -p -m 700 "$var/credentials/$app/$id" && chmod 700 "$var/credentials" || die 74 "cannot make $var/credentials/$app/$id"; fi
for name in "$@"; do put "$var/credentials/$app/$id/$name" 600 root:root || exit $?; done
put "$work/artifact" 600 root:root || exit $?
got=$(sha "$work/artifact")
[ "$got" = "$want" ] || die 65 "the artifact arrived with sha256 $got instead of $want"

mkdir -m 755 "$work/tree" || die 74 "cannot make $work/tree"
kind=$(perl -e '
  open(my $f, "<:raw", $ARGV[0]) or die; read($f, my $h, 512);
  if ($h =~ /^\x1f\x8b/) { open(my $z, "-|:raw", "gzip", "-dc", "--", $ARGV[0]) or die; read($z, $h, 512); print substr($h, 257, 5) eq "ustar" ? "tar" : "gzip" }
  elsif (length $h > 262 && substr($h, 257, 5) eq "ustar") { print "tar" }
  elsif ($h =~ /^\xfd7zXZ\x00/) { print "xz" } elsif ($h =~ /^\x28\xb5\x2f\xfd/) { print "zstd" } elsif ($h =~ /^BZh/) { print "bzip2" }
  else { print "file" }' "$work/artifact" 2>/dev/null)
case $kind in
tar)
  needs=$(tar -tvP --quoting-style=escape --numeric-owner -f "$work/artifact" 2>"$work/said" | perl -e '${LISTING}') || exit 65
  room "$needs" "the unpacked artifact"
  tar -x --no-same-owner --no-same-permissions -C "$work/tree" -f "$work/artifact" >"$work/said" 2>&1 || {
    grep -q "No space left" "$work/said" && die 28 "the disk is full: unpacking takes $needs bytes" "$(tail -n 3 "$work/said")"
    die 65 "the artifact cannot be unpacked" "$(tail -n 5 "$work/said")"
  }
  ;;
file)
  [ "$form" != tar ] || die 65 "the artifact is named like a tar archive and is none"
  [ "$size" -gt 0 ] || die 65 "the artifact is empty"
  room "$size" "the artifact in its place"
  mkdir -p "$(dirname "$work/tree/$program")" && cp "$work/artifact" "$work/tree/$program" && chmod 755 "$work/tree/$program" || die 74 "cannot place the artifact"
  ;;
gzip) die 65 "the artifact is compressed with gzip, and what it holds is no tar archive, or one without entries" ;;
*) die 65 "the artifact is compressed with $kind; drover takes .tar.gz, .tar or one plain file" ;;
esac
rm -f "$work/artifact"
perl -e '${WALK}' "$work/tree" || exit $?
if grep -qxF "ExecStart=:\"$opt/releases/$id/$program\"" "$opt/units/$id.conf" || grep -qF "ExecStart=:\"$opt/releases/$id/$program\" " "$opt/units/$id.conf"; then
  [ -f "$work/tree/$program" ] || die 65 "the artifact has no $program, which is what the app runs"
  [ -x "$work/tree/$program" ] || die 65 "$program in the artifact is not executable"
fi
(cd "$work/tree" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum) > "$opt/units/$id.sums" || die 74 "cannot write $opt/units/$id.sums"
sync -f "$work/tree" "$opt/units/$id.sums" || die 74 "cannot sync $work"
if [ -d "$opt/releases/$id" ]; then mv "$opt/releases/$id" "$work/old" || die 74 "cannot set the damaged release aside"; fi
mv "$work/tree" "$opt/releases/$id" || die 74 "cannot rename $work/tree"
finished=yes
sync "$opt/releases"
rm -rf "$work"
exit 0
`;

/** Arguments: app, release id. Removes a staged release unless something refers to it; prints `kept` or `gone`. */
export const UNSTAGE: string = String.raw`${COMMON}
# A release that once was healthy was here before this rollout, or is worth going back to: retention decides about it.
if [ -d "$opt/releases/$2" ] && { [ -e "$opt/releases/$2.healthy" ] || referenced "$2"; }; then echo kept; exit 0; fi
discard "$2"
tidy
echo gone
`;

/**
 * Arguments: app, how many healthy releases to keep. Prints the ids it removed. Whatever a unit, a running process or
 * the manifest names stays, and so do its unit and credentials.
 */
export const PRUNE: string = String.raw`${COMMON}
keep=$2
cd "$opt/releases" 2>/dev/null || exit 0
rm -rf ./*.tmp
kept=$(for mark in $(ls -t -- *.healthy 2>/dev/null); do
  [ -d "$opt/releases/$(basename "$mark" .healthy)" ] && basename "$mark" .healthy
done | head -n "$keep")
for id in *; do
  [ -d "$id" ] || continue
  printf '%s\n' "$kept" | grep -qxF -- "$id" && continue
  referenced "$id" && continue
  discard "$id"
  echo "$id"
done
# Leftovers of a removal that was cut off.
for rest in "$opt"/releases/*.healthy "$opt"/units/* "$var/credentials/$app"/*; do
  [ -e "$rest" ] || continue
  name=$(basename "$rest"); name=$(printf %s "$name" | sed 's/\.\(healthy\|service\|conf\|sums\)$//')
  [ -d "$opt/releases/$name" ] || rm -rf "$rest"
done
exit 0
`;
