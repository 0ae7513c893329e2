// Encoders and decoders with the full count of random records and messages.
import { expect, test } from "vitest";
import { fuzzDecoders, fuzzEncoders } from "../support/dns-fuzz.ts";

const COUNT = 100_000;

test("100,000 random updates come back as they were meant or are refused", () => {
  const refused = fuzzEncoders(COUNT);
  console.info(`${COUNT} updates, ${refused} of them refused`);
  expect(refused).toBeGreaterThan(COUNT / 20);
  expect(refused).toBeLessThan(COUNT / 2);
});

test("100,000 random answers are read or refused, and none passes for signed", () => {
  expect(() => fuzzDecoders(COUNT)).not.toThrow();
});
