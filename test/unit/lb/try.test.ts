import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { asksOf } from "../../../src/lb/asks.ts";
import { PERL_TRY } from "../../../src/lb/perl-try.ts";
import type { LbModel, LbRoute } from "../../../src/model/lb.ts";
import { shopModel } from "../../support/balancer.ts";

function modelWith(...routes: readonly LbRoute[]): LbModel {
  const model = shopModel();
  return {
    ...model,
    apps: Object.fromEntries(Object.entries(model.apps).map(([name, app]) => [name, { ...app, routes }])),
  };
}

function perl(asks: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile("perl", ["-e", PERL_TRY, "127.0.0.1"], (error, out) => {
      if (error === null) resolve(out);
      else reject(error);
    });
    child.stdin?.end(asks);
  });
}

describe("the request that shows that a balancer leads to an app", () => {
  test.for<readonly [string, LbRoute, string]>([
    ["plain http", { kind: "http", host: "a.test", path: "/", tls: "none" }, "http 80 a.test /healthz"],
    ["https", { kind: "http", host: "*.a.test", path: "/", tls: "redirect" }, "https 443 drover.a.test /healthz"],
    [
      "a prefix the check is not below",
      { kind: "http", host: null, path: "/api", tls: "none" },
      "http 80 localhost /api",
    ],
    ["a port", { kind: "port", port: 7000, mode: "http", from: "fleet" }, "http 7000 localhost /healthz"],
  ])("of %s", ([, route, expected]) => {
    const asks = asksOf(modelWith(route));
    expect(asks.map(({ scheme, port, host, path }) => `${scheme} ${String(port)} ${host} ${path}`)).toEqual([expected]);
  });

  test("is not made where nobody reads requests", () => {
    expect(asksOf(modelWith({ kind: "passthrough", host: "a.test" }))).toEqual([]);
    expect(asksOf(modelWith({ kind: "port", port: 5432, mode: "tcp", from: "anyone" }))).toEqual([]);
  });
});

describe("who answered", () => {
  test.for([
    [503, "<h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n", "haproxy\t503"],
    [404, "no such route\n", "haproxy\t404"],
    [503, "we are busy", "app\t503"],
    [200, "welcome", "app\t200"],
    [404, "there is no such route in our town\n", "app\t404"],
  ] as const)("%s %j is of %s", async ([status, body, expected]) => {
    const server = createServer((_, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const asked = perl(`shop\thttp\t${String(port)}\tshop.test\t/\n`);
    expect(await asked).toBe(`shop\t${expected}\n`);
    server.close();
  });

  test("is nobody where nobody listens, and the next app is asked all the same", async () => {
    const out = await perl("a\thttp\t1\ta.test\t/\nb\thttp\t1\tb.test\t/\n");
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => line.split("\t").slice(0, 2)),
    ).toEqual([
      ["a", "nobody"],
      ["b", "nobody"],
    ]);
  });
});
