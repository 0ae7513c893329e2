import { expect, test } from "vitest";
import { bundleHash } from "../../src/lb/bundle.ts";
import { changeOf, hashesOf } from "../../src/lb/change.ts";
import { diffLb } from "../../src/lb/diff.ts";
import { setDisabled } from "../../src/lb/normalize.ts";
import type { LbRender } from "../../src/lb/render.ts";
import type { LbAction } from "../../src/model/action.ts";
import type { Failure } from "../../src/model/errors.ts";
import type { LbApp, LbCertificate, LbChange, LbModel } from "../../src/model/lb.ts";
import { EDGE, shop, shopModel, shopRender, type BalancerBench } from "./balancer.ts";

const balancer = "lb1";
const reload: LbChange = { kind: "reload", why: ["a test wants it"] };

/** {@link shopModel} with something about its app changed. */
export function shopWith(over: Partial<LbApp>, certificates: readonly LbCertificate[] = []): LbModel {
  const model = shopModel();
  const app = model.apps["shop"];
  if (app === undefined) throw new Error("the model has no shop");
  return { set: { ...EDGE, certificates }, apps: { shop: { ...app, ...over } } };
}

const servers = shopModel().apps["shop"]?.servers ?? [];
const fewer = shopWith({ servers: servers.slice(0, 2) });
const aliased = shopWith({
  routes: ["shop.lab.internal", "store.lab.internal"].map((host) => ({ kind: "http", host, path: "/", tls: "none" })),
});

/** What a bundle of files needs from a balancer; passed by the real one and by the fake. HAProxy runs nothing before. */
export function bundleContract(bench: () => BalancerBench): void {
  const done = async (action: LbAction): Promise<string> => {
    const outcome = await bench().go(action);
    if (outcome.kind === "failed") throw new Error(JSON.stringify(outcome.failure, null, 1));
    return outcome.note;
  };
  const refused = async (render: LbRender): Promise<Failure> => {
    const before = await bench().facts();
    const outcome = await bench().go({ kind: "lb.install", balancer, model: shopModel(), ...render, change: reload });
    if (outcome.kind === "done") throw new Error(`installed: ${outcome.note}`);
    const after = await bench().facts();
    expect(after.stable).toEqual(before.stable);
    // An old worker may end meanwhile.
    const [current, old] = [expect.anything(), expect.anything()];
    expect(after.live.processes).toEqual({ ...before.live.processes, current, old });
    return outcome.failure;
  };
  /** As a plan does it: the least that leads from what is there to the model. */
  const apply = async (model: LbModel, disabled: readonly string[] = []): Promise<{ note: string; kind: string }> => {
    const { stable } = await bench().facts();
    const render = shopRender(disabled, model);
    const before = stable.config === null ? null : { config: stable.config.text, files: stable.files };
    const change = changeOf(before, render);
    const note = await done({ kind: "lb.install", balancer, model, ...render, change });
    const after = await bench().facts();
    expect(after.stable.files).toEqual(hashesOf(render));
    expect(diffLb(render.config, after, new Set(after.stable.disabled))).toMatchObject({ kind: "same" });
    return { note, kind: change.kind };
  };
  const reloads = async (): Promise<number | undefined> => (await bench().facts()).live.processes?.master.reloads;
  const status = async (name: string): Promise<string | undefined> =>
    (await bench().facts()).live.servers[`shop/${name}`]?.status;

  test("a server comes and goes at runtime, gets traffic only by a pass of its check, and is there after a reload", async () => {
    expect((await apply(fewer)).note).toMatch(/^started, worker/);
    const before = await reloads();
    await bench().health("app3", false);
    expect(await apply(shopModel())).toEqual({ kind: "runtime", note: "changed at runtime" });
    expect(await status("app3")).toMatch(/^DOWN/);
    await bench().health("app3", true);
    await expect.poll(() => status("app3"), { timeout: 15_000 }).toMatch(/^UP/);
    expect(await apply(fewer)).toEqual({ kind: "runtime", note: "changed at runtime" });
    expect(Object.keys((await bench().facts()).live.servers).filter((name) => name.startsWith("shop/"))).toHaveLength(
      2,
    );
    await apply(shopModel());
    expect(await reloads()).toBe(before);
    await bench().reload();
    expect((await bench().facts()).stable.admin).toMatchObject({ "shop/app3": "ready" });
    expect((await bench().facts()).live.addresses["shop/app3"]).toEqual({ address: "192.168.56.23", port: 8080 });
  });

  test("a server that comes at runtime with a mark is drained, and can be proven", async () => {
    await apply(fewer);
    expect(await apply(shopModel(), ["app3"])).toEqual({ kind: "runtime", note: "changed at runtime" });
    expect((await bench().facts()).stable).toMatchObject({ admin: { "shop/app3": "drain" }, disabled: ["shop/app3"] });
    const on = { balancer, server: shop("app3") };
    await done({ kind: "lb.prove", ...on, deadline: 15_000 });
    await done({ kind: "lb.ready", ...on });
    await done({ kind: "lb.mark", ...on, disabled: false });
    expect(await status("app3")).toBe("UP");
  });

  test("a route of a known app comes at runtime, and is the same after a reload", async () => {
    const before = await reloads();
    expect(await apply(aliased)).toEqual({ kind: "runtime", note: "changed at runtime" });
    expect(await bench().mapped()).toContain("store.lab.internal");
    expect(await reloads()).toBe(before);
    await bench().reload();
    expect(await bench().mapped()).toContain("store.lab.internal");
    expect(await apply(shopModel())).toMatchObject({ kind: "runtime" });
    expect(await bench().mapped()).not.toContain("store.lab.internal");
  });

  test("certificates come, are renewed and leave at runtime; a reload changes nothing of it", async () => {
    const issue = async (name: string, version: number): Promise<LbCertificate> => {
      const names = [`${name}.lab.internal`];
      bench().secrets.set(`lb/edge/${name}`, await bench().certificate(names));
      return { name, fingerprint: String(version).repeat(64), names };
    };
    const first = await issue("shop", 1);
    expect(await apply(shopWith({}, [first]))).toMatchObject({ kind: "reload" });
    const old = await bench().serial("shop");
    const before = await reloads();
    const renewed = await issue("shop", 2);
    expect(await apply(shopWith({}, [renewed]))).toEqual({ kind: "runtime", note: "changed at runtime" });
    const serial = await bench().serial("shop");
    expect(serial).not.toBe(old);
    const second = await issue("other", 3);
    expect(await apply(shopWith({}, [renewed, second]))).toEqual({ kind: "runtime", note: "changed at runtime" });
    expect(await bench().serial("other")).not.toBe("");
    expect(await reloads()).toBe(before);
    await bench().reload();
    expect(await bench().serial("shop")).toBe(serial);
    expect((await apply(shopWith({}, [renewed, second]))).note).toBe("unchanged");
    const after = await reloads();
    expect(await apply(shopWith({}, [renewed]))).toEqual({ kind: "runtime", note: "changed at runtime" });
    expect(await reloads()).toBe(after);
    expect(await bench().serial("other")).toBe("");
  });

  test("a bundle is put back whole by its hash: text, map and certificate", async () => {
    const before = await bench().facts();
    const { config, files, manifest } = before.stable;
    await apply(aliased);
    expect(Object.keys((await bench().facts()).stable.files)).not.toEqual(Object.keys(files));
    const sha256 = bundleHash(config?.text ?? "", files);
    await done({ kind: "lb.restore", balancer, sha256, model: manifest?.model ?? null });
    expect((await bench().facts()).stable).toEqual(before.stable);
    expect(await bench().serial("shop")).not.toBe("");
    // The other way round: files that come with the change are gone when it is taken back.
    await apply(shopModel());
    const plain = (await bench().facts()).stable;
    await done({
      kind: "lb.install",
      balancer,
      model: shopModel(),
      ...shopRender([], manifest?.model),
      change: reload,
    });
    await done({
      kind: "lb.restore",
      balancer,
      sha256: bundleHash(plain.config?.text ?? "", plain.files),
      model: shopModel(),
    });
    expect((await bench().facts()).stable).toEqual(plain);
  });

  test("what HAProxy's own check does not find is refused before anything changes", async () => {
    const { config, files } = shopRender();
    const more = (bind: string): string =>
      `${config}frontend drover_more\n    bind ${bind}\n    default_backend shop\n`;
    const bad = files.map((file) => (file.kind === "text" ? { ...file, text: "x.lab.internal/ nobody\n" } : file));
    expect(await refused({ config, files: bad })).toMatchObject({
      code: "balancer-config",
      message: expect.stringContaining("x.lab.internal/ leads to nobody, and no backend is called that"),
    });
    expect((await refused({ config: more("198.51.100.1:81"), files })).message).toContain(
      "198.51.100.1 is no address of this host, so port 81 cannot be opened there",
    );
    const many = config.replace(/^ {4}maxconn \d+/m, "    maxconn 900000");
    expect((await refused({ config: many, files })).message).toContain("file descriptors");
  });

  test("what was refused is put back all the same, though nothing was kept of what is there", async () => {
    // A file that nothing has replaced yet.
    const { config } = shopRender();
    const own = config.replace(/timeout tunnel \S+/, "timeout tunnel 77m");
    const { files } = shopRender();
    await done({ kind: "lb.install", balancer, model: shopModel(), config: own, files, change: reload });
    await refused({ config: own.replace(/^ {4}maxconn \d+/m, "    maxconn 900000"), files });
    const before = (await bench().facts()).stable;
    const sha256 = bundleHash(own, before.files);
    expect(await done({ kind: "lb.restore", balancer, sha256, model: shopModel() })).toBe("unchanged");
    expect((await bench().facts()).stable).toEqual(before);
  });

  test("a HAProxy that was told another address is reloaded by an installation of the same files", async () => {
    await apply(shopModel());
    const before = await bench().facts();
    const own = before.live.addresses["shop/app1"];
    await bench().ask("admin", 1, "set server shop/app1 addr 192.168.56.21 port 8099");
    expect((await bench().facts()).live.addresses["shop/app1"]).toEqual({ ...own, port: 8099 });
    const { note } = await apply(shopModel());
    expect(note).toMatch(/^reloaded, worker \d+; not changed at runtime: .*shop\/app1 has another address$/);
    const after = await bench().facts();
    expect(after.live.addresses).toEqual(before.live.addresses);
    expect(after.stable).toEqual(before.stable);
    expect((await apply(shopModel())).note).toBe("unchanged");
  });

  test("a drained server moves to another address on disk, at runtime and in the manifest; again nothing happens", async () => {
    await apply(shopModel());
    const from = { address: "192.168.56.22", port: 8080 };
    const to = { address: "192.168.56.22", port: 8081 };
    const move: LbAction = { kind: "lb.move", balancer, server: shop("app2"), from, to };
    expect(await bench().go(move)).toMatchObject({
      kind: "failed",
      failure: { message: "lb1: shop/app2 takes traffic; it can only be moved while it is drained" },
    });
    await done({ kind: "lb.drain", balancer, server: shop("app2"), floor: 1 });
    await done({ kind: "lb.mark", balancer, server: shop("app2"), disabled: true });
    const before = await reloads();
    expect(await done(move)).toBe("moved");
    expect(await done(move)).toBe("unchanged");
    const moved = servers.map((server) => (server.name === "app2" ? { ...server, ...to } : server));
    const facts = await bench().facts();
    expect(facts.live.addresses["shop/app2"]).toEqual(to);
    expect(facts.stable.manifest?.model).toEqual(shopWith({ servers: moved }));
    const { config } = shopRender([], shopWith({ servers: moved }));
    expect(facts.stable.config?.text).toBe(setDisabled(config, shop("app2"), true));
    expect(diffLb(config, facts, new Set(["shop/app2"]))).toEqual({ kind: "same", stray: [] });
    expect(await reloads()).toBe(before);
    expect(await bench().go({ ...move, from: { address: "192.168.56.9", port: 1 }, to: from })).toMatchObject({
      kind: "failed",
      failure: { message: "lb1: shop/app2 is at 192.168.56.22 8081, not at 192.168.56.9 1" },
    });
    await done({ ...move, from: to, to: from });
    await done({ kind: "lb.prove", balancer, server: shop("app2"), deadline: 15_000 });
    await done({ kind: "lb.ready", balancer, server: shop("app2") });
    await done({ kind: "lb.mark", balancer, server: shop("app2"), disabled: false });
  });

  test("a change that was cut off is told, and the next installation ends it", async () => {
    await bench().interrupt();
    expect((await bench().facts()).stable.interrupted).toBe(true);
    const note = await done({
      kind: "lb.install",
      balancer,
      model: aliased,
      ...shopRender([], aliased),
      change: reload,
    });
    expect(note).toMatch(/^reloaded/);
    const { stable } = await bench().facts();
    expect(stable.interrupted).toBe(false);
    expect(stable.files).toEqual(hashesOf(shopRender([], aliased)));
    await done({ kind: "lb.restore", balancer, sha256: null, model: null });
    expect((await bench().facts()).stable).toMatchObject({ active: false, config: null, files: {}, manifest: null });
  });
}
