import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { renderLb } from "../../../src/lb/render.ts";
import type { LbRender } from "../../../src/lb/render.ts";
import { HAPROXY_TEMPLATE } from "../../support/balancer.ts";
import { realHaproxy } from "../../support/haproxy.ts";
import { CASES } from "./cases.ts";

const real = realHaproxy();
afterAll(() => real?.close());

const render = (name: string): LbRender => {
  const { model, disabled } = CASES[name] ?? { model: { set: null, apps: {} }, disabled: [] };
  return renderLb(HAPROXY_TEMPLATE, model, new Set(disabled));
};

/** A render as a folder holds it; certificates are not text. */
function asFiles({ config, files }: LbRender): Readonly<Record<string, string>> {
  const texts = files.filter((file) => file.kind === "text").map((file) => [basename(file.path), file.text]);
  return Object.fromEntries([["haproxy.cfg", config], ...texts]);
}

describe("haproxy.cfg and its files", () => {
  test("there is a folder for every case, and no other", () => {
    const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((each) => each.isDirectory());
    if (process.env["DROVER_GOLDEN"] !== "write") {
      expect(folders.map(({ name }) => name).toSorted()).toEqual(Object.keys(CASES).toSorted());
    }
  });

  // A case is a folder; DROVER_GOLDEN=write writes what is rendered now, to be read before it is committed.
  test.for(Object.keys(CASES))("%s is rendered byte for byte", (name) => {
    const folder = join(import.meta.dirname, name);
    const rendered = asFiles(render(name));
    if (process.env["DROVER_GOLDEN"] === "write") {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      for (const [file, text] of Object.entries(rendered)) writeFileSync(join(folder, file), text);
    }
    const there = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")]);
    expect(rendered).toEqual(Object.fromEntries(there));
  });

  test.skipIf(real === null).for(Object.keys(CASES))("%s is taken by HAProxy without a warning", (name) => {
    expect(real?.refusal(render(name))).toBeNull();
  });
});
