import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderHaproxy } from "../../../src/lb/render.ts";
import type { LbModel } from "../../../src/model/action.ts";
import { HAPROXY_TEMPLATE } from "../../support/balancer.ts";

interface Case {
  readonly model: LbModel;
  readonly disabled: readonly string[];
}

const cases = readdirSync(import.meta.dirname).filter((name) => existsSync(join(import.meta.dirname, name, "model.json")));

function read(name: string): Case {
  return JSON.parse(readFileSync(join(import.meta.dirname, name, "model.json"), "utf8")) as Case;
}

describe("haproxy.cfg", () => {
  test("the cases are there", () => expect(cases.length).toBeGreaterThanOrEqual(5));

  // A case is a folder; DROVER_GOLDEN=write writes what is rendered now, to be read before it is committed.
  test.for(cases)("%s is rendered byte for byte", (name) => {
    const { model, disabled } = read(name);
    const text = renderHaproxy(HAPROXY_TEMPLATE, model, new Set(disabled));
    const path = join(import.meta.dirname, name, "haproxy.cfg");
    if (process.env["DROVER_GOLDEN"] === "write") writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, "utf8"));
  });
});
