import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Certificates } from "../../../src/commands/certificates.ts";
import { readCertificates } from "../../../src/commands/certificates.ts";
import type { CertificateSource } from "../../../src/model/fleet.ts";
import type { Topology } from "../../../src/model/topology.ts";
import { FakeWorld } from "../../support/fake-world.ts";
import { topologyOf } from "../../support/fleets.ts";

const folder = mkdtempSync(join(tmpdir(), "drover-certificates-"));
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

function make(name: string, names: string, days: string): void {
  const at = (ending: string): string => join(folder, `${name}.${ending}`);
  const subject = ["-subj", "/CN=somebody", "-addext", `subjectAltName=${names}`];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", at("key")];
  execFileSync("openssl", ["req", "-x509", ...key, "-out", at("crt"), "-days", days, ...subject], { stdio: "pipe" });
}

beforeAll(() => {
  make("shop", "DNS:shop.test,DNS:*.Shop.test", "30");
  make("other", "DNS:other.test", "30");
  make("wild", "DNS:*.wild.test", "30");
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Asked {
  readonly hosts: readonly string[];
  readonly now: number;
  readonly served: readonly string[];
}

/** Reads one certificate of the set `edge` out of a folder in memory, for an app with these hosts, at some time. */
async function readOne(
  files: Readonly<Record<string, string>>,
  source: Omit<CertificateSource, "name">,
  { hosts = ["shop.test"], now = Date.now(), served = [] }: Partial<Asked> = {},
): Promise<Certificates> {
  const world = new FakeWorld("1.0", "");
  for (const [path, text] of Object.entries(files)) world.files.texts.set(path, text);
  let found: Certificates | null = null;
  await world.run(async (context) => {
    const clock = { ...context.clock, now: () => now };
    const fleet = topology({ ...source, name: "shop" }, hosts);
    found = await readCertificates({ ...context, clock }, fleet, {
      fingerprintKey: "00".repeat(32),
      served: new Set(served),
    });
    return 0;
  });
  if (found === null) throw new Error("nothing was read");
  return found;
}

function topology(source: CertificateSource, hosts: readonly string[]): Topology {
  const app = { name: "shop", release: "1", hosts: ["app1"], sets: ["edge"], rollout: {} };
  const plain = topologyOf({ hosts: ["app1"], balancers: { edge: ["lb1"] }, apps: [app] });
  const route = { kind: "http", lb: "edge", hosts, path: "/", tls: "auto", redirect: true } as const;
  return {
    ...plain,
    balancers: plain.balancers.map((set) => ({ ...set, certificates: [source] })),
    apps: plain.apps.map((each) => ({ ...each, routes: [route] })),
  };
}

const bundle = { chain: { kind: "file", path: "shop.pem" }, key: null } as const;

describe("a certificate", () => {
  test("is read from one file, or from a chain and a key, to the same bytes", async () => {
    const one = await readOne({ "shop.pem": `${read("shop.crt")}\n# a comment\n${read("shop.key")}` }, bundle);
    const two = await readOne(
      { "shop.crt": read("shop.crt"), "shop.key": read("shop.key") },
      { chain: { kind: "file", path: "shop.crt" }, key: { kind: "file", path: "shop.key" } },
    );
    expect(one.problems).toEqual([]);
    expect(one.bySet.get("edge")).toEqual(two.bySet.get("edge"));
    expect(one.bySet.get("edge")?.[0]?.names).toEqual(["shop.test", "*.shop.test"]);
    const bytes = Buffer.from(one.secrets.get("lb/edge/shop")?.reveal() ?? []).toString();
    expect(bytes).not.toContain("\n\n");
    expect(bytes).not.toContain("comment");
    expect(JSON.stringify([...one.bySet])).not.toContain("PRIVATE");
  });

  test.for([
    ["that is not PEM", (): string => "nonsense", "expected PEM"],
    ["without a key", (): string => read("shop.crt"), "its key: expected PEM"],
    [
      "with another one's key",
      (): string => `${read("shop.crt")}${read("other.key")}`,
      "the key is another certificate's",
    ],
  ] as const)("%s is refused, and nothing of it is shown", async ([, text, says]) => {
    const { problems } = await readOne({ "shop.pem": text() }, bundle);
    expect(problems).toMatchObject([{ code: "certificate" }]);
    expect(problems[0]?.message).toContain(says);
    expect(JSON.stringify(problems)).not.toContain("BEGIN");
  });

  test("that is not there is named", async () => {
    const { problems } = await readOne({}, bundle);
    expect(problems[0]?.message).toBe("certificate shop of edge: the file shop.pem is not there");
  });

  test("that has ended is refused with its day", async () => {
    const files = { "shop.pem": `${read("shop.crt")}${read("shop.key")}` };
    const { problems } = await readOne(files, bundle, { now: Date.now() + 31 * 86_400_000 });
    expect(problems[0]?.message).toMatch(/^certificate shop of edge \(shop\.pem\) ended on \d{4}-\d{2}-\d{2}$/);
  });

  test("that has ended keeps nobody from changing something else where it is served already", async () => {
    const files = { "shop.pem": `${read("shop.crt")}${read("shop.key")}` };
    const good = await readOne(files, bundle);
    const served = good.bySet.get("edge")?.map(({ fingerprint }) => fingerprint) ?? [];
    const { problems, bySet } = await readOne(files, bundle, { now: Date.now() + 31 * 86_400_000, served });
    expect(problems).toEqual([]);
    expect(bySet).toEqual(good.bySet);
  });

  test("that does not cover a route's host is a problem of the app's file", async () => {
    const { problems } = await readOne({ "shop.pem": `${read("shop.crt")}${read("shop.key")}` }, bundle, {
      hosts: ["a.b.shop.test"],
    });
    expect(problems[0]?.message).toContain(
      "apps/shop.yaml: no certificate of edge covers a.b.shop.test; they cover shop.test, *.shop.test",
    );
  });
});

test.for([
  ["other", "other.test", true],
  ["other", "*.test", false],
  ["wild", "a.wild.test", true],
  ["wild", "*.wild.test", true],
  ["wild", "wild.test", false],
  ["wild", "a.b.wild.test", false],
] as const)("the certificate %s covers %s: %s", async ([name, host, expected]) => {
  const files = { "shop.pem": `${read(`${name}.crt`)}${read(`${name}.key`)}` };
  const { problems } = await readOne(files, bundle, { hosts: [host] });
  expect(problems.length === 0).toBe(expected);
});
