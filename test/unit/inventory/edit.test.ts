import { describe, expect, test } from "vitest";
import { editScalar } from "../../../src/inventory/edit.ts";

describe("one value of a file is replaced", () => {
  test.for([
    ["double quotes", 'release: "1.4.2"  # ours\n', 'release: "1.5.0"  # ours\n'],
    ["single quotes", "release: '1.4.2' # ours\n", "release: '1.5.0' # ours\n"],
    ["no quotes", "release: 1.4.2\n", "release: 1.5.0\n"],
    ["flow style", "{app: a, release: 1.4.2, x: [1]}", "{app: a, release: 1.5.0, x: [1]}"],
    ["CRLF and a byte order mark", '\uFEFFapp: a\r\nrelease: "1.4.2"\r\n', '\uFEFFapp: a\r\nrelease: "1.5.0"\r\n'],
    ["the same text elsewhere", "x: 1.4.2\nrelease: 1.4.2 # 1.4.2\n", "x: 1.4.2\nrelease: 1.5.0 # 1.4.2\n"],
    ["odd spacing", "app:   a\n\n\nrelease:     1.4.2   \n# end", "app:   a\n\n\nrelease:     1.5.0   \n# end"],
    ["a quoted key", '"release": "1.4.2"\n', '"release": "1.5.0"\n'],
  ] as const)("with %s", ([, before, after]) => {
    expect(editScalar(before, "release", "1.4.2", "1.5.0")).toEqual({ kind: "ok", text: after });
  });

  test("deeper in the file", () => {
    const edited = editScalar("a:\n  b: x # c\n", "a.b", "x", "y");
    expect(edited).toEqual({ kind: "ok", text: "a:\n  b: y # c\n" });
  });

  test("with quotes where the plain value would be a number, a flag or nothing", () => {
    for (const to of ["1.10", "7", "1e3", "true", "null", "0x10", "~"])
      expect(editScalar("release: 1.4.2 # c\n", "release", "1.4.2", to)).toEqual({
        kind: "ok",
        text: `release: "${to}" # c\n`,
      });
  });

  test("once: the second time there is nothing to do", () => {
    expect(editScalar("release: 1.5.0\n", "release", "1.4.2", "1.5.0")).toEqual({ kind: "already" });
  });
});

describe("nothing is edited", () => {
  test.for([
    ["another value", 'release: "1.3.0"\n', 'expected release to be "1.4.2", got "1.3.0"'],
    ["no such key", "app: a\n", 'expected release to be "1.4.2", got nothing'],
    ["a number", "release: 1.4\n", 'expected release to be "1.4.2", got 1.4'],
    ["broken YAML", "release: [\n", 'expected release to be "1.4.2", got nothing'],
    ["an alias", "x: &r 1.4.2\nrelease: *r\n", "expected release to be written in place, got an alias"],
    [
      "an anchor that is used elsewhere",
      "release: &r 1.4.2\nx: *r\n",
      "expected release to be a plain or quoted text on one line that no alias repeats, got another one",
    ],
    [
      "a block",
      "release: |-\n  1.4.2\nx: y\n",
      "expected release to be a plain or quoted text on one line that no alias repeats, got another one",
    ],
  ] as const)("with %s", ([, text, message]) => {
    expect(editScalar(text, "release", "1.4.2", "1.5.0")).toEqual({ kind: "mismatch", message });
  });
});
