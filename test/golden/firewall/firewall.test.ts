import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderFirewall } from "../../../src/firewall/render.ts";
import { CASES, model } from "./cases.ts";

const isWriting = process.env["DROVER_GOLDEN"] === "write";

function rendered(name: string): Readonly<Record<string, string>> {
  const { sets, v4, v6 } = renderFirewall(CASES[name] ?? model(), 3);
  return sets === "" ? { v4, v6 } : { sets, v4, v6 };
}

describe("what iptables, ip6tables and ipset are given", () => {
  test.skipIf(isWriting)("there is a folder for every case, and no other", () => {
    const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((each) => each.isDirectory());
    expect(folders.map(({ name }) => name).toSorted()).toEqual(Object.keys(CASES).toSorted());
  });

  // A case is a folder; DROVER_GOLDEN=write writes what is rendered now, to be read before it is committed.
  test.for(Object.keys(CASES))("%s is rendered byte for byte", (name) => {
    const folder = join(import.meta.dirname, name);
    const files = rendered(name);
    if (isWriting) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    }
    const there = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")]);
    expect(files).toEqual(Object.fromEntries(there));
  });
});
