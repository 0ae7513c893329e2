import { z } from "zod";
import { DURATION, formatDuration, parseDuration } from "../durations.ts";

/**
 * Building blocks of the schemas. Every `error` is the phrase after "expected", so that each message reads
 * `expected …, got …`; a custom issue with `params.sentence` is a whole sentence instead.
 */

/** A string that matches a pattern. */
export function text(expected: string, pattern: RegExp): z.ZodString {
  return z.string({ error: expected }).regex(pattern, { error: expected });
}

/** A string that is not empty. */
export function anyText(expected: string): z.ZodString {
  return z.string({ error: expected }).min(1, { error: expected });
}

/** A whole number between two limits, both included. */
export function whole(expected: string, least: number, most: number): z.ZodInt {
  return z.int({ error: expected }).min(least, { error: expected }).max(most, { error: expected });
}

/** A map that knows all its keys. The message for an unknown one lists the known ones, for the did-you-mean. */
export function keys<Shape extends z.ZodRawShape>(shape: Shape, expected?: string): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === "unrecognized_keys" ? known.join(" ") : (expected ?? `a map with ${known.join(", ")}`),
  });
}

/** A duration in milliseconds, at least `least` of them. */
export function duration(least: 0 | 1): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const expected = `a duration such as "500ms", "30s", "5m" or "1h"${least > 0 ? ", more than 0" : ""}, at most "24h"`;
  return text(expected, DURATION).transform((written, context) => {
    const milliseconds = parseDuration(written);
    if (milliseconds !== null && milliseconds >= least) return milliseconds;
    context.issues.push({ code: "custom", message: expected, input: written });
    return z.NEVER;
  });
}

/** A duration in milliseconds between two limits, both included. */
export function durationWithin(least: number, most: number): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const expected = `a duration from "${formatDuration(least)}" to "${formatDuration(most)}"`;
  return text(expected, DURATION).transform((written, context) => {
    const milliseconds = parseDuration(written);
    if (milliseconds !== null && milliseconds >= least && milliseconds <= most) return milliseconds;
    context.issues.push({ code: "custom", message: expected, input: written });
    return z.NEVER;
  });
}

/**
 * As {@link durationWithin}, in whole seconds, for what is told to others in seconds; still in milliseconds. `usual` is
 * only published, for a key whose being left out means something.
 */
export function secondsWithin(
  least: number,
  most: number,
  usual: number,
): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const expected = `a duration from "${formatDuration(least)}" to "${formatDuration(most)}" in whole seconds`;
  return text(expected, DURATION)
    .meta({ default: formatDuration(usual) })
    .transform((written, context) => {
      const milliseconds = parseDuration(written) ?? Number.NaN;
      if (milliseconds >= least && milliseconds <= most && milliseconds % 1000 === 0) return milliseconds;
      context.issues.push({ code: "custom", message: expected, input: written });
      return z.NEVER;
    });
}

/** A text that a function understands, or says what it expects instead. */
export function understood<Value>(
  expected: string,
  read: (text: string) => { readonly value: Value } | { readonly expected: string },
): z.ZodType<Value, string> {
  return z.string({ error: expected }).transform((written, context) => {
    const result = read(written);
    if ("value" in result) return result.value;
    context.issues.push({ code: "custom", message: result.expected, input: written });
    return z.NEVER;
  });
}

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, { error: words.map((word) => `"${word}"`).join(" or ") });
}
