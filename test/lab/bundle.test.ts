import { afterAll, beforeAll, expect, test } from "vitest";
import { lbDeepFact } from "../../src/lb/deep.ts";
import { hashesOf } from "../../src/lb/change.ts";
import { runtimeDiff } from "../../src/lb/runtime-diff.ts";
import type { LbAction } from "../../src/model/action.ts";
import type { LbCertificate, LbChange, LbModel } from "../../src/model/lb.ts";
import { shop, shopModel, shopRender } from "../support/balancer.ts";
import { shopWith } from "../support/bundle-contract.ts";
import { labBench, startApp, type LabBench } from "./support/balancer.ts";
import { driver } from "./support/drive.ts";
import { lab, until } from "./support/lab.ts";

const real = lab("test-bundle");
const { sh, gather } = driver(real);
const balancer = "lb1";
const apps = ["app1", "app2", "app3"];
const reload: LbChange = { kind: "reload", why: ["a test wants it"] };
let bench: LabBench;
let models: readonly LbModel[] = [];

beforeAll(async () => {
  await real.up("--only", ["lb1", ...apps].join(","), "--disk", "64MiB", "lb1");
  await Promise.all(apps.map((host) => startApp(real, host)));
  bench = await labBench(real, "lb1", "192.168.56.11");
  const issue = async (version: number): Promise<LbCertificate> => {
    bench.secrets.set("lb/edge/shop", await bench.certificate(["shop.lab.internal"]));
    return { name: "shop", fingerprint: String(version).repeat(64), names: ["shop.lab.internal"] };
  };
  const hosts = ["shop.lab.internal", "store.lab.internal"];
  const routes = hosts.map((host) => ({ kind: "http", host, path: "/", tls: "both" }) as const);
  models = [shopWith({}, [await issue(1)]), shopWith({ routes }, [await issue(2)])];
}, 240_000);

afterAll(async () => {
  bench.close();
  await real.down();
});

const install = (model: LbModel, over: Partial<Extract<LbAction, { kind: "lb.install" }>> = {}): LbAction => ({
  kind: "lb.install",
  balancer,
  model,
  ...shopRender([], model),
  change: reload,
  ...over,
});
const done = async (action: LbAction): Promise<string> => {
  const outcome = await bench.go(action);
  if (outcome.kind === "failed") throw new Error(JSON.stringify(outcome.failure, null, 1));
  return outcome.note;
};

test("keys are root's alone, and stand neither in the journal nor in what is left of the staging", async () => {
  await done(install(models[0] ?? shopModel()));
  expect(await sh("lb1", "stat -c '%a %U' /etc/haproxy/drover/certs /etc/haproxy/drover/certs/shop.pem")).toBe(
    "700 root\n600 root\n",
  );
  const key = (bench.secrets.get("lb/edge/shop") ?? "").split("\n").find((line) => line.length > 50) ?? "nothing";
  expect(await sh("lb1", `journalctl --no-pager | grep -cF '${key}' || true`)).toBe("0\n");
  const readable = "find / -xdev \\( -path /proc -o -path /sys \\) -prune -o -type f -perm /077 -print0";
  const leak = `${readable} | xargs -0 grep -lF -- 'PRIVATE KEY-----' 2>/dev/null | grep -v '^/\\(usr\\|root\\|proc\\)' || true`;
  expect((await sh("lb1", leak)).trim()).toBe("");
  expect((await sh("lb1", "ls -AR /run/drover /var/lib/drover/manifest")).includes("pem")).toBe(false);
});

test("what is predicted of descriptors is what HAProxy itself reckons", async () => {
  const info = await bench.ask("admin", 0, "show info");
  const model = models[0] ?? shopModel();
  const { config } = shopRender([], model);
  const [, maxconn] = /^ {4}maxconn (\d+)/m.exec(config) ?? [];
  const outcome = await bench.go(install(model, { config: config.replace(/^ {4}maxconn \d+/m, "    maxconn 900000") }));
  const said = outcome.kind === "failed" ? outcome.failure.message : "";
  const needs = Number(/needs (\d+) file descriptors/.exec(said)?.[1]);
  expect(needs - 1_800_000).toBe(Number(/^Maxsock: (\d+)/m.exec(info)?.[1]) - 2 * Number(maxconn));
});

test("disk and runtime agree after every kind of change, and a verification finds what does not", async () => {
  const deep = async (): Promise<readonly string[]> =>
    runtimeDiff(await bench.facts(), await gather("lb1", lbDeepFact));
  expect(await deep()).toEqual([]);
  await done(install(models[1] ?? shopModel()));
  expect(await deep()).toEqual([]);
  await bench.ask("admin", 1, "set server shop/app1 state drain");
  await bench.ask("admin", 1, "add map /etc/haproxy/drover/maps/http.map x/ shop");
  await sh("lb1", "sed -i '/store/d' /etc/haproxy/drover/maps/https.map");
  expect(await deep()).toEqual([
    "shop/app1 is drain and not marked in haproxy.cfg",
    "HAProxy has an entry that maps/http.map lacks: x/ shop",
    "HAProxy has an entry that maps/https.map lacks: store.lab.internal/ shop",
  ]);
  await done(install(models[1] ?? shopModel()));
  await bench.ask("admin", 1, "set server shop/app1 state ready");
  expect(await deep()).toEqual([]);
});

test("a full disk changes nothing, and is told", async () => {
  const before = await bench.facts();
  await sh("lb1", "dd if=/dev/zero of=/var/fill bs=4k 2>/dev/null; sync; true");
  const outcome = await bench.go(install(models[0] ?? shopModel()));
  expect(outcome).toMatchObject({ kind: "failed", failure: { code: "disk-full" } });
  expect((await bench.facts()).stable).toEqual(before.stable);
  expect((await sh("lb1", "find /etc/haproxy -name '*drover-*'")).trim()).toBe("");
  // Room for a few files only: it ends somewhere in the middle of the preparations.
  for (const room of [8, 16, 24, 32]) {
    await sh("lb1", `truncate -s -${String(room)}k /var/fill; sync`);
    const again = await bench.go(install(models[0] ?? shopModel()));
    if (again.kind === "done") break;
    expect(again.failure.code).toBe("disk-full");
    expect((await bench.facts()).stable).toEqual(before.stable);
  }
  await sh("lb1", "rm -f /var/fill; sync");
  await done(install(models[0] ?? shopModel()));
});

test("killed at any moment, the next installation ends what it began", async () => {
  const [one = shopModel(), two = shopModel()] = models;
  let interrupted = 0;
  for (const [round, delay] of [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4].entries()) {
    const [was, next] = round % 2 === 0 ? [one, two] : [two, one];
    await done(install(was));
    await bench.killed(install(next), delay);
    const { stable } = await bench.facts();
    if (stable.interrupted) interrupted += 1;
    expect(stable.active).toBe(true);
    await done(install(next));
    const after = await bench.facts();
    expect(after.stable).toMatchObject({ interrupted: false, active: true, files: hashesOf(shopRender([], next)) });
    expect(after.stable.config?.text).toBe(shopRender([], next).config);
    expect((await sh("lb1", "find /etc/haproxy -name '*drover-*'")).trim()).toBe("");
    expect(runtimeDiff(after, await gather("lb1", lbDeepFact))).toEqual([]);
  }
  expect(interrupted).toBeGreaterThan(2);
  console.log(`killed 7 times, ${String(interrupted)} times after it had begun to change something`);
});

test("what cannot be done at runtime after all is reloaded in the same go, and said", async () => {
  const [one = shopModel()] = models;
  await done(install(one));
  const server = shop("app2");
  // The plan was made for another state: it names too few edits.
  const change: LbChange = { kind: "runtime", why: [], edits: [{ kind: "server-remove", server }] };
  const apps = one.apps["shop"]?.servers.filter(({ name }) => name === "app1") ?? [];
  const model = { ...shopWith({ servers: apps }), set: one.set };
  expect(await done(install(model, { change }))).toMatch(
    /^reloaded, worker \d+; not changed at runtime: server shop\/app3 differs$/,
  );
  const tunnel = await bench.tunnel();
  const none: LbModel = { ...model, apps: { shop: { ...(model.apps["shop"] ?? fail()), servers: [] } } };
  const removal: LbChange = {
    kind: "runtime",
    why: [],
    edits: [{ kind: "server-remove", server: shop(tunnel.server) }],
  };
  expect(await done(install(none, { change: removal }))).toContain('HAProxy would not "del server');
  expect(tunnel.isOpen()).toBe(true);
  await until("the file is the new one", async () => !(await bench.facts()).stable.interrupted);
});

function fail(): never {
  throw new Error("the model has no shop");
}
