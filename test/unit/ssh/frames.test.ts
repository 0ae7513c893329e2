import fc from "fast-check";
import { expect, test } from "vitest";
import type { Request } from "../../../src/model/ports.ts";
import { createFrameReader } from "../../../src/ssh/frames.ts";
import { payload } from "../../../src/ssh/payload.ts";

const framed = (text: string): Buffer =>
  Buffer.concat([Buffer.from(`${Buffer.byteLength(text)}\n`), Buffer.from(text)]);

test("texts come back whole however the stream is cut", () => {
  const texts = fc.array(fc.string({ unit: "binary", maxLength: 30 }), { maxLength: 10 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 20 }), (sent, size) => {
      const stream = Buffer.concat(sent.map(framed));
      const reader = createFrameReader();
      const got: string[] = [];
      for (let at = 0; at < stream.length; at += size) got.push(...reader.push(stream.subarray(at, at + size)));
      expect(got).toEqual(sent);
    }),
  );
});

test.for(["x\n", "-1\n", "\n", " 3\nabc", "99999999999999999999", "999999999\n"])("%j is no length", (text) => {
  expect(() => createFrameReader().push(Buffer.from(text))).toThrow(RangeError);
});

async function collect(frames: Request["frames"]): Promise<readonly Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of payload(Buffer.from("script"), frames)) pieces.push(piece);
  return pieces;
}

async function* stream(...pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield await Promise.resolve(Buffer.from(piece));
}

test("small pieces travel together", async () => {
  const pieces = await collect([
    { size: 2, bytes: Buffer.from("ab") },
    { size: 0, bytes: new Uint8Array() },
    { size: 3, bytes: stream("c", "", "de") },
  ]);
  expect(pieces.map((piece) => Buffer.from(piece).toString())).toEqual(["script2\nab0\n3\ncde"]);
});

test("a frame that is not as long as it said is refused", async () => {
  await expect(collect([{ size: 3, bytes: Buffer.from("ab") }])).rejects.toThrow(/changed/);
  await expect(collect([{ size: 3, bytes: stream("ab") }])).rejects.toThrow(/changed/);
  await expect(collect([{ size: 1, bytes: stream("a", "b") }])).rejects.toThrow(/changed/);
});
