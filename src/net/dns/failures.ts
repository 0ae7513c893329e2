import type { DnsKey, DnsRcode, DnsServer } from "../../model/dns.ts";
import { failure } from "../../model/errors.ts";
import type { Failure } from "../../model/errors.ts";

/** "dns1 (192.0.2.53 port 53)". */
function place(server: DnsServer): string {
  const at = `${server.address} port ${server.port}`;
  return server.name === server.address ? at : `${server.name} (${at})`;
}

function tryIt(server: DnsServer): string {
  return `try: dig +tcp @${server.address} -p ${server.port} version.bind CH TXT`;
}

/** No connection came about, or nothing could be sent over it. `why`: what the server did. */
export function unreachable(server: DnsServer, why: string): Failure {
  return failure(
    "dns-unreachable",
    `the DNS server ${place(server)} ${why}`,
    `does it listen on TCP, does a firewall drop it? ${tryIt(server)}`,
  );
}

/** Connected, asked, and nothing came. */
export function silent(server: DnsServer, ms: number): Failure {
  return unreachable(server, `did not answer within ${ms / 1000} s`);
}

/** The caller stopped before anything was sent, or before a question was answered. */
export function stopped(server: DnsServer): Failure {
  return failure("interrupted", `stopped while asking the DNS server ${place(server)}`);
}

/** An update was sent, and no answer tells what became of it. */
export function lost(server: DnsServer, why: string): Failure {
  return failure(
    "dns-lost",
    `an update was sent to the DNS server ${place(server)}, and its answer was lost: ${why}`,
    "it may have been carried out: read the records back before anything else",
  );
}

/** What came is no DNS, or no answer to what was asked. */
export function senseless(server: DnsServer, why: string): Failure {
  return failure(
    "dns-answer",
    `the answer of the DNS server ${place(server)} makes no sense: ${why}`,
    `is that a DNS server, is something between? ${tryIt(server)}`,
  );
}

/** An answer that only somebody without the key can have written, or changed. */
export function forged(server: DnsServer, key: DnsKey, why: string): Failure {
  return failure(
    "dns-forged",
    `the answer of the DNS server ${place(server)} to a signed update cannot be believed: ${why}`,
    `the update may have been carried out all the same; does the server really have the key ${key.name}, and what stands between?`,
  );
}

/** A request that the server found too old or too new. `skew`: its clock minus ours in seconds, null when it did not say. */
export function badClock(server: DnsServer, skew: number | null): Failure {
  const words = skew === null ? "our clock is too far from its own" : ahead(server, skew);
  return failure("dns-clock", `the DNS server ${place(server)} takes no updates: ${words}`, CLOCKS);
}

/** A good signature on an answer, from a time that cannot be. */
export function untimely(server: DnsServer, skew: number): Failure {
  const what = `the answer of the DNS server ${place(server)} is signed at a time that cannot be`;
  return failure("dns-clock", `${what}: ${ahead(server, skew)}`, CLOCKS);
}

const CLOCKS = "compare both and set right the one that is wrong: timedatectl, chronyc tracking";

function ahead(server: DnsServer, skew: number): string {
  return skew > 0
    ? `the clock of ${server.name} is ${skew} s ahead of ours`
    : `our clock is ${-skew} s ahead of that of ${server.name}`;
}

/**
 * The server does not know the key, or knows another under its name. `error`: RFC 8945 §3's word. Knot says BADKEY also
 * where BIND says REFUSED.
 */
export function badKey(server: DnsServer, key: DnsKey, error: string): Failure {
  const say: Readonly<Record<string, string>> = {
    BADKEY: `does not know the key ${key.name} (${key.algorithm})`,
    BADSIG: `has another secret for the key ${key.name}, or another algorithm than ${key.algorithm}`,
    BADTRUNC: `wants longer signatures than ${key.algorithm} gives`,
  };
  return failure(
    "dns-key",
    `the DNS server ${place(server)} ${say[error] ?? `does not take our signature with the key ${key.name}`} (${error})`,
    "name, algorithm and secret have to be the same there and under dns.key in drover.yaml; BIND tells its own: rndc tsig-list; Knot says the same where its acl does not let the key write this",
  );
}

/** The answer to an update that was not done. `signed`: whether the key stands for it. */
export function refused(server: DnsServer, key: DnsKey, rcode: DnsRcode, signed: boolean): Failure {
  // A server that cannot check a signature cannot sign its refusal: PowerDNS says wrong keys and clocks so.
  const unsigned = signed ? "" : ", an unauthenticated refusal";
  if (!signed && rcode === "NOTAUTH") {
    const why = `refused an update signed with the key ${key.name} (NOTAUTH${unsigned})`;
    const hint = "it does not know the key, or its secret is another, or the clocks differ, or the zone is not its own";
    return failure("dns-key", `the DNS server ${place(server)} ${why}`, hint);
  }
  const also = signed ? "" : `; without a signature it may also mean the key or the clock`;
  return failure(
    "dns-refused",
    `the DNS server ${place(server)} refused an update signed with the key ${key.name}: ${rcode}${unsigned}`,
    `${refusals[rcode] ?? "its log tells more"}${also}`,
  );
}

const refusals: Readonly<Partial<Record<DnsRcode, string>>> = {
  REFUSED: "may the key write these names and types (BIND: update-policy), and is this the primary?",
  NOTAUTH: "the server does not speak for the zone: is dns.zone right, and is this its primary?",
  NOTZONE: "a name of the update is not in the zone: is dns.zone the zone the server has?",
  SERVFAIL: "its log tells why: a set too large (BIND: max-records-per-type), or a journal it cannot write",
  FORMERR: "it cannot read the update; its log tells more",
  NOTIMP: "it takes no updates at all: it needs RFC 2136",
};
