import fc from "fast-check";
import { expect, test } from "vitest";
import { DroverError } from "../../../src/model/errors.ts";
import { environmentLine, execLine } from "../../../src/release/quote.ts";
import { renderDropIn } from "../../../src/release/render.ts";
import { AWKWARD, fitText } from "../../support/hostile.ts";
import { TEMPLATES } from "../../support/release.ts";

const text = fc.oneof(fc.constantFrom(...AWKWARD), fitText);

/** systemd's reading of a quoted word, from systemd.syntax(7): quotes group, backslash escapes, `%%` is a percent sign. */
function words(line: string): readonly string[] {
  const found: string[] = [];
  for (const [word] of line.matchAll(/"(?:[^"\\]|\\.)*"/gsu)) {
    const bare = word.slice(1, -1).replaceAll(/\\(.)/gsu, "$1");
    expect(bare.replaceAll("%%", "")).not.toContain("%");
    found.push(bare.replaceAll("%%", "%"));
  }
  // Nothing but spaces between the words.
  expect(line.replaceAll(/"(?:[^"\\]|\\.)*"/gsu, "").trim()).toBe("");
  return found;
}

/** What systemd would read, or the code of the refusal. */
function outcome(value: string): unknown {
  try {
    return words(environmentLine("A", value));
  } catch (error) {
    if (error instanceof DroverError) return error.failure.code;
    throw error;
  }
}

test("every word comes back as it was", () => {
  fc.assert(
    fc.property(fc.array(text), (args) => {
      const line = execLine("/bin/app", args);
      expect(line.startsWith(":")).toBe(true);
      expect(words(line.slice(1))).toEqual(["/bin/app", ...args]);
    }),
  );
});

test("every variable comes back as it was", () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(words(environmentLine("NAME", value))).toEqual([`NAME=${value}`]);
    }),
  );
});

test("no value adds a line to the drop-in", () => {
  fc.assert(
    fc.property(fc.array(text), fc.array(text, { maxLength: 5 }), (args, values) => {
      const env = Object.fromEntries(values.map((value, index) => [`V${index}`, value]));
      const input = { app: "shop", release: "1-0123456789ab", argv: ["shop", ...args], env, secrets: [] };
      const lines = renderDropIn(TEMPLATES.dropIn, input).split("\n");
      expect(lines).toHaveLength(6 + values.length);
      expect(lines.slice(5, -1).every((line) => line.startsWith('Environment="V'))).toBe(true);
    }),
  );
});

test("any text is either said or refused by name, never passed on half", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      expect([[`A=${value}`], "files-invalid"]).toContainEqual(outcome(value));
    }),
  );
});
