import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { normalizeHaproxy, setDisabled } from "../../../src/lb/normalize.ts";
import { PERL_MARK } from "../../../src/lb/perl-config.ts";
import type { LbRender } from "../../../src/lb/render.ts";
import { renderLb } from "../../../src/lb/render.ts";
import type { LbApp, LbFollow, LbModel } from "../../../src/model/lb.ts";
import { DroverError } from "../../../src/model/errors.ts";
import { BALANCING, EDGE, HAPROXY_TEMPLATE } from "../../support/balancer.ts";
import { realHaproxy } from "../../support/haproxy.ts";

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

/** A service that is followed; its name is no app's. */
const service = fc.record({
  app: name.map((text) => `f-${text}`),
  health,
  slots: fc.integer({ min: 1, max: 100 }),
  nameservers: fc.array(fc.record({ address: server.map(({ address }) => address), port: fc.constantFrom(53, 5353) }), {
    minLength: 1,
    maxLength: 3,
  }),
  label: fc.stringMatching(/^[a-z0-9]{1,8}$/),
});

const follow: fc.Arbitrary<readonly LbFollow[]> = fc
  .uniqueArray(service, { maxLength: 2, selector: (each) => each.app })
  .map((services) =>
    services
      .map(({ label, ...each }): LbFollow => ({
        ...each,
        srv: `_${label}._tcp.svc.example.com`,
        balancing: BALANCING,
        checkHost: `${each.app}.internal`,
        routes: [{ kind: "http", host: `${each.app}.internal`, path: "/", tls: "none" }],
      }))
      .toSorted((left, right) => (left.app < right.app ? -1 : 1)),
  );

/** Apps with distinct names and routes, servers with distinct names. */
const apps: fc.Arbitrary<LbModel["apps"]> = fc
  .uniqueArray(
    fc.record({
      app: name,
      health,
      servers: fc.uniqueArray(server, { maxLength: 4, selector: (each) => each.name }),
      paths: fc.uniqueArray(path, { minLength: 1, maxLength: 3, selector: (each) => each.replace(/\/+$/, "") }),
    }),
    { maxLength: 4, selector: (each) => each.app },
  )
  .map((all) =>
    Object.fromEntries(
      all.map(({ paths, ...app }): [string, LbApp] => [
        app.app,
        {
          ...app,
          balancing: BALANCING,
          checkHost: `${app.app}.internal`,
          routes: paths.map((each) => ({ kind: "http", host: `${app.app}.internal`, path: each, tls: "none" })),
        },
      ]),
    ),
  );

const model: fc.Arbitrary<LbModel> = fc
  .tuple(apps, follow)
  .map(([all, services]) => ({ set: services.length === 0 ? EDGE : { ...EDGE, follow: services }, apps: all }));

const refs = (of: LbModel): readonly { backend: string; server: string }[] =>
  Object.values(of.apps).flatMap(({ app, servers }) => servers.map((each) => ({ backend: app, server: each.name })));

const marked = model.chain((of) => fc.record({ of: fc.constant(of), marks: fc.subarray([...refs(of)]) }));

const render = (of: LbModel, marks: readonly { backend: string; server: string }[] = []): string =>
  renderLb(HAPROXY_TEMPLATE, of, new Set(marks.map((ref) => `${ref.backend}/${ref.server}`))).config;

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
        const reversed: LbModel = { ...of, apps: Object.fromEntries(Object.entries(of.apps).toReversed()) };
        expect(render(reversed)).toBe(render(of));
        expect(render(of).endsWith("\n")).toBe(true);
      }),
    );
  });

  const real = realHaproxy();
  afterAll(() => real?.close());

  test.skipIf(real === null)("is taken by HAProxy without a warning, whatever is routed and followed", () => {
    for (const of of fc.sample(model, { numRuns: 6 })) {
      expect(real?.refusal(renderLb(HAPROXY_TEMPLATE, of, new Set()))).toBeNull();
    }
  });

  test("never lets a value become syntax: it is refused, or stands in its place, and HAProxy takes the file", () => {
    const dull = directives(slotted({}));
    const root = directives(slotted({ path: "/" }));
    const taken = new Map<Slot, Set<string>>(SLOTS.map((slot) => [slot, new Set()]));
    fc.assert(
      fc.property(hostile, fc.constantFrom(...SLOTS), (value, slot) => {
        let rendered: LbRender;
        try {
          rendered = slotted({ [slot]: value });
        } catch (error) {
          expect(error).toBeInstanceOf(DroverError);
          return;
        }
        taken.get(slot)?.add(value);
        expect(directives(rendered)).toEqual(slot === "path" && isRoot(value) ? root : dull);
      }),
      // The root is a rare find, and shapes a map of its own.
      { numRuns: 600, examples: [["/", "path"]] },
    );
    // HAProxy does not know every word that could be a cipher's name.
    taken.delete("cipher");
    taken.delete("suite");
    expect([...taken.values()].reduce((sum, { size }) => sum + size, 0)).toBeGreaterThan(20);
    // A process of HAProxy takes a while: each is given a value for every place at once.
    for (let file = 0; real !== null && file < 8; file += 1) {
      const values = new Map<string, Slot>();
      // Of two places of the same value the later has it: no two routes may be the same.
      for (const [slot, found] of taken) values.set([...found][file] ?? "", slot);
      values.delete("");
      const placed = Object.fromEntries([...values].map(([value, slot]) => [slot, value]));
      expect(real.refusal(slotted(placed)), JSON.stringify(placed)).toBeNull();
    }
  });

  test("a route at the root has one line more: what issuers of certificates ask for stays out of its redirect", () => {
    const lines = ({ files }: LbRender): readonly string[] =>
      files.flatMap((file) => (file.kind === "text" && file.path.endsWith("/http.map") ? file.text.split("\n") : []));
    const [root, dull] = [lines(slotted({ path: "/" })), lines(slotted({}))];
    expect(root).toHaveLength(dull.length + 1);
    expect(root).toContain("a.internal/.well-known/acme-challenge/ shop");
    expect(dull.join("\n")).not.toContain("acme-challenge");
  });

  test("a directive too many would be seen", () => {
    const { config, files } = slotted({});
    const dull = directives({ config, files });
    expect(directives({ config: config.replace("'x'", "'x' if TRUE"), files })).not.toEqual(dull);
    expect(directives({ config: `${config}backend x\n`, files })).not.toEqual(dull);
  });
});

const SLOTS = [
  "app",
  "host",
  "check-host",
  "path",
  "probe",
  "server",
  "address",
  "certificate",
  "cipher",
  "suite",
  "log",
  "metrics",
  "request-name",
  "request-value",
  "response-name",
  "response-value",
  "set-value",
  "passthrough",
  "followed",
  "srv",
  "nameserver",
] as const;

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom("a", "b.", "'", '"', "\\", "$", "{", "}", "%", "#", " ", "/", "-", "[", "]", "("),
    maxLength: 12,
  }),
  fc.constantFrom(
    "a b",
    "a\nbackend x",
    "a'b",
    'a"b',
    "a\\",
    "a#b",
    "$HOME",
    "${HOME}",
    "%[src]",
    "100%",
    "%{+Q}o",
    "a{b",
    "a\rb",
    "\u0000",
    "a\u2028b",
    "/x' }",
    "-i",
    "*.a",
    "*",
    "..",
    "default-src 'self'; \"x\" \\ $y # z",
  ),
);

type Slot = (typeof SLOTS)[number];

/** Everything of a host, however many slashes say so. */
function isRoot(path: string): boolean {
  return /^\/+$/.test(path);
}

/** A model that uses everything, dull but for these values in their places. */
function slotted(values: Partial<Record<Slot, string>>): LbRender {
  const at = (place: Slot, plain: string): string => values[place] ?? plain;
  const { settings } = EDGE;
  const health = {
    probe: { kind: "http" as const, path: at("probe", "/h") },
    interval: 1000,
    timeout: 1000,
    successThreshold: 1,
    failureThreshold: 1,
  };
  const headers = {
    request: { [at("request-name", "X-A")]: at("request-value", "x") },
    response: { [at("response-name", "X-B")]: at("response-value", "x") },
  };
  const servers = [{ name: at("server", "app1"), address: at("address", "192.0.2.1"), port: 80 }];
  const shop = at("app", "shop");
  return renderLb(
    HAPROXY_TEMPLATE,
    {
      set: {
        ...EDGE,
        settings: {
          ...settings,
          tls: {
            ...settings.tls,
            ciphers: [at("cipher", "ECDHE-RSA-AES128-GCM-SHA256")],
            cipherSuites: [at("suite", "TLS_AES_128_GCM_SHA256")],
          },
          metrics: { address: at("metrics", "127.0.0.1"), port: 8404 },
          log: { target: at("log", "/dev/log"), requests: true },
          responseHeaders: { "X-C": at("set-value", "x") },
        },
        certificates: [{ name: at("certificate", "shop"), fingerprint: "aa", names: [] }],
        follow: [
          {
            app: at("followed", "billing"),
            routes: [{ kind: "http", host: "billing.internal", path: "/b", tls: "redirect" }],
            checkHost: "billing.internal",
            health,
            balancing: BALANCING,
            srv: at("srv", "_billing._tcp.svc.internal"),
            slots: 3,
            nameservers: [{ address: at("nameserver", "192.0.2.53"), port: 53 }],
          },
        ],
      },
      apps: {
        shop: {
          app: shop,
          routes: [{ kind: "http", host: at("host", "a.internal"), path: at("path", "/x"), tls: "redirect" }],
          checkHost: at("check-host", "a.internal"),
          health,
          balancing: { ...BALANCING, headers },
          servers,
        },
        vault: {
          app: "vault",
          routes: [{ kind: "passthrough", host: at("passthrough", "v.internal") }],
          checkHost: "v.internal",
          health,
          balancing: BALANCING,
          servers,
        },
      },
    },
    new Set(),
  );
}

/** The words of a line as configuration.txt §2.2 cuts them; quoting and escapes taken off. */
function words(line: string): readonly string[] {
  const found = line.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\#])+|#.*/g) ?? [];
  return found.filter((word) => !word.startsWith("#"));
}

/** What HAProxy would do, values aside: keyword and number of words of each line, and how many lines each file has. */
function directives({ config, files }: LbRender): unknown {
  return {
    // The order of two backends follows from their names.
    lines: config
      .split("\n")
      .map((line) => `${words(line)[0] ?? ""} ${words(line).length}`)
      .toSorted(),
    files: files.map((file) =>
      file.kind === "text"
        ? file.text.split("\n").map((line) => (line.startsWith("#") ? 0 : line.split(/\s/).length))
        : 0,
    ),
  };
}

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
        { numRuns: 8 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
