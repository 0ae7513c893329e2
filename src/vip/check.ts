/**
 * The check that keepalived runs once a second: does this host's HAProxy answer? It asks `monitor-uri` of frontend
 * `drover_alive`, which is HAProxy's own word and knows nothing of apps. keepalived kills it after a second; the alarm
 * is for everybody else. It gives up root's rights first: it needs none of them.
 */
const PERL_ALIVE: string = String.raw`
  use strict; use warnings; use Socket;
  ($(, $)) = (65534, "65534 65534"); ($<, $>) = (65534, 65534);
  alarm 1; $SIG{PIPE} = "IGNORE";
  socket(my $s, PF_INET, SOCK_STREAM, 0) or exit 1;
  connect($s, pack_sockaddr_in(8405, INADDR_LOOPBACK)) or exit 1;
  syswrite($s, "GET / HTTP/1.0\r\n\r\n") or exit 1;
  sysread($s, my $answer, 64) or exit 1;
  exit($answer =~ m{^HTTP/1\.[01] 200 } ? 0 : 1);
`;

/** The check as it lies on a balancer: needs perl-base alone. */
export const CHECK_SCRIPT: string = `#!/usr/bin/perl
# Written by drover: keepalived asks with this whether HAProxy is alive on this host.
${PERL_ALIVE.trim().replaceAll(/^ {2}/gm, "")}
`;

/** The same as one perl program for `perl -e '…'`: no single quotes. */
export const CHECK_PROGRAM: string = PERL_ALIVE;
