import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { splitWords } from "../../../src/inventory/words.ts";

const commands: readonly string[] = [
  "./bin/shop --port 8080",
  "  a   b  ",
  "a\tb",
  "'one word' two",
  `"one word" two`,
  `a"b c"d'e f'g`,
  String.raw`a\ b \"c\" \'d\' \\ e`,
  String.raw`"a\"b" "c\\d" "e\nf" "g\$h" "i'j"`,
  String.raw`'a\b' 'c"d' '$HOME'`,
  `'' "" x`,
  "--key='a=b' --other=c",
  String.raw`\$HOME \| \;`,
  "ünï '漢 字'",
  "a# b ~x {c}",
  "cost=5$ '$'",
];

describe("a command is split into words", () => {
  test.for(commands)("as the shell of this machine splits it: %s", (command) => {
    const shell = execFileSync("sh", ["-fc", `for word in ${command}; do printf '%s\\0' "$word"; done`], {
      encoding: "utf8",
      env: { HOME: "/nowhere" },
    });
    expect(splitWords(command)).toEqual({ kind: "ok", words: shell.split("\0").slice(0, -1) });
  });

  test.for([
    ["a 'b", 2, "expected a closing '"],
    ['a "b', 2, 'expected a closing "'],
    ["a\\", 1, "expected a character after the backslash"],
    ["a | b", 2, "expected plain words, got |: no shell reads this (put it in single quotes if it is meant literally)"],
    ["a; b", 1, "expected plain words, got ;: no shell reads this (put it in single quotes if it is meant literally)"],
    ["a >b", 2, "expected plain words, got >: no shell reads this (put it in single quotes if it is meant literally)"],
    [
      "a $HOME/b",
      2,
      "expected plain words, got $HOME: no shell reads this (put it in single quotes if it is meant literally)",
    ],
    [
      'a "x $(b)"',
      2,
      "expected plain words, got $(: no shell reads this (put it in single quotes if it is meant literally)",
    ],
    ["a `b`", 2, "expected plain words, got `: no shell reads this (put it in single quotes if it is meant literally)"],
  ] as const)("%s is refused", ([command, at, message]) => {
    expect(splitWords(command)).toEqual({ kind: "error", at, message });
  });
});
