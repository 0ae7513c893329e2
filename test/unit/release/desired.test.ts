import { describe, expect, test } from "vitest";
import { isAppName, isReleaseId, isSecretName, programPath } from "../../../src/release/artifact.ts";
import { desiredInstance, type DesiredInput } from "../../../src/release/desired.ts";
import { renderUnit } from "../../../src/release/render.ts";
import { desiredOn, exampleApp, TEMPLATES } from "../../support/release.ts";

const instance = { app: "shop", host: "app1", address: "192.0.2.1", port: 8080, weight: 1 };
const input: DesiredInput = {
  instance,
  app: exampleApp(),
  artifactSha256: "a".repeat(64),
  secrets: {},
  variables: {},
  templates: TEMPLATES,
};

const releaseId = (from: DesiredInput): string => desiredInstance(from).release;

describe("a desired instance", () => {
  test("has an id made of the release and of all that decides what runs", () => {
    const id = releaseId(input);
    expect(id).toMatch(/^1\.4\.0-[0-9a-f]{12}$/);
    const others = [
      { ...input, artifactSha256: "b".repeat(64) },
      { ...input, app: exampleApp({ run: ["./bin/shop"] }) },
      { ...input, app: exampleApp({ env: { LOG_LEVEL: "debug" } }) },
      { ...input, app: exampleApp({ port: 8081 }) },
      { ...input, secrets: { TOKEN: "f".repeat(64) } },
      { ...input, variables: { ORDERS_SRV: "_orders._tcp.svc.test" } },
      { ...input, templates: { ...TEMPLATES, unit: `${TEMPLATES.unit}# changed\n` } },
    ].map(releaseId);
    expect(new Set([id, ...others]).size).toBe(others.length + 1);
  });

  test("has the same id on every host, and whatever order the variables stand in", () => {
    const ids = ["app1", "app2"].map((host) => desiredOn(host, "192.0.2.1", exampleApp()).release);
    expect(new Set(ids).size).toBe(1);
    const reordered = [
      { A: "1", B: "2" },
      { B: "2", A: "1" },
    ].map((env) => releaseId({ ...input, app: exampleApp({ env }) }));
    expect(new Set(reordered).size).toBe(1);
  });

  test("is said in a drop-in with absolute paths", () => {
    const { release, dropIn, secrets } = desiredInstance({ ...input, secrets: { B: "1", A: "2" } });
    const directory = `/opt/drover/shop/releases/${release}`;
    expect(secrets).toEqual(["A", "B"]);
    expect(dropIn.split("\n")).toEqual([
      `# Written by drover: release ${release}`,
      "[Service]",
      `WorkingDirectory=${directory}`,
      "ExecStart=",
      `ExecStart=:"${directory}/bin/shop" "--port" "8080"`,
      'Environment="LOG_LEVEL=info"',
      `LoadCredential=A:/var/lib/drover/credentials/shop/${release}/A`,
      `LoadCredential=B:/var/lib/drover/credentials/shop/${release}/B`,
      "",
    ]);
  });

  test("finds in its environment whom it talks to, unless its own file says so", () => {
    const variables = { ORDERS_SRV: "_orders._tcp.svc.test", LOG_LEVEL: "debug" };
    const lines = desiredInstance({ ...input, variables }).dropIn.split("\n");
    expect(lines.filter((line) => line.startsWith("Environment="))).toEqual([
      'Environment="LOG_LEVEL=info"',
      'Environment="ORDERS_SRV=_orders._tcp.svc.test"',
    ]);
    expect(releaseId({ ...input, variables: { LOG_LEVEL: "debug" } })).toBe(releaseId(input));
  });

  test("may run a program of the host", () => {
    const app = exampleApp({
      run: ["/usr/bin/java", "-jar", "shop.jar"],
      artifact: { kind: "url", url: "https://x.test/a/shop.jar?v=1", sha256: "a" },
    });
    const desired = desiredOn("app1", "192.0.2.1", app);
    expect(desired.dropIn).toContain('ExecStart=:"/usr/bin/java" "-jar" "shop.jar"');
    expect(desired.program).toBe("shop.jar");
  });

  test("runs under a user of its own, restarts for ever and is hardened", () => {
    const unit = renderUnit(TEMPLATES.unit, "shop");
    for (const line of [
      "User=drover-shop",
      "Restart=always",
      "StartLimitIntervalSec=0",
      "NoNewPrivileges=yes",
      "CapabilityBoundingSet=",
    ])
      expect(unit.split("\n")).toContain(line);
    expect(unit).not.toContain("MemoryDenyWriteExecute=yes");
  });
});

describe("names", () => {
  test.for(["a", "shop", "a-1", "a".repeat(24)])("%s is an app", (name) => {
    expect(isAppName(name)).toBe(true);
  });
  test.for(["", "A", "1a", "a-", "a_b", "a".repeat(25), "a\n", "../a", "haproxy"])("%j is no app", (name) => {
    expect(isAppName(name)).toBe(false);
    expect(() => renderUnit(TEMPLATES.unit, name)).toThrow(/expected an app's name/);
  });
  test.for(["1-000000000000", "1.4.0+a~b_c-0123456789ab"])("%s is a release id", (id) => {
    expect(isReleaseId(id)).toBe(true);
  });
  test.for([
    "",
    "1.4.0",
    "a/b-0123456789ab",
    "..-0123456789ab",
    "a..b-0123456789ab",
    "-1-0123456789ab",
    "1-0123456789AB",
    "1-0123456789ab\n",
  ])("%j is no release id", (id) => {
    expect(isReleaseId(id)).toBe(false);
  });
  test.for(["A", "DATABASE_URL", "tls.key"])("%s is a secret's name", (name) => {
    expect(isSecretName(name)).toBe(true);
  });
  test.for(["", "a/b", "..", "a b", "a:b", "%n", "1", "a..b"])("%j is no secret's name", (name) => {
    expect(isSecretName(name)).toBe(false);
  });
  test.for<[string, string | null]>([
    ["./bin/shop", "bin/shop"],
    ["shop", "shop"],
    [".//bin/./shop", "bin/shop"],
    ["/usr/bin/java", null],
  ])("%s is found at %s", ([word, path]) => {
    expect(programPath([word])).toBe(path);
  });
  test.for([[], [""], ["../shop"], ["bin/../../shop"], ["./"]])("%j is no program of a release", (run) => {
    expect(() => programPath(run)).toThrow(/expected a program/);
  });
});
