import { connect } from "./connect.ts";
import type { Attempt, Trust } from "./connect.ts";
import type { Endpoint } from "./failures.ts";
import { loadKnownHosts } from "./host-keys.ts";
import { loadIdentity } from "./identity.ts";
import { createLimiter } from "./limiter.ts";
import type { Limiter } from "./limiter.ts";
import type { SshOptions } from "./options.ts";

/** Handshakes at once. More only adds latency: the server side is the limit. */
const STARTS = 30;
/** Handshakes at once to one address: from the eleventh on, sshd's MaxStartups (10:30:100) drops some. */
const STARTS_PER_ENDPOINT = 10;
/**
 * Makes what connects to any endpoint, never too many at once. Keys and known_hosts are read once, before the first
 * connection; what is wrong with them rejects with a DroverError.
 */
export function createDialer(options: SshOptions, closing: AbortSignal): (endpoint: Endpoint) => Promise<Attempt> {
  const starts = createLimiter(STARTS);
  const startsAt = new Map<string, Limiter>();
  let trust: Promise<Trust> | null = null;

  return async (endpoint) => {
    trust ??= loadTrust(options);
    const trusted = await trust;
    const at = `${endpoint.address}:${endpoint.port}`;
    const local = startsAt.get(at) ?? createLimiter(STARTS_PER_ENDPOINT);
    startsAt.set(at, local);
    const leaveLocal = await local.enter(closing);
    const leave = await starts.enter(closing);
    try {
      return await connect(endpoint, trusted, closing);
    } finally {
      leave?.();
      leaveLocal?.();
    }
  };
}

async function loadTrust(options: SshOptions): Promise<Trust> {
  const [identity, known] = await Promise.all([
    loadIdentity(options.ssh.user, options.ssh.identity, options.places),
    loadKnownHosts(options.ssh.knownHosts, options.places),
  ]);
  return { identity, known };
}
