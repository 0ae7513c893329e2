import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bundleHash } from "../../../src/lb/bundle.ts";
import { changeOf, hashesOf } from "../../../src/lb/change.ts";
import { setAddress, setDisabled } from "../../../src/lb/normalize.ts";
import type { LbRender } from "../../../src/lb/render.ts";
import { parseSections } from "../../../src/lb/sections.ts";
import { sha256 } from "../../../src/model/hash.ts";
import type { LbCertificate, LbChange, LbModel } from "../../../src/model/lb.ts";
import { shop, shopModel, shopRender } from "../../support/balancer.ts";
import { shopWith } from "../../support/bundle-contract.ts";

const applied = (render: LbRender) => ({ config: render.config, files: hashesOf(render) });
const between = (before: LbModel, after: LbModel, marks: readonly string[] = []): LbChange =>
  changeOf(applied(shopRender([], before)), shopRender(marks, after));
const servers = shopModel().apps["shop"]?.servers ?? [];
const certificate = (name: string, version = 1): LbCertificate => ({
  name,
  fingerprint: String(version).repeat(64),
  names: [`${name}.lab.internal`],
});
const kinds = (change: LbChange): readonly string[] =>
  change.kind === "runtime" ? change.edits.map(({ kind }) => kind) : [change.kind];

describe("what a change needs", () => {
  test("nothing, where nothing differs or only marks do", () => {
    expect(between(shopModel(), shopModel())).toEqual({ kind: "runtime", why: [], edits: [] });
    expect(between(shopModel(), shopModel(), ["app1"])).toEqual({ kind: "runtime", why: [], edits: [] });
  });

  test("comments and empty lines are read by nobody", () => {
    const render = shopRender();
    const config = render.config.replace("\nfrontend", "\n\n# more about it\nfrontend");
    expect(changeOf(applied(render), { ...render, config })).toEqual({ kind: "runtime", why: [], edits: [] });
  });

  test("a file that somebody took away: a reload; one that nothing names: it only goes", () => {
    const render = shopRender();
    const { config, files } = applied(render);
    const [path = "", hash = ""] = Object.entries(files)[0] ?? [];
    const fewer = Object.fromEntries(Object.entries(files).filter(([each]) => each !== path));
    expect(changeOf({ config, files: fewer }, render)).toEqual({ kind: "reload", why: [`${path} is missing`] });
    const more = { ...files, [`${path}.old`]: hash };
    const why = [`${path}.old is left over`];
    expect(changeOf({ config, files: more }, render)).toEqual({ kind: "runtime", why, edits: [] });
  });

  test("a server that comes or goes: runtime, with all of its line but the mark", () => {
    const fewer = shopWith({ servers: servers.slice(0, 2) });
    const change = between(fewer, shopModel(), ["app3"]);
    expect(change).toMatchObject({ kind: "runtime", why: ["server shop/app3 is new"] });
    const [edit] = change.kind === "runtime" ? change.edits : [];
    expect(edit).toMatchObject({ kind: "server-add", server: shop("app3") });
    expect(edit?.kind === "server-add" && edit.line).toMatch(/^192\.168\.56\.23:8080 check .*rise 3/);
    expect(edit?.kind === "server-add" && edit.line).not.toContain("disabled");
    expect(between(shopModel(), fewer)).toEqual({
      kind: "runtime",
      why: ["server shop/app3 leaves"],
      edits: [{ kind: "server-remove", server: shop("app3") }],
    });
  });

  test("another address: at runtime while the server is drained, else a reload", () => {
    const moved = shopWith({ servers: servers.map((server) => ({ ...server, port: 9090 })) });
    expect(kinds(between(shopModel(), moved, ["app1", "app2", "app3"]))).toEqual(
      servers.flatMap(() => ["server-remove", "server-add"]),
    );
    expect(between(shopModel(), moved, ["app1"])).toMatchObject({
      kind: "reload",
      why: ["server shop/app2 changed", "server shop/app3 changed"],
    });
  });

  test("a route of a known app: its map; an app that is new or gone: a reload", () => {
    const routes = ["shop.lab.internal", "store.lab.internal"].map(
      (host) => ({ kind: "http", host, path: "/", tls: "none" }) as const,
    );
    const change = between(shopModel(), shopWith({ routes }));
    expect(change).toMatchObject({ kind: "runtime", why: ["the entries of http.map changed"] });
    expect(kinds(change)).toEqual(["map"]);
    const none: LbModel = { ...shopModel(), apps: {} };
    expect(between(none, shopModel())).toMatchObject({ kind: "reload" });
    expect(between(none, shopModel()).why).toContain("backend shop is new");
    expect(between(shopModel(), none).why).toContain("backend shop is gone");
  });

  test("certificates: renewed, new and gone at runtime; the first, and a list in another order, by a reload", () => {
    const with_ = (...all: readonly LbCertificate[]): LbModel => shopWith({}, all);
    const [a, b] = [certificate("a"), certificate("b")];
    expect(kinds(between(with_(a), with_(certificate("a", 2))))).toEqual(["certificate-renew"]);
    expect(kinds(between(with_(a), with_(a, b)))).toEqual(["certificate-add"]);
    expect(kinds(between(with_(a, b), with_(a)))).toEqual(["certificate-remove"]);
    expect(kinds(between(with_(a), with_(certificate("a", 2), b)))).toEqual(["certificate-renew", "certificate-add"]);
    expect(between(with_(a), with_(b, a))).toEqual({ kind: "reload", why: ["the list of certificates changed"] });
    expect(between(with_(a, b), with_(b, a))).toEqual({ kind: "reload", why: ["the list of certificates changed"] });
    expect(kinds(between(with_(), with_(a)))).toEqual(["reload"]);
  });

  test("settings, and a balancer that can be told of no new server: a reload", () => {
    const render = shopRender();
    const { config } = render;
    const other = { ...render, config: config.replace(/timeout tunnel \S+/, "timeout tunnel 7s") };
    expect(changeOf(applied(render), other)).toEqual({ kind: "reload", why: ["defaults changed"] });
    const fixed = (text: string): string => text.replace("balance roundrobin", "balance source");
    const fewer = shopRender([], shopWith({ servers: servers.slice(0, 2) }));
    expect(changeOf({ ...applied(fewer), config: fixed(fewer.config) }, { ...render, config: fixed(config) })).toEqual({
      kind: "reload",
      why: ["server shop/app3 is new"],
    });
    expect(changeOf(null, render)).toMatchObject({ kind: "reload" });
  });
});

/** Models that differ in servers and routes. */
const models = fc
  .record({
    names: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
    ports: fc.array(fc.constantFrom(8080, 9090), { minLength: 9, maxLength: 9 }),
    hosts: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1 }),
  })
  .map(({ names, ports, hosts }) =>
    shopWith({
      servers: names.map((n) => ({ name: `app${n}`, address: `192.0.2.${n}`, port: ports[n - 1] ?? 8080 })),
      routes: hosts.map((host) => ({ kind: "http", host: `${host}.lab.internal`, path: "/", tls: "none" })),
    }),
  );

test("edits are exactly what leads from one text to the other, or a reload is asked for", () => {
  fc.assert(
    fc.property(models, models, fc.boolean(), (before, after, drained) => {
      const names = after.apps["shop"]?.servers.map(({ name }) => name) ?? [];
      const [old, next] = [shopRender([], before), shopRender(drained ? names : [], after)];
      const change = changeOf(applied(old), next);
      if (change.kind !== "runtime") return;
      const lines = (render: LbRender): Map<string, string> =>
        new Map(
          parseSections(render.config).flatMap((section) =>
            section.servers.map(({ ref, line }) => [`${ref.backend}/${ref.server}`, line] as const),
          ),
        );
      const has = lines(old);
      for (const edit of change.edits) {
        if (edit.kind === "server-remove") has.delete(`${edit.server.backend}/${edit.server.server}`);
        if (edit.kind === "server-add") {
          const name = `${edit.server.backend}/${edit.server.server}`;
          expect(has.has(name)).toBe(false);
          has.set(name, edit.line);
        }
      }
      expect(Object.fromEntries(has)).toEqual(Object.fromEntries(lines(next)));
      const touched = change.edits.flatMap((edit) => (edit.kind === "map" ? [edit.path] : []));
      const files = hashesOf(next);
      expect(Object.keys(files).filter((path) => files[path] !== hashesOf(old)[path])).toEqual(touched);
    }),
    { numRuns: 60 },
  );
});

test("an address is put into one server's line and nothing else", () => {
  const { config } = shopRender(["app2"]);
  const moved = setAddress(config, shop("app2"), { address: "fd00::2", port: 81 });
  expect(moved).toContain("server app2 [fd00::2]:81 check");
  expect(setAddress(moved, shop("app2"), { address: "192.168.56.22", port: 8080 })).toBe(config);
  expect(setDisabled(moved, shop("app2"), false)).not.toBe(moved);
});

test("a bundle's hash is haproxy.cfg's own where that is all there is, and tells every file apart", () => {
  expect(bundleHash("a", {})).toBe(sha256("a"));
  expect(bundleHash("a", { "/x": "1" })).not.toBe(bundleHash("a", { "/x": "2" }));
});
