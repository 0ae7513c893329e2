import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import type { DnsChange, DnsPrerequisite, DnsRecord, DnsType, DnsUpdate } from "../../src/model/dns.ts";
import { DroverError } from "../../src/model/errors.ts";
import { decodeMessage, decodeReply, encodeUpdate } from "../../src/net/dns/message.ts";
import { judge, sign } from "../../src/net/dns/tsig.ts";
import { isSayable, meant } from "./dns-oracle.ts";
import { keyOf, readUpdate, replyTo, signatureOf, signReply } from "./dns-wire.ts";

// Random updates, some with something in them that cannot be said in DNS.

const ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABC0123456789".split("");
const edge = fc.constantFrom(...ALPHANUMERIC);
const middle = fc.string({ unit: fc.constantFrom(...ALPHANUMERIC, "-"), maxLength: 8 });
/** 63 bytes, the longest there is. */
const longest = fc.tuple(edge, edge).map(([first, last]) => `${first}${"-".repeat(61)}${last}`);
const badLabel = fc.constantFrom(
  "",
  "-a",
  "a-",
  "a_b",
  "__a",
  "_",
  "a b",
  "a\0",
  "é",
  "\u212a",
  "a\\.b",
  "*",
  "a".repeat(64),
  "a\n",
  "\\065",
  "a/b",
);
const label = fc.oneof(
  { weight: 40, arbitrary: fc.tuple(fc.constantFrom("", "", "_"), edge, middle, edge).map((parts) => parts.join("")) },
  { weight: 20, arbitrary: edge },
  { weight: 2, arbitrary: longest },
  { weight: 1, arbitrary: badLabel },
);
const name = fc.oneof(
  { weight: 40, arbitrary: fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join(".")) },
  { weight: 1, arbitrary: fc.constant(".") },
  // 253 characters, the longest there is, and one more.
  { weight: 1, arbitrary: longest.map((one) => `${one}.${one}.${one}.${"a".repeat(61)}`) },
  { weight: 1, arbitrary: fc.constantFrom("", "..", "a.", `${"a.".repeat(127)}a`, `${"a.".repeat(126)}aa`) },
);

const numberTo = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 60, arbitrary: fc.integer({ min: 0, max }) },
    { weight: 1, arbitrary: fc.constantFrom(-1, 0.5, NaN, Infinity, max + 1, 2 ** 53) },
  );
const u16 = numberTo(65_535);
const u32 = numberTo(2 ** 32 - 1);
const ttl = numberTo(2 ** 31 - 1);
const text = fc.oneof(
  { weight: 60, arbitrary: fc.uint8Array({ maxLength: 20 }).map((each) => Buffer.from(each).toString("latin1")) },
  { weight: 1, arbitrary: fc.constant("x".repeat(255)) },
  { weight: 1, arbitrary: fc.constantFrom("x".repeat(256), "€", "\u{1f600}", "ā") },
);
const noAddress = fc.constantFrom(
  "foo",
  "",
  "1.2.3",
  "1.2.3.4.5",
  "256.1.1.1",
  "1.2.3.4/8",
  "fe80::1%eth0",
  "::g",
  "1::2::3",
  ":",
);
const address = (fine: fc.Arbitrary<string>, other: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 30, arbitrary: fine },
    { weight: 1, arbitrary: noAddress },
    { weight: 1, arbitrary: fc.constant(other) },
  );

const data = fc.oneof(
  fc.record({ type: fc.constant("A" as const), address: address(fc.ipV4(), "::1") }),
  fc.record({ type: fc.constant("AAAA" as const), address: address(fc.ipV6(), "1.2.3.4") }),
  fc.record({ type: fc.constantFrom("CNAME" as const, "NS" as const), target: name }),
  fc.record({
    type: fc.constant("SOA" as const),
    primary: name,
    mailbox: name,
    serial: u32,
    refresh: u32,
    retry: u32,
    expire: u32,
    minimum: u32,
  }),
  fc.record({ type: fc.constant("SRV" as const), priority: u16, weight: u16, port: u16, target: name }),
  fc.record({ type: fc.constant("TXT" as const), texts: fc.array(text, { maxLength: 3 }) }),
);
const record: fc.Arbitrary<DnsRecord> = fc
  .tuple(name, ttl, data)
  .map(([of, seconds, each]) => ({ name: of, ttl: seconds, ...each }));
const type = fc.constantFrom<DnsType>("A", "AAAA", "CNAME", "NS", "SOA", "SRV", "TXT");

const change: fc.Arbitrary<DnsChange> = fc.oneof(
  { weight: 4, arbitrary: record.map((each) => ({ kind: "add" as const, record: each })) },
  { weight: 1, arbitrary: record.map((each) => ({ kind: "delete-record" as const, record: { ...each, ttl: 0 } })) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete-set" as const), name, type }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete-name" as const), name }) },
);
const prerequisite: fc.Arbitrary<DnsPrerequisite> = fc.oneof(
  record.map((each) => ({ kind: "set-equals" as const, records: [{ ...each, ttl: 0 }] })),
  fc.record({ kind: fc.constantFrom("set-exists" as const, "set-absent" as const), name, type }),
  fc.record({ kind: fc.constantFrom("name-in-use" as const, "name-free" as const), name }),
);
const update: fc.Arbitrary<DnsUpdate> = fc.record({
  zone: name,
  // One set to be equal at most: two for the same set would be one.
  prerequisites: fc.array(prerequisite, { maxLength: 1 }),
  changes: fc.array(change, { maxLength: 3 }),
});

const key = keyOf("drover");

/**
 * Each of `count` random updates comes back from its bytes as it was meant, signed and all, or is refused before there are
 * any; and which of both is said by another than the encoder. Gives how many were refused.
 */
export function fuzzEncoders(count: number): number {
  let refused = 0;
  const check = (each: DnsUpdate, id: number, seconds: number): void => {
    const bytes = encodedOrNull(id, each);
    if ((bytes !== null) !== isSayable(each)) throw new Error(bytes === null ? "refused" : "not refused");
    if (bytes === null) {
      refused += 1;
      return;
    }
    const signed = sign(bytes, key, seconds);
    deepStrictEqual(readUpdate(signed.bytes), meant(each));
    deepStrictEqual(signatureOf(signed.bytes), { seconds, mac: signed.mac });
  };
  fc.assert(fc.property(update, fc.nat(65_535), fc.integer({ min: 0, max: 2 ** 40 }), check), { numRuns: count });
  return refused;
}

function encodedOrNull(id: number, each: DnsUpdate): Buffer | null {
  try {
    return encodeUpdate(id, each);
  } catch (error) {
    if (error instanceof DroverError && error.failure.code === "bug") return null;
    throw error;
  }
}

/** What a server answers, whole; then bytes of it are changed, or it is cut, or something is put in. */
const request = sign(
  encodeUpdate(4660, { zone: "svc.lab.internal", prerequisites: [], changes: [] }),
  key,
  1_800_000_000,
);
const answer = signReply(
  replyTo(request.bytes, 0, [
    {
      name: "_shop._tcp.svc.lab.internal",
      ttl: 15,
      type: "SRV",
      priority: 0,
      weight: 1,
      port: 80,
      target: "app1.svc.lab.internal",
    },
    { name: "_drover.svc.lab.internal", ttl: 15, type: "TXT", texts: ["heritage=drover", "rev=4"] },
    { name: "app1.svc.lab.internal", ttl: 60, type: "AAAA", address: "2001:db8::1" },
  ]),
  request.bytes,
  key,
  1_800_000_000,
);
const damage = fc.array(fc.tuple(fc.nat(answer.length - 1), fc.constantFrom(0, 1, 12, 63, 64, 0xc0, 0xff)), {
  minLength: 1,
  maxLength: 4,
});
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each)),
  fc
    .tuple(fc.uint8Array({ maxLength: 200 }), fc.nat(7), fc.nat(7))
    .map(([rest, questions, answers]) =>
      Buffer.concat([Buffer.of(0, 0, 0x84, 0, 0, questions, 0, answers, 0, 0, 0, 1), rest]),
    ),
  fc.tuple(damage, fc.nat(answer.length)).map(([changes, size]) => {
    const damaged = Buffer.from(answer);
    for (const [at, byte] of changes) damaged.writeUInt8(byte, at);
    return size % 3 === 0 ? damaged.subarray(0, size) : damaged;
  }),
);

/** Whatever `count` random answers are made of, each is read, or refused as senseless; and none passes for signed. */
export function fuzzDecoders(count: number): void {
  const check = (bytes: Buffer): void => {
    if (bytes.equals(answer)) return;
    try {
      const message = decodeMessage(bytes);
      const verdict = judge(message, key, request.mac, 1_800_000_000);
      // The id is not signed but compared, by the connection.
      if (verdict.kind === "valid" && message.id === answer.readUInt16BE(0)) throw new Error("passes for signed");
      decodeReply(message);
    } catch (error) {
      if (!(error instanceof DroverError) || error.failure.code !== "dns-answer") throw error;
    }
  };
  fc.assert(fc.property(noise, check), { numRuns: count });
}
