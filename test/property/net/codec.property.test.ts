import fc from "fast-check";
import { expect, test } from "vitest";
import { frame, Unframer } from "../../../src/net/dns/framing.ts";
import { decodeMessage } from "../../../src/net/dns/message.ts";
import { fuzzDecoders, fuzzEncoders } from "../../support/dns-fuzz.ts";

// The full count is in test/prove/dns-fuzz.test.ts.
const COUNT = process.env["DROVER_PROVE"] === undefined ? 2000 : 100_000;

test("an update comes back from its bytes as it was meant, or is refused before it has any", () => {
  const refused = fuzzEncoders(COUNT);
  expect(refused).toBeGreaterThan(COUNT / 20);
  expect(refused).toBeLessThan(COUNT / 2);
});

test("no answer, of whatever bytes, breaks the decoder or passes for a signed one", () => {
  expect(() => fuzzDecoders(COUNT)).not.toThrow();
});

test("names that point in circles, or on and on, are refused, and at once", () => {
  const head = [0, 0, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const tail = [0, 1, 0, 1];
  for (const name of [
    [0xc0, 12],
    [0xc0, 14, 0xc0, 12],
    [1, 97, 0xc0, 12],
    [0xc0, 13, 0],
    [0xc0, 0xff],
  ]) {
    expect(() => decodeMessage(Buffer.from([...head, ...name, ...tail]))).toThrow(/points to itself or forward/);
  }
  // 30,000 names, each of which points to the one before it.
  const chain = Buffer.alloc(60_000);
  for (let at = 2; at < chain.length; at += 2) chain.writeUInt16BE(0xc000 | Math.min(at - 2 + 12, 0x3fff), at);
  const started = performance.now();
  expect(() => decodeMessage(Buffer.concat([Buffer.from(head), Buffer.of(0, 0, 1, 0, 1), chain]))).toThrow(
    /points to itself|longer than|stand after/,
  );
  expect(performance.now() - started).toBeLessThan(1000);
});

test("messages come out of a stream whole and in order, however it is cut", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 8 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }), (sent, sizes) => {
      const stream = Buffer.concat(sent.map((each) => frame(Buffer.from(each))));
      const unframer = new Unframer();
      const got: Buffer[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        got.push(...unframer.push(stream.subarray(at, at + size)));
        expect(unframer.isWithin).toBe(Buffer.concat(got.map(frame)).length < Math.min(at + size, stream.length));
        at += size;
      }
      expect(got.map((each) => [...each])).toEqual(sent.map((each) => [...each]));
    }),
  );
});

test("the longest message there is goes through, and a longer one is refused", () => {
  const longest = Buffer.alloc(65_535, 7);
  const unframer = new Unframer();
  const framed = frame(longest);
  expect(unframer.push(framed.subarray(0, 1))).toEqual([]);
  expect(unframer.push(framed.subarray(1))).toEqual([longest]);
  expect(() => frame(Buffer.alloc(65_536))).toThrow(/longer than 65535/);
});
