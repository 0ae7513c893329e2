import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("--version says what package.json says", () => {
  const { version } = JSON.parse(read("package.json")) as { version: string };
  expect(read("src/cli.ts")).toContain(`.version("${version}")`);
});
