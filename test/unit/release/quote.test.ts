import { describe, expect, test } from "vitest";
import { environmentLine, execLine } from "../../../src/release/quote.ts";

describe("words of a unit file", () => {
  test.for([
    ["plain", '"plain"'],
    ["", '""'],
    ["two words", '"two words"'],
    ['a "quote"', '"a \\"quote\\""'],
    ["back\\slash", '"back\\\\slash"'],
    ["100%", '"100%%"'],
    ["$HOME", '"$HOME"'],
    [";", '";"'],
  ])("%s becomes %s", ([word, quoted]) => {
    expect(execLine("/bin/app", [word ?? ""])).toBe(`:"/bin/app" ${quoted}`);
  });

  test.for(["\n", "\0", "\t", "\u007f", "\ud800", "\udc00x", "\ufffe", "\ufdd0"])(
    "refuses what systemd would drop: %j",
    (bad) => {
      expect(() => execLine("/bin/app", [`x${bad}`])).toThrow(/run, word 2: expected text without control/);
      expect(() => environmentLine("A", `x${bad}`)).toThrow(/env.A: expected text without control/);
    },
  );

  test.for(["it's", 'a"b', "a\\b"])("refuses a program that systemd would refuse: %s", (name) => {
    expect(() => execLine(`/opt/${name}`, [])).toThrow(/without quotes and backslashes/);
  });

  test.for(["", "1A", "A B", "A=B", "A\n", "É"])("refuses %j as a variable's name", (name) => {
    expect(() => environmentLine(name, "x")).toThrow(/expected a variable's name/);
  });

  test("refuses a line that systemd would not read", () => {
    expect(() => environmentLine("A", "x".repeat(1024 * 1024))).toThrow(/1 MiB/);
  });
});
