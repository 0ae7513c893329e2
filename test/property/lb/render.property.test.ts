import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { normalizeHaproxy, setDisabled } from "../../../src/lb/normalize.ts";
import { PERL_MARK } from "../../../src/lb/perl-config.ts";
import { renderHaproxy } from "../../../src/lb/render.ts";
import type { LbApp, LbModel } from "../../../src/model/action.ts";
import { DroverError } from "../../../src/model/errors.ts";
import { HAPROXY_TEMPLATE } from "../../support/balancer.ts";

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const host = fc.stringMatching(/^[a-z0-9]{1,4}(?:[.-][a-z0-9]{1,4}){0,2}$/);
const path = fc.stringMatching(/^\/(?:[a-z]{1,3}\/?){0,3}$/).filter((text) => !text.includes("//"));
const health = fc.record({
  probe: fc.oneof(
    path.map((probe) => ({ kind: "http" as const, path: probe })),
    fc.constant({ kind: "tcp" as const }),
  ),
  interval: fc.integer({ min: 1, max: 90_000 }),
  timeout: fc.integer({ min: 1, max: 90_000 }),
  successThreshold: fc.integer({ min: 1, max: 9 }),
  failureThreshold: fc.integer({ min: 1, max: 9 }),
});
const server = fc.record({
  name: host,
  address: fc.oneof(fc.ipV4(), fc.constantFrom("fd00:56::21", "::1", "2001:db8::a:b")),
  port: fc.integer({ min: 1, max: 65_535 }),
});

/** Apps with distinct names and routes, servers with distinct names. */
const model: fc.Arbitrary<LbModel> = fc
  .uniqueArray(
    fc.record({
      app: name,
      health,
      servers: fc.uniqueArray(server, { maxLength: 4, selector: (each) => each.name }),
      paths: fc.uniqueArray(path, { minLength: 1, maxLength: 3, selector: (each) => each.replace(/\/+$/, "") }),
    }),
    { maxLength: 4, selector: (each) => each.app },
  )
  .map((apps) => ({
    apps: Object.fromEntries(
      apps.map(({ paths, ...app }): [string, LbApp] => [
        app.app,
        { ...app, routes: paths.map((each) => ({ host: `${app.app}.internal`, path: each })) },
      ]),
    ),
  }));

const refs = (of: LbModel): readonly { backend: string; server: string }[] =>
  Object.values(of.apps).flatMap(({ app, servers }) => servers.map((each) => ({ backend: app, server: each.name })));

const marked = model.chain((of) => fc.record({ of: fc.constant(of), marks: fc.subarray([...refs(of)]) }));

const render = (of: LbModel, marks: readonly { backend: string; server: string }[] = []): string =>
  renderHaproxy(HAPROXY_TEMPLATE, of, new Set(marks.map((ref) => `${ref.backend}/${ref.server}`)));

describe("haproxy.cfg", () => {
  test("rendered with marks is rendered without, then marked; and the marks come off again", () => {
    fc.assert(
      fc.property(marked, ({ of, marks }) => {
        const text = render(of, marks);
        expect(marks.reduce((each, ref) => setDisabled(each, ref, true), render(of))).toBe(text);
        expect(marks.reduce((each, ref) => setDisabled(each, ref, false), text)).toBe(render(of));
        const plain = normalizeHaproxy(text);
        expect(plain.text).toBe(render(of));
        expect([...plain.disabled].toSorted()).toEqual(marks.map((ref) => `${ref.backend}/${ref.server}`).toSorted());
      }),
    );
  });

  test("is the same bytes whatever order the model's keys are in, and ends in a newline", () => {
    fc.assert(
      fc.property(model, (of) => {
        const reversed = { apps: Object.fromEntries(Object.entries(of.apps).toReversed()) };
        expect(render(reversed)).toBe(render(of));
        expect(render(of).endsWith("\n")).toBe(true);
      }),
    );
  });

  test("never lets a value become syntax: it is refused, or stands in its place on its line", () => {
    const hostile = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom(
        "a b",
        "a\nbackend x",
        "a'b",
        'a"b',
        "a\\b",
        "a#b",
        "$HOME",
        "a{b",
        "a\rb",
        "\u0000",
        "a\u2028b",
        "/x' }",
        "-i",
      ),
    );
    const slot = fc.constantFrom("app", "host", "path", "probe", "server", "address");
    fc.assert(
      fc.property(hostile, slot, (value, where) => {
        const at = (place: typeof where, dull: string): string => (place === where ? value : dull);
        const of: LbModel = {
          apps: {
            shop: {
              app: at("app", "shop"),
              routes: [{ host: at("host", "a.internal"), path: at("path", "/") }],
              health: {
                probe: { kind: "http", path: at("probe", "/h") },
                interval: 1000,
                timeout: 1000,
                successThreshold: 1,
                failureThreshold: 1,
              },
              servers: [{ name: at("server", "app1"), address: at("address", "192.0.2.1"), port: 80 }],
            },
          },
        };
        let text: string;
        try {
          text = render(of);
        } catch (error) {
          expect(error).toBeInstanceOf(DroverError);
          return;
        }
        const shape = (each: string): string =>
          each.replaceAll(/'[^']*'/g, "''").replaceAll(/[a-z0-9][a-z0-9.:-]*/g, "w");
        expect(text.split("\n").length).toBe(DULL.split("\n").length);
        expect(shape(text).replaceAll("[w]", "w")).toBe(shape(DULL).replaceAll("[w]", "w"));
      }),
      { numRuns: 400 },
    );
  });
});

const DULL = render({
  apps: {
    shop: {
      app: "shop",
      routes: [{ host: "a.internal", path: "/" }],
      health: {
        probe: { kind: "http", path: "/h" },
        interval: 1000,
        timeout: 1000,
        successThreshold: 1,
        failureThreshold: 1,
      },
      servers: [{ name: "app1", address: "192.0.2.1", port: 80 }],
    },
  },
});

const PERL = "perl";

describe("the edit on a host", () => {
  const perl = spawnSync(PERL, ["-e", "1"]).status === 0;

  test.skipIf(!perl)("does to a file what setDisabled does to its text (needs perl)", () => {
    const folder = mkdtempSync(join(tmpdir(), "drover-mark-"));
    const file = join(folder, "haproxy.cfg");
    // The script's paths are constants; here they lead into a folder of the test's own.
    const script = PERL_MARK.replaceAll("/etc/haproxy/haproxy.cfg", file).replaceAll("/run/drover", folder);
    try {
      fc.assert(
        fc.property(marked, fc.boolean(), ({ of, marks }, disabled) => {
          const text = `# not drover's\n${render(of, marks)}\nlisten more\n    server app1 192.0.2.9:1 disabled\n`;
          for (const ref of refs(of).slice(0, 2)) {
            writeFileSync(file, text);
            const ran = spawnSync(PERL, ["-e", script, ref.backend, ref.server, disabled ? "on" : "off"], {
              encoding: "utf8",
            });
            expect(ran.stderr).toBe("");
            const edited = readFileSync(file, "utf8");
            expect(edited).toBe(setDisabled(text, ref, disabled));
            const rows = readFileSync(join(folder, "haproxy.state"), "utf8").match(/^0 .*$/gm) ?? [];
            expect(rows.map((row) => row.split(" ").slice(0, 7).join(" "))).toHaveLength(
              normalizeHaproxy(edited).disabled.size,
            );
          }
        }),
        { numRuns: 20 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
