import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BALANCING, EDGE, HEALTH, shop, shopConfig, shopModel, shopRender } from "../support/balancer.ts";
import { bundleContract } from "../support/bundle-contract.ts";
import { balancerContract } from "../support/balancer-contract.ts";
import { labBench, startApp, type LabBench } from "./support/balancer.ts";
import { driver } from "./support/drive.ts";
import { lab, until } from "./support/lab.ts";
import type { LbAction } from "../../src/model/action.ts";
import type { LbApp, LbChange } from "../../src/model/lb.ts";

const real = lab("test-balancer");
const { sh } = driver(real);
const balancer = "lb1";
const address = "192.168.56.11";
const apps = ["app1", "app2", "app3"];
let bench: LabBench;

beforeAll(async () => {
  await real.up("--only", ["lb1", ...apps].join(","));
  await Promise.all(apps.map((host) => startApp(real, host)));
  bench = await labBench(real, "lb1", address);
}, 240_000);

afterAll(async () => {
  bench.close();
  await real.down();
});

describe("real HAProxy", () => {
  balancerContract(() => bench);
  bundleContract(() => bench);
});

describe("real HAProxy under load", () => {
  const on = (server: string) => ({ balancer, server: shop(server) });
  const model = shopModel();
  const { files } = shopRender();
  const change: LbChange = { kind: "reload", why: ["a test wants it"] };
  const installing = (config: string): LbAction => ({ kind: "lb.install", balancer, model, config, files, change });
  const done = async (action: LbAction): Promise<void> => {
    const outcome = await bench.go(action);
    if (outcome.kind === "failed") throw new Error(JSON.stringify(outcome.failure, null, 1));
  };

  test("servers go out, are killed and come back, with reloads in between, and no request fails", async () => {
    await done(installing(shopConfig()));
    const wrk = real.background(["wrk", "-t2", "-c16", "-d20s", "-s", await pacing(), `http://${address}/`]);
    let said = "";
    let over = false;
    wrk.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
    wrk.on("close", () => (over = true));
    for (let round = 0; !over; round += 1) {
      const server = apps[round % 3] ?? "";
      await done({ kind: "lb.mark", ...on(server), disabled: true });
      await done({ kind: "lb.drain", ...on(server), floor: 2 });
      const config = shopConfig([server]).replace(/timeout tunnel \S+/, `timeout tunnel ${100 + round}m`);
      if (round % 2 === 1) await done(installing(config));
      await done({ kind: "lb.quiesce", ...on(server), drainTimeout: 5000, drainAction: "fail" });
      await done({ kind: "lb.maint", ...on(server) });
      await sh(server, "systemctl kill -s KILL app");
      await startApp(real, server);
      await done({ kind: "lb.prove", ...on(server), deadline: 15_000 });
      await done({ kind: "lb.ready", ...on(server) });
      await done({ kind: "lb.mark", ...on(server), disabled: false });
      await done({ kind: "lb.hold", ...on(server), window: 2000 });
    }
    expect(Number(/(\d+) requests in/.exec(said)?.[1])).toBeGreaterThan(3000);
    expect(said).not.toMatch(/Socket errors|Non-2xx/);
  });

  test("a drained server is DRAIN after a reload by hand, and taken out after a restart and after a reboot", async () => {
    await done({ kind: "lb.mark", ...on("app2"), disabled: true });
    await done({ kind: "lb.drain", ...on("app2"), floor: 2 });
    const state = async (): Promise<string | undefined> => (await bench.facts()).stable.admin?.["shop/app2"];
    const out = (): Promise<boolean> => state().then((admin) => admin === "drain" || admin === "maint");
    await sh("lb1", "systemctl reload haproxy");
    await until("HAProxy answers", async () => (await state()) !== undefined);
    expect(await state()).toBe("drain");
    await sh("lb1", "systemctl restart haproxy");
    await until("it is out after a restart", out);
    await real.kill("lb1");
    await real.start("lb1");
    await until("it is out after a reboot", out, 60_000);
    expect(await state()).toBe("maint");
    // The relay went with the host.
    bench.close();
    bench = await labBench(real, "lb1", address);
    await done({ kind: "lb.prove", ...on("app2"), deadline: 15_000 });
    await done({ kind: "lb.ready", ...on("app2") });
    await done({ kind: "lb.mark", ...on("app2"), disabled: false });
  });

  test("a port that another program holds is refused before anything changes", async () => {
    await sh("lb1", "systemd-run -q --unit squatter python3 -m http.server 8099");
    await until("the squatter listens", async () => (await sh("lb1", "ss -Hltn sport = :8099")) !== "");
    const before = await bench.facts();
    const config = `${shopConfig()}frontend drover_more\n    bind *:8099\n    default_backend shop\n`;
    const outcome = await bench.go(installing(config));
    expect(outcome).toMatchObject({
      kind: "failed",
      failure: { code: "balancer-config", message: expect.stringContaining("port 8099 is taken by python3") },
    });
    expect((await bench.facts()).stable).toEqual(before.stable);
  });

  test("an install whose caller is gone ends in order all the same", async () => {
    const config = shopConfig().replace(/timeout tunnel \S+/, "timeout tunnel 9h");
    const action: LbAction = installing(config);
    await bench.abandon(action);
    await until("the new file runs", async () => {
      const { stable } = await bench.facts();
      return stable.config?.text === config && !stable.interrupted && stable.admin !== null;
    });
    await done(installing(shopConfig()));
    expect((await bench.facts()).stable.config?.text).toBe(shopConfig());
  });

  test("the longest prefix wins on segment boundaries, ports and case of the host do not count, the rest is 404", async () => {
    const route = (app: string, path: string, servers: readonly string[]): LbApp => ({
      app,
      routes: [{ kind: "http", host: "shop.lab.internal", path, tls: "none" }],
      checkHost: "shop.lab.internal",
      health: HEALTH,
      balancing: BALANCING,
      servers: shopModel().apps["shop"]?.servers.filter(({ name }) => servers.includes(name)) ?? [],
    });
    const apps = {
      api: route("api", "/api", ["app2"]),
      deep: route("deep", "/api/v2/", ["app3"]),
      shop: route("shop", "/", ["app1"]),
    };
    const model = { set: EDGE, apps };
    await done({ kind: "lb.install", balancer, model, ...shopRender([], model), change });
    const get = async (target: string, host = "shop.lab.internal"): Promise<string> =>
      (await real.run(["curl", "-sg", "-H", `Host: ${host}`, target])).stdout.trim();
    const v4 = `http://${address}`;
    expect(await get(`${v4}/`)).toBe("app1 /");
    expect(await get(`${v4}/apix`)).toBe("app1 /apix");
    expect(await get(`${v4}/api`, "SHOP.lab.internal:80")).toBe("app2 /api");
    expect(await get(`${v4}/api?/v2/`)).toBe("app2 /api?/v2/");
    expect(await get(`${v4}/api/v20`)).toBe("app2 /api/v20");
    expect(await get(`${v4}/api/v2`)).toBe("app3 /api/v2");
    expect(await get("http://[fd00:56::11]/api/v2/x")).toBe("app3 /api/v2/x");
    expect(await get(`${v4}/`, "other.lab.internal")).toBe("no such route");
    await done(installing(shopConfig()));
  });

  test("every golden file is accepted without a warning", async () => {
    const folder = join(import.meta.dirname, "../golden/haproxy");
    const files = readdirSync(folder).filter((name) => !name.includes("."));
    const pem = await bench.certificate(["shop.lab.internal"]);
    for (const name of files) {
      const read = (file: string): string => readFileSync(join(folder, name, file), "utf8");
      const live = "/etc/haproxy/drover/";
      const move = (text: string): string => text.replaceAll(live, "/run/golden/");
      // Every certificate that a golden list names is the same one here.
      const listed = readdirSync(join(folder, name)).includes("crt-list") ? read("crt-list").match(/\S+\.pem/g) : [];
      const maps = readdirSync(join(folder, name)).filter((file) => file.endsWith(".map"));
      const all = [
        ...maps.map((file) => [`maps/${file}`, read(file)] as const),
        ...(listed ?? []).map((path) => [path.replace(live, ""), pem] as const),
        ...(listed?.length ? [["crt-list", move(read("crt-list"))] as const] : []),
        ["haproxy.cfg", move(read("haproxy.cfg"))] as const,
      ];
      await sh("lb1", "rm -rf /run/golden; mkdir -p /run/golden/maps /run/golden/certs /run/drover");
      for (const [file, stdin] of all) await real.exec("lb1", ["sh", "-c", `cat > /run/golden/${file}`], { stdin });
      const check =
        "[ -e /run/drover/haproxy.state ] || echo 1 > /run/drover/haproxy.state; haproxy -c -dW -f /run/golden/haproxy.cfg";
      expect(await real.exec("lb1", ["sh", "-c", check]), name).toMatchObject({ code: 0 });
    }
    expect(files.length).toBeGreaterThanOrEqual(5);
  });

  test("a first file over one that is not drover's is undone to that very file", async () => {
    await done({ kind: "lb.restore", balancer, sha256: null, model: null });
    await sh(
      "lb1",
      "printf 'global\\n    stats socket /run/haproxy/admin.sock mode 600 level admin\\n' > /etc/haproxy/haproxy.cfg; systemctl start haproxy",
    );
    const before = await bench.facts();
    await done(installing(shopConfig()));
    await done({ kind: "lb.restore", balancer, sha256: before.stable.config?.sha256 ?? "", model: null });
    const after = await bench.facts();
    expect(after.stable).toEqual(before.stable);
    expect(after.stable).toMatchObject({ active: true, manifest: null, admin: {} });
  });

  async function pacing(): Promise<string> {
    const path = "/tmp/drover-balancer-test.lua";
    const script = 'wrk.headers["Host"] = "shop.lab.internal"\nfunction delay() return math.random(20, 80) end\n';
    const wrote = await real.run(["sh", "-c", `cat > ${path}`], { stdin: script });
    if (wrote.code !== 0) throw new Error(wrote.stderr);
    return path;
  }
});
