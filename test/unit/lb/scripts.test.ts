import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { PERL_MARK } from "../../../src/lb/perl-config.ts";
import { PERL_INSTALL } from "../../../src/lb/perl-install.ts";
import { PERL_MOVE } from "../../../src/lb/perl-move.ts";

test.for([
  ["install", PERL_INSTALL],
  ["move", PERL_MOVE],
  ["mark", PERL_MARK],
] as const)("the perl of %s compiles, and fits between single quotes", ([, text]) => {
  expect(text).not.toContain("'");
  const { status, stderr } = spawnSync("perl", ["-wc", "-e", text], { encoding: "utf8" });
  expect(stderr).toBe("-e syntax OK\n");
  expect(status).toBe(0);
});
