import { MANIFEST, TOOL, UNIT, WANTED } from "./paths.ts";

/** Exit codes of the program, beyond those every script has (model/command.ts). Its first line on stderr says what is wrong. */
export const FIREWALL_EXIT = {
  /** The new rules were refused; what was in force is in force. */
  refused: 65,
  /** The host has put its previous rules back before the confirmation came. */
  putBack: 66,
  /** Neither the new nor the previous rules could be made sure of. */
  stuck: 67,
  /** The generation to go back to is not on the host any more. */
  gone: 68,
  /** Packages are missing; stderr has their names. */
  missing: 69,
} as const;

/** What may be asked of the program; see {@link LIBRARY} of script.ts for the words. */
export const CHANGES: string = String.raw`
# Whatever was committed earlier and not confirmed goes first: there is one candidate at a time.
sub settle_older {
  my ($target, $previous, $token) = pending() or return;
  my $why = settle();
  quit(67, "an earlier change was not confirmed, and could not be taken back either", split /\n/, $why) if $why;
  disarm($token);
}

# Begun at once, and looked at before anything is committed: systemd takes as long for it as we do for the rest.
sub arm {
  my ($token, $confirm) = @_;
  return start(0, "", "systemd-run", "--quiet", "--collect", "--on-active=${"$"}{confirm}ms",
    "--timer-property=AccuracySec=100ms", "--unit=drover-firewall-revert-$token",
    "--description=Takes a change of the packet filter back that drover does not confirm",
    "/usr/bin/perl", "@TOOL@", "revert", $token);
}

# In force from now on, for as long as the timer runs. prepare and commit give why not.
sub candidate {
  my ($target, $confirm, $prepare, $commit) = @_;
  my $previous = current();
  my $token = "g$target-" . time . "-$$";
  my $tool = $ENV{DROVER_TOOL};
  spit("@TOOL@", $tool) if (slurp("@TOOL@") // "") ne $tool;
  my $armed = arm($token, $confirm);
  my $why = $prepare->();
  my ($code, $said) = finish($armed);
  $why = "cannot arm the way back: " . ($said =~ /\S/ ? $said : "systemd-run ended with $code") if $code != 0;
  # Only now: whoever is cut off before has changed nothing, and after it the timer knows what to take back.
  if (!$why) { spit("$dir/pending", "$target $previous $token\n"); $why = $commit->() }
  if ($why) {
    my $worse = put_back($previous);
    quit(67, "neither the new rules nor the previous ones could be loaded", split /\n/, "$why\n$worse") if $worse;
    unlink "$dir/pending"; disarm($token);
    sweep(look_all(), grep { $_ ne $target || $_ eq $previous } kept());
    quit(65, (split /\n/, $why), "nothing was changed; in force: " . named($previous));
  }
  print "committed $token\n";
}

sub is_in_force { my ($seen, $generation) = @_; return !grep { $seen->{$_->[0]}{active} ne $generation } @families }

# GENERATION CONFIRM-MS, frames: sets, v4, v6, manifest.
sub do_apply {
  my ($generation, $confirm) = @_;
  my %file; $file{$_} = take_frame() for qw(sets v4 v6 manifest.json);
  need_programs();
  take_lock(20);
  if (current() eq $generation && is_in_force(look_all(), $generation)) { print "already\n"; exit 0 }
  settle_older();
  my ($seen_before) = (slurp("$dir/seen") // "0") =~ /^(\d+)/;
  quit(65, "generation $generation is there already") if current() eq $generation;
  spit("$dir/seen", "$generation\n") if $generation > $seen_before;
  forget($generation);
  mkdir "$dir/g$generation", 0700 or broken("make $dir/g$generation");
  spit("$dir/g$generation/$_", $file{$_}) for sort keys %file;
  my $seen;
  candidate($generation, $confirm, sub { $seen = look_all(); return load_sets($generation) || track($seen) },
    sub { return load_families($seen, $generation) });
}

# GENERATION CONFIRM-MS: one that is still on the host.
sub do_restore {
  my ($generation, $confirm) = @_;
  need_programs();
  take_lock(20);
  settle_older();
  if (current() eq $generation && is_in_force(look_all(), $generation)) { print "already\n"; exit 0 }
  quit(68, "generation $generation is not on this host any more", "in force: " . named(current())) unless -e "$dir/g$generation/v6";
  my $seen;
  candidate($generation, $confirm, sub { $seen = look_all(); return load_sets($generation) }, sub {
    for my $family (@families) {
      my $f = $seen->{$family->[0]};
      my $why = $f->{size}{"DRV-I-g$generation"} ? flip($family, $f, $generation) : load($family, $f, $generation);
      return $why if $why;
    }
    return "";
  });
}

sub install_unit {
  return if loads_at_boot();
  my ($unit, $wanted) = ("@UNIT@", "@WANTED@");
  my ($folder) = $wanted =~ m{(.*)/};
  umask 022;
  mkdir $folder, 0755;
  spit($unit, unit_text()); link_to($unit, $wanted); persist($unit, "/etc/systemd/system", $folder);
  umask 077;
}

# Nobody waits for what is only tidied up. Whoever comes next waits for the lock.
sub leave_behind {
  my $pid = fork;
  exit 0 if $pid;
  for (\*STDOUT, \*STDERR) { open($_, ">", "/dev/null") }
  # The lock of the epoch guard: nothing is changed any more that it would be for.
  if (open(my $guard, "<&=", 9)) { close $guard }
}

# TARGET TOKEN, frame: the cuts.
sub do_confirm {
  my ($target, $token) = @_;
  my $cuts = take_frame();
  take_lock(20);
  my ($now, $previous, $armed) = pending();
  if (!defined $now || $armed ne $token) {
    quit(66, "the host has put its previous rules back by itself; in force: " . named(current())) if current() ne $target;
    print "already\n"; exit 0;
  }
  my $seen = look_all();
  if (!is_in_force($seen, $target)) { quit(67, "generation $target is not in force any more: somebody else has changed the rules meanwhile") }
  my $g = "$dir/g$target";
  write_down($seen, $target);
  install_unit();
  my ($manifests) = "@MANIFEST@" =~ m{(.*)/};
  mkdir $manifests and chmod(0755, $manifests);
  persist(glob("$g/*"), $g, "@TOOL@");
  link_to("../firewall/current/manifest.json", "@MANIFEST@");
  link_to("g$target", "$dir/current");
  persist($dir, $manifests);
  unlink "$dir/pending";
  print "confirmed\n";
  if ($cuts ne "") {
    print "cut ", sever($cuts), "\n";
    # What stays in the chains is ours, and is not taken for something that was added by hand.
    $seen = look_all();
    write_down($seen, $target);
  }
  leave_behind();
  disarm($token);
  my @old = grep { $_ ne $target } kept();
  my @keep = ($target, @old > 3 ? @old[0 .. 2] : @old);
  sweep($seen, @keep);
  my %keep = map { $_ => 1 } @keep;
  forget(grep { !$keep{$_} } @old);
}

# TOKEN: the timer. Somebody who has confirmed, or taken it back, was first: then there is nothing to do.
sub do_revert {
  my ($token) = @_;
  take_lock(120);
  my ($target, $previous, $armed) = pending();
  if (!defined $target || $armed ne $token) {
    # Which of the two it was says the link: confirming is what replaces it.
    my ($meant) = $token =~ /^g(\d+)-/;
    print defined $meant && current() eq $meant ? "confirmed already\n" : "put back already; in force: " . named(current()) . "\n";
    exit 0;
  }
  my $why = settle();
  if ($why) {
    # What was never confirmed may be what locks everybody out. An older generation is better, and no rules are better too.
    for my $older (grep { $_ ne $target && $_ ne $previous } kept()) { $why = put_back($older) or last }
    $why = put_back("-") if $why;
    unlink "$dir/pending";
    quit(67, "not confirmed, and the previous rules could not be loaded either", $why);
  }
  disarm($token);
  sweep(look_all(), grep { $_ ne $target || $_ eq $previous } kept());
  print "not confirmed; in force again: ", named($previous), "\n";
}

# Whatever was not confirmed before the host went down is gone with it.
sub do_boot {
  take_lock(60);
  unlink "$dir/pending";
  my $current = current();
  exit 0 if $current eq "-";
  my $first;
  for my $generation ($current, grep { $_ < $current } kept()) {
    my $why = load_sets($generation) || load_families(look_all(), $generation);
    if (!$why) { quit(1, "generation $current could not be loaded, $generation is in force instead", $first) if defined $first; write_down(look_all(), $generation); exit 0 }
    print STDERR "generation $generation: $why\n";
    $first = $why unless defined $first;
  }
  put_back("-");
  quit(1, "no generation could be loaded: nothing is refused on this host", $first);
}

# A policy that refuses was bearable as long as rules of ours let somebody in: taking those away may shut everybody out.
sub need_open_policies {
  my $seen = look_all();
  for my $family (@families) {
    my ($chain, $policy) = $seen->{$family->[0]}{text} =~ /^:(INPUT|OUTPUT) (DROP|REJECT)/m or next;
    quit(67, "the policy of $chain ($family->[2]) is $policy: without drover\x27s rules it might refuse everybody",
      "nothing was changed; first: $family->[1] -P $chain ACCEPT", "or, where rules of others let you in: perl @TOOL@ remove");
  }
}

# WHEN: safely, where somebody only does not want us any more; else whatever comes after.
sub do_remove {
  my ($when) = @_;
  take_lock(20);
  need_open_policies() if ($when // "") eq "safely";
  my (undef, undef, $token) = pending();
  # Since the last boot it counts as active; to end it does nothing.
  system("systemctl", "stop", "--quiet", "drover-firewall.service") if -e "@UNIT@";
  unlink "@WANTED@", "@UNIT@", "@MANIFEST@", "$dir/current", "$dir/pending";
  my $why = put_back("-");
  quit(67, "the rules could not be taken away", split /\n/, $why) if $why;
  disarm($token) if defined $token;
  sweep(look_all());
  forget(kept());
  unlink "@TOOL@", "$dir/seen", "$dir/.lock"; unlink glob("$dir/*.tmp"); rmdir $dir;
  system("systemctl", "daemon-reload");
  print "removed\n";
}

my %do = (apply => \&do_apply, restore => \&do_restore, confirm => \&do_confirm, revert => \&do_revert, boot => \&do_boot, remove => \&do_remove);
my $what = $do{shift(@ARGV) // ""} or quit(64, "apply, restore, confirm, revert, boot or remove");
$what->(@ARGV);
`
  .replaceAll("@TOOL@", TOOL)
  .replaceAll("@MANIFEST@", MANIFEST)
  .replaceAll("@UNIT@", UNIT)
  .replaceAll("@WANTED@", WANTED);
