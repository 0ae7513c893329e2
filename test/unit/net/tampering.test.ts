import { describe, expect, test } from "vitest";
import type { DnsUpdated } from "../../../src/model/dns.ts";
import { DroverError } from "../../../src/model/errors.ts";
import { askedByUpdate, decodeMessage, mismatch } from "../../../src/net/dns/message.ts";
import { updatedBy } from "../../../src/net/dns/outcome.ts";
import { judge } from "../../../src/net/dns/tsig.ts";
import { keyOf, replyTo, signatureOf, signReply } from "../../support/dns-wire.ts";
import { UPDATES } from "./captured.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const server = { name: "dns1", address: "192.0.2.53", port: 53 };
const key = keyOf("drover");

/** What the client makes of an answer: an update's end, or the words in which it is refused as none. */
function hear(sent: Buffer, got: Buffer, by = key, later = 0): DnsUpdated | string {
  const { mac, seconds } = signatureOf(sent);
  try {
    const reply = decodeMessage(got);
    if (reply.id !== sent.readUInt16BE(0)) return "nobody asked";
    const why = mismatch(reply, askedByUpdate({ zone: "svc.lab.internal", prerequisites: [], changes: [] }));
    return why ?? updatedBy({ server, key: by, reply, verdict: judge(reply, by, mac, seconds + later) });
  } catch (error) {
    if (error instanceof DroverError && error.failure.code === "dns-answer") return error.message;
    throw error;
  }
}

const code = (heard: DnsUpdated | string): string | null =>
  typeof heard === "object" && "failure" in heard ? heard.failure.code : null;

describe("a signed answer", () => {
  const done = [hex(UPDATES.done.sent), hex(UPDATES.done.got)] as const;
  const unmet = [hex(UPDATES.unmet.sent), hex(UPDATES.unmet.got)] as const;

  test("is believed as it is", () => {
    expect(hear(...done)).toEqual({ kind: "done" });
    expect(hear(...unmet)).toEqual({ kind: "unmet", rcode: "NXRRSET" });
  });

  test.for([
    ["done", done],
    ["unmet", unmet],
    ["refused", [hex(UPDATES.refused.sent), hex(UPDATES.refused.got)] as const],
  ] as const)("%s, is refused with any one bit of it flipped", ([, [sent, got]]) => {
    const by = got.includes("key512") ? keyOf("key512", "hmac-sha512") : key;
    const names = [got.indexOf(`${by.name}\0`), got.indexOf(by.algorithm)] as const;
    const isLetterOfName = (at: number): boolean =>
      names.some((from, which) => at >= from && at < from + (which === 0 ? by.name : by.algorithm).length) &&
      /[a-z]/.test(String.fromCharCode(got[at] ?? 0));
    let believed = 0;
    for (let bit = 0; bit < got.length * 8; bit += 1) {
      const at = bit >> 3;
      const flipped = Buffer.from(got);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (bit & 7)), at);
      const heard = hear(sent, flipped, by);
      // The names in the signature itself are the same in capitals (RFC 8945 §4.2): they mean what they meant.
      if ((bit & 7) === 5 && isLetterOfName(at)) {
        expect(heard).toEqual(hear(sent, got, by));
        continue;
      }
      if (typeof heard === "object" && (heard.kind === "done" || heard.kind === "unmet")) believed += 1;
      if (typeof heard === "object" && heard.kind === "failed") {
        // Its signature is gone by the flip, and the refusal says that nobody vouches for it.
        expect(heard.failure.message).toContain("unauthenticated");
      }
    }
    expect(believed).toBe(0);
  });

  test("is refused when it is cut off anywhere, or has bytes behind it", () => {
    const [sent, got] = done;
    for (let size = 0; size < got.length; size += 1) expect(typeof hear(sent, got.subarray(0, size))).toBe("string");
    expect(hear(sent, Buffer.concat([got, Buffer.of(0)]))).toContain("after its end");
  });

  test("is refused as the answer to another request", () => {
    const replayed = Buffer.from(done[1]);
    unmet[0].copy(replayed, 0, 0, 2);
    expect(code(hear(unmet[0], replayed))).toBe("dns-forged");
  });

  test("is refused with its signature taken off, and with another's", () => {
    const [sent] = done;
    expect(hear(sent, replyTo(sent))).toMatchObject({ kind: "unknown", failure: { code: "dns-forged" } });
    const { seconds } = signatureOf(sent);
    for (const other of [keyOf("other"), keyOf("drover", "hmac-sha512"), keyOf("drover", "hmac-sha256", "guessed")]) {
      const heard = hear(sent, signReply(replyTo(sent), sent, other, seconds));
      expect(heard).toMatchObject({ kind: "unknown", failure: { code: "dns-forged" } });
    }
    expect(hear(sent, signReply(replyTo(sent), sent, key, seconds))).toEqual({ kind: "done" });
  });

  test("counts for five minutes, and says whose clock is ahead", () => {
    expect(hear(...done, key, 300)).toEqual({ kind: "done" });
    const late = hear(...done, key, 301);
    expect(late).toMatchObject({ kind: "unknown", failure: { code: "dns-clock" } });
    expect(JSON.stringify(late)).toContain("our clock is 301 s ahead of that of dns1");
    expect(JSON.stringify(hear(...done, key, -301))).toContain("the clock of dns1 is 301 s ahead of ours");
  });
});

describe("a refusal", () => {
  test.for([
    ["badkey", "dns-key", "does not know the key nokey", keyOf("nokey")],
    ["badsig", "dns-key", "has another secret for the key drover", key],
    ["badtime", "dns-clock", "the clock of dns1 is 600 s ahead of ours", key],
  ] as const)("%s is %s and says so", ([name, wanted, words, by]) => {
    const heard = hear(hex(UPDATES[name].sent), hex(UPDATES[name].got), by);
    expect(heard).toMatchObject({ kind: "failed", failure: { code: wanted, message: expect.stringContaining(words) } });
  });

  test.for([
    [5, "dns-refused", "REFUSED"],
    [9, "dns-key", "NOTAUTH"],
    [2, "dns-refused", "SERVFAIL"],
    [8, "dns-refused", "NXRRSET"],
  ] as const)("without a signature is told as one: code %i is %s", ([rcode, wanted, word]) => {
    const sent = hex(UPDATES.done.sent);
    const heard = hear(sent, replyTo(sent, rcode));
    expect(heard).toMatchObject({ kind: "failed", failure: { code: wanted } });
    expect(JSON.stringify(heard)).toContain(`${word}, an unauthenticated refusal`);
  });
});
