import type { Known } from "../../model/known.ts";
import { addressKey } from "../../discovery/normalize.ts";
import type { ZoneAccount } from "./dns-account.ts";
import type { DnsCheck } from "./dns-findings.ts";
import { DNS_PASSED } from "./dns-findings.ts";

/** A server that the zone's NS records name. */
export interface NamedServer {
  readonly name: string;
  /** Null: its name is not in the zone, so the zone's servers cannot tell where it is. */
  readonly addresses: readonly string[] | null;
}

/** Whom clients ask, which is whom the NS records name: exactly those that drover waits for, or somebody has to know. */
export function nameServerChecks(
  { zone, servers }: Pick<ZoneAccount, "zone" | "servers">,
  named: Known<readonly NamedServer[]>,
): readonly DnsCheck[] {
  if (named.kind === "unknown") {
    const { message, hint } = named.why;
    return [{ code: "unanswered", kind: "unknown", subject: zone, message, hint }];
  }
  const known = new Map(servers.map(({ server, address }) => [addressKey(address), server]));
  const strangers = named.value.flatMap(({ name, addresses }): readonly string[] => {
    if (addresses === null) return [`clients may ask ${name}; whether that is one of dns.servers cannot be told here`];
    const isKnown = addresses.some((address) => known.has(addressKey(address)));
    return isKnown ? [] : [`clients may ask ${name}, which is none of dns.servers: drover does not wait for it`];
  });
  const told = new Set(named.value.flatMap(({ addresses }) => (addresses ?? []).map(addressKey)));
  // Where it cannot be told who is meant, nobody can be called unnamed.
  const canTell = named.value.every(({ addresses }) => addresses !== null);
  const unnamed = [...known]
    .filter(([address]) => canTell && !told.has(address))
    .map(([, server]) => `no NS record names ${server}: clients that follow them do not ask it`);
  const says = [...strangers, ...unnamed];
  if (says.length === 0) return [DNS_PASSED];
  return says.map((message) => ({ code: "name-servers", kind: "note", subject: zone, message, hint: "" }));
}
