import type { Failure } from "./errors.ts";
import type { Secret } from "./secret.ts";

/** DNS as drover speaks it: records and messages as typed data. Names are lower case, without the final dot. */

/** A server by its name in messages (a host's name, or its address as written) and where it listens. */
export interface DnsServer {
  readonly name: string;
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** The types that drover asks for. */
export type DnsType = "A" | "AAAA" | "CNAME" | "NS" | "SOA" | "SRV" | "TXT";

/** TTLs are seconds (RFC 2181 §8). */
export type DnsRecord = { readonly name: string; readonly ttl: number } & DnsData;

/** A record without its owner and its TTL. */
export type DnsData =
  | { readonly type: "A" | "AAAA"; readonly address: string }
  | { readonly type: "CNAME" | "NS"; readonly target: string }
  | {
      readonly type: "SOA";
      readonly primary: string;
      readonly mailbox: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
  | {
      readonly type: "SRV";
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  /** Each text at most 255 bytes. */
  | { readonly type: "TXT"; readonly texts: readonly string[] };

export interface DnsQuestion {
  readonly name: string;
  readonly type: DnsType;
}

/** RFC 2136 §2.4: what has to be so, or nothing of the message is done. */
export type DnsPrerequisite =
  /** The name has exactly these records of this type, whatever their TTL; all of one name and type, at least one. */
  | { readonly kind: "set-equals"; readonly records: readonly DnsRecord[] }
  | { readonly kind: "set-exists" | "set-absent"; readonly name: string; readonly type: DnsType }
  | { readonly kind: "name-in-use" | "name-free"; readonly name: string };

/** RFC 2136 §2.5, carried out in order. */
export type DnsChange =
  | { readonly kind: "add"; readonly record: DnsRecord }
  | { readonly kind: "delete-record"; readonly record: DnsRecord }
  | { readonly kind: "delete-set"; readonly name: string; readonly type: DnsType }
  | { readonly kind: "delete-name"; readonly name: string };

/** One message: all of it is done, or nothing. */
export interface DnsUpdate {
  readonly zone: string;
  readonly prerequisites: readonly DnsPrerequisite[];
  readonly changes: readonly DnsChange[];
}

/** RFC 1035 §4.1.1, RFC 2136 §2.2; any other by its number. */
export type DnsRcode =
  | "NOERROR"
  | "FORMERR"
  | "SERVFAIL"
  | "NXDOMAIN"
  | "NOTIMP"
  | "REFUSED"
  | "YXDOMAIN"
  | "YXRRSET"
  | "NXRRSET"
  | "NOTAUTH"
  | "NOTZONE"
  | `RCODE${number}`;

/** What a server said to one question. Records of types that drover does not ask for are left out. */
export interface DnsReply {
  readonly rcode: DnsRcode;
  /** AA: it speaks for the zone, not from a cache. */
  readonly authoritative: boolean;
  /** RA: it would ask others on behalf of its clients. */
  readonly recursive: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
}

/** The algorithms of RFC 8945 §6 that are worth using. */
export type DnsAlgorithm = "hmac-sha256" | "hmac-sha384" | "hmac-sha512";

/** A TSIG key with its bytes (not base64). */
export interface DnsKey {
  /** A domain name, lower case. */
  readonly name: string;
  readonly algorithm: DnsAlgorithm;
  readonly secret: Secret;
}

/** How an update ended, as far as a signed answer tells. */
export type DnsUpdated =
  /** Done, and signed for by the server. What it did has to be read back all the same (notes: NOERROR may do nothing). */
  | { readonly kind: "done" }
  /** A prerequisite did not hold: nothing was done. */
  | { readonly kind: "unmet"; readonly rcode: DnsRcode }
  /** Not done: `dns-unreachable`, `dns-refused`, `dns-key`, `dns-clock`. */
  | { readonly kind: "failed"; readonly failure: Failure }
  /** Sent, and nobody knows (`dns-lost`, `dns-forged`): has to be read back. */
  | { readonly kind: "unknown"; readonly failure: Failure };

/** What a query over one connection gave: one reply per question, in order. */
export type DnsQueried =
  | { readonly kind: "answered"; readonly replies: readonly DnsReply[] }
  | { readonly kind: "failed"; readonly failure: Failure };

/** What a server makes of a key, without changing anything. */
export type DnsProbed =
  /** `skew`: the server's clock minus ours, in seconds, as its signature tells. */
  | { readonly kind: "answered"; readonly rcode: DnsRcode; readonly skew: number }
  | { readonly kind: "failed"; readonly failure: Failure };
