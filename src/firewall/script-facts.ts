import { FOLDER, MANIFEST } from "./paths.ts";
import { LIBRARY } from "./script.ts";

/**
 * Everything about a host's firewall, from one perl: what it starts runs side by side. Each value is one word of hex digits,
 * so that nothing on a host can look like a line of ours (model/hex.ts). Tables are never loaded by looking at them.
 */
const LOOK: string = String.raw`
sub say_hex { my ($key, $value) = @_; print "$key ", unpack("H*", $value), "\n" if defined $value }
sub has { my ($program) = @_; return grep { -x "$_/$program" } split /:/, $ENV{PATH} }
sub rules_of { my ($text) = @_; return $text =~ /^-A (?:INPUT|OUTPUT) |^:(?:INPUT|OUTPUT) (?!ACCEPT)/m }

# The rules that the other backend has of its own: the kernel asks both.
sub other_backend {
  my $path = "iptables";
  ($path) = grep { -l $_ || -e $_ } map { "$_/iptables" } split /:/, $ENV{PATH} or return ();
  for (1 .. 5) { my $next = readlink $path or last; $path = $next =~ m{^/} ? $next : $path =~ s{[^/]*$}{$next}r }
  if ($path =~ /legacy/) { return has("iptables-nft-save") ? map { ["$_-nft-save", "rules of iptables-nft beside those of iptables-legacy"] } "iptables", "ip6tables" : () }
  my @found;
  push @found, ["iptables-legacy-save", "rules of iptables-legacy beside those of iptables-nft"] if (slurp("/proc/net/ip_tables_names") // "") =~ /^filter$/m;
  push @found, ["ip6tables-legacy-save", "rules of ip6tables-legacy beside those of ip6tables-nft"] if (slurp("/proc/net/ip6_tables_names") // "") =~ /^filter$/m;
  return grep { has($_->[0]) } @found;
}

# Chains of nftables that see what comes in or goes out, and drop what no rule of theirs knows.
sub foreign_nftables {
  my ($text) = @_;
  my ($table, $chain, @found) = ("", "");
  for (split /\n/, $text) {
    if (/^table (\S+ \S+) \{/) { $table = $1 }
    elsif (/^\s+chain (\S+) \{/) { $chain = $1 }
    elsif (/hook (?:input|output|ingress|prerouting) .*policy drop/ && !("$table $chain" =~ /^ip6? filter (?:INPUT|OUTPUT)$/)) {
      push @found, "an nftables chain that drops what it does not know: table $table, chain $chain";
    }
  }
  return @found;
}

sub rivals {
  my ($started, $nft, $seen) = @_;
  my @found;
  push @found, "ufw is active" if (slurp("/etc/ufw/ufw.conf") // "") =~ /^\s*ENABLED\s*=\s*"?yes\b/im && has("ufw") || grep { $_->{text} =~ /^-A INPUT .*ufw6?-/m } values %$seen;
  my $tables = $nft ? (finish($nft))[1] : "";
  push @found, "firewalld is active" if -l "/run/systemd/units/invocation:firewalld.service" || $tables =~ /^table \S+ firewalld/m;
  push @found, grep { !/table \S+ firewalld/ } foreign_nftables($tables);
  for (@$started) { my ($code, $text) = finish($_->[0]); push @found, $_->[1] if rules_of($text) }
  return @found;
}

# Only what decides about a packet, and where ours stands among it.
sub before_ours {
  my ($text) = @_;
  return join("", map { "$_\n" } grep { /^-A (?:INPUT|OUTPUT) .*(?:-j (?:ACCEPT|DROP|REJECT|RETURN|N?F?QUEUE|TARPIT|DELUDE|SYNPROXY)(?= |$)|-j DRV-)/ } split /\n/, $text);
}

# What boot and the timer need: a file that is gone or cut off is found here, and not by the next boot.
sub is_whole {
  my $g = "$dir/g" . current();
  return 0 unless (slurp("$dir/tool") // "") =~ /^\$what->\(\@ARGV\);\n\z/m;
  my $sets = slurp("$g/sets") // return 0;
  my %created = map { $_ => 1 } sets_of($sets);
  for my $family (@families) {
    my $text = slurp("$g/$family->[0]") // "";
    return 0 unless $text =~ /^\*filter\n.*^COMMIT\n\z/ms && !grep { !$created{$_} } $text =~ / --match-set (\S+) /g;
  }
  return $sets eq "" || $sets =~ /^destroy \S+\n\z/m;
}

# sudo takes it out of the environment: whoever is above us still has it.
sub operator {
  my $pid = $$;
  for (1 .. 12) {
    my ($found) = (slurp("/proc/$pid/environ") // "") =~ /(?:^|\0)SSH_CONNECTION=([^\0]*)/;
    return $found if defined $found;
    ($pid) = (slurp("/proc/$pid/stat") // "") =~ /^.*\) \S (\d+)/s or return undef;
    return undef if $pid < 2;
  }
  return undef;
}

sub facts {
  my %missing;
  for (["iptables", "iptables-save"], ["iptables", "ip6tables-save"], ["ipset", "ipset"]) { $missing{$_->[0]} = 1 unless has($_->[1]) }
  say_hex("missing", join(" ", sort keys %missing));
  my $nft = has("nft") ? start(1, "", "nft", "list", "chains") : undef;
  my @others = map { [start(1, "", $_->[0], "-t", "filter"), $_->[1]] } other_backend();
  my $sets = current() eq "-" || $missing{ipset} ? "" : printed_sets(current());
  my $seen = $missing{iptables} ? {} : look_all();
  say_hex("rivals", join("\n", rivals(\@others, $nft, $seen)));
  my @chains = map { map { /-g(\d+)$/ ? $1 : () } keys %{$_->{chains}} } values %$seen;
  my ($last) = (slurp("$dir/seen") // "0") =~ /^(\d+)/;
  my ($newest) = sort { $b <=> $a } @chains, kept(), $last // 0;
  say_hex("newest", $newest);
  for my $family (sort keys %$seen) {
    my $f = $seen->{$family};
    my @to = map { my $chain = $_; map { /^-j DRV-[IO]-g(\d+)$/ ? $1 : () } @{$f->{leads}{$chain} || []} } "DRV-INPUT", "DRV-OUTPUT";
    say_hex("active.$family", $f->{entered} && @to == 2 && $to[0] == $to[1] ? $to[0] : "-");
    say_hex("ahead.$family", before_ours($f->{text}));
  }
  say_hex("alone", "yes") if @families == 1;
  my ($target) = pending();
  say_hex("pending", $target) if defined $target && $target ne current();
  say_hex("manifest", slurp("@MANIFEST@"));
  say_hex("enabled", "yes") if loads_at_boot() && is_whole();
  if (current() ne "-" && !defined $target && %$seen) {
    my $loaded = slurp("$dir/g" . current() . "/loaded");
    my $live = all_printed($seen, current(), $sets);
    if (($loaded // "") ne $live) { say_hex("loaded", $loaded // ""); say_hex("live", $live) }
  }
  if (($seen->{v4}{text} // "") =~ /^:DOCKER /m) {
    say_hex("published", join("", map { "$_\n" } grep { /^-A DOCKER .*-j DNAT / } split /\n/, (finish(start(1, "", "iptables-save", "-t", "nat")))[1]));
  }
  say_hex("operator", operator());
  say_hex("end", "yes");
}
facts();
`.replaceAll("@MANIFEST@", MANIFEST);

/** Where the firewall is managed. */
export const FACTS: string = `perl -e '${LIBRARY}${LOOK}'`;

/** Where it is not: nothing but a host that drover's rules have not been taken off yet is looked at. */
export const FACTS_OF_UNMANAGED: string = `if [ -e ${FOLDER} ]; then ${FACTS}
else echo 'none 796573'; fi`;
