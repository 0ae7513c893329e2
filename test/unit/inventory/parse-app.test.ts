import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/inventory/diagnostics.ts";
import { parseApp } from "../../../src/inventory/parse-app.ts";

const shop = [
  "app: shop # ours",
  'hosts: "role=app"',
  'release: "1.4.2"',
  "artifact: shop-{{release}}.tar",
  "run: ./shop",
];

/** The errors of an app file with more lines at its end. */
function errorsWith(...lines: readonly string[]): readonly string[] {
  return parseApp("a.yaml", [...shop, ...lines].join("\n")).diagnostics.map(formatDiagnostic);
}

describe("what an app file leaves out", () => {
  test("a worker is healthy while its process runs", () => {
    expect(parseApp("a.yaml", shop.join("\n")).app).toMatchObject({
      port: null,
      health: { probe: { kind: "process" } },
    });
  });

  test("an app with a port is healthy when the port answers", () => {
    const { app } = parseApp("a.yaml", [...shop, "port: 8080", "health: {interval: 2s}"].join("\n"));
    expect(app).toMatchObject({ port: 8080, health: { probe: { kind: "tcp" }, interval: 2000, timeout: 2000 } });
  });
});

describe("a release given on the command line stands in for the file's", () => {
  test("everywhere it is filled in", () => {
    const { app } = parseApp("a.yaml", shop.join("\n"), "1.10");
    expect(app).toMatchObject({ release: "1.10", artifact: { path: "shop-1.10.tar" } });
  });

  test("even where the file's own is wrong", () => {
    const text = shop.join("\n").replace('"1.4.2"', "1.4");
    expect(parseApp("a.yaml", text, "1.5.0").app).toMatchObject({ release: "1.5.0" });
  });

  test("and is checked like the file's", () => {
    const { app, diagnostics } = parseApp("a.yaml", shop.join("\n"), "../../etc");
    expect(app).toBeNull();
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      'a.yaml:3:10 release: expected a release of letters, digits and ._+~- without "..", at most 64, got "../../etc"',
    ]);
  });

  test("and is checked for control characters too", () => {
    expect(parseApp("a.yaml", shop.join("\n"), "1\n2").app).toBeNull();
  });
});

describe("the program", () => {
  test.for(["shop", "./bin/shop", "bin/my.shop", "/usr/bin/java", ".shop", "..shop/x"])("may be %s", (program) => {
    expect(parseApp("a.yaml", shop.join("\n").replace("./shop", `"${program} x"`)).app?.run).toEqual([program, "x"]);
  });

  test.for(["..", "../shop", "bin/../../shop", "/opt/../etc/x", ".", "./", "/", "bin/", "bin/.", "''"])(
    "may not be %s",
    (program) => {
      expect(parseApp("a.yaml", shop.join("\n").replace("./shop", `"${program} x"`)).app).toBeNull();
    },
  );
});

test("text that systemd or the kernel would refuse is refused here", () => {
  expect(parseApp("a.yaml", shop.join("\n").replace("./shop", String.raw`./sh\"op`)).diagnostics).toHaveLength(1);
  expect(errorsWith(String.raw`env: {A: "\uFFFE", B: "\uD800"}`)).toHaveLength(2);
  expect(errorsWith(`env: {A: ${"x".repeat(200_000)}}`)).toEqual([
    "a.yaml:6:10 env.A: expected at most 30000 characters, got 200000",
  ]);
});

describe("routes and checks", () => {
  test.for(["/", "/api", "/api/v1.2", "/a~b/@c:d/+"])("a route may lead to %s", (path) => {
    expect(errorsWith("port: 8080", `routes: [{lb: edge, host: a.b, path: "${path}"}]`)).toEqual([]);
  });

  test.for(["api", "/api/", "//", "/a//b", "/a/../b", "/.", "/a?b", "/a b", "/a%2e", "/é", "/a#b", "/a'b", ""])(
    "a route may not lead to %j",
    (path) => {
      expect(errorsWith("port: 8080", `routes: [{lb: edge, host: a.b, path: "${path}"}]`)).toHaveLength(1);
    },
  );

  test.for([
    "Shop.test",
    "shop.test:80",
    "-a",
    "a-.b",
    "a..b",
    "*",
    "*.",
    "*b",
    "*.*.b",
    "a.*.b",
    "a_b",
    "",
    "10.0.0.1 x",
  ])("a route's host may not be %j", (host) => {
    expect(errorsWith("port: 8080", `routes: [{lb: edge, host: "${host}"}]`)).toHaveLength(1);
  });

  test("a route without more says https where there are certificates, and a redirect to it", () => {
    const text = [...shop, "port: 8080", 'routes: [{lb: edge, host: "*.b"}, {lb: edge, path: /x}]'].join("\n");
    const kept = { kind: "http", lb: "edge", tls: "auto", redirect: true };
    expect(parseApp("a.yaml", text).app?.routes).toEqual([
      { ...kept, hosts: ["*.b"], path: "/" },
      { ...kept, hosts: [], path: "/x" },
    ]);
  });

  test("a port of the balancers is TCP from anyone unless it says otherwise", () => {
    const text = [...shop, "port: 8080", "routes: [{lb: edge, port: 5432}]"].join("\n");
    expect(parseApp("a.yaml", text).app?.routes).toEqual([
      { kind: "port", lb: "edge", port: 5432, mode: "tcp", from: "anyone" },
    ]);
  });
});
