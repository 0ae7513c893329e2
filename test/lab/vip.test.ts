import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diffVip } from "../../src/vip/diff.ts";
import { parseVrrpProbe, vrrpProbe } from "../../src/vip/probe.ts";
import { handOver, takeBack } from "../../src/vip/steps.ts";
import { driver } from "./support/drive.ts";
import { lab } from "./support/lab.ts";
import { AFTER, FAILOVERS, failover, mishapsOf, PAIR, pairOf } from "./support/pair.ts";
import { measureFailover, oneHolder, pairConfig, startHaproxy, VIP4, VIP6 } from "./support/vip.ts";

const real = lab("test-vip");
const { sh } = driver(real);
const { go, done, facts: factsOf, apply } = pairOf(real);
const mishaps = mishapsOf(real);

async function transitions(host: string): Promise<number> {
  const log = await sh(host, "journalctl -q -u keepalived -o cat --no-pager | grep -c 'Entering .* STATE' || true");
  return Number(log);
}

/** Writes down when a VIP comes and goes on both hosts until told to stop; gives for how long two held it, in ms. */
async function watchHolders(vip = VIP4): Promise<() => Promise<number>> {
  const script = `
    rm -f /run/watched
    ip -o addr show to ${vip.address} | sed 's/^/[0] /'
    ip -tshort -o monitor address & watcher=$!
    touch /run/watching; until [ -e /run/watched ]; do sleep 0.1; done; kill $watcher; rm -f /run/watching`;
  const runs = PAIR.map((host) => real.exec(host, ["sh", "-c", script]));
  await Promise.all(PAIR.map((host) => sh(host, "until [ -e /run/watching ]; do sleep 0.05; done; sleep 0.3")));
  return async () => {
    await Promise.all(PAIR.map((host) => sh(host, "touch /run/watched")));
    const events = (await Promise.all(runs)).flatMap(({ stdout }) => stdout.split("\n"));
    const moments = events.flatMap((line) => {
      const [, time = "", deleted, address] = /^\[(\S+)\] (Deleted )?\d+: \S+\s+inet6? ([^/ ]+)/.exec(line) ?? [];
      // The hosts share this machine's clock.
      return address === vip.address
        ? [{ at: time === "0" ? 0 : Date.parse(`${time}Z`), by: deleted === undefined ? 1 : -1 }]
        : [];
    });
    expect(moments.length).toBeGreaterThan(0);
    let held = 0;
    let both = 0;
    let since = 0;
    for (const { at, by } of moments.toSorted((left, right) => left.at - right.at || left.by - right.by)) {
      if (held > 1) both += Math.max(1, at - since);
      held += by;
      since = at;
    }
    return held > 1 ? Infinity : both;
  };
}

beforeAll(async () => {
  await real.up("--only", "lb1,lb2,lb3");
  await Promise.all([...PAIR, "lb3"].map((host) => startHaproxy(real, host)));
}, 240_000);

afterAll(async () => {
  await real.down();
});

describe("a pair of balancers", () => {
  test("comes up with one holder, and is then as the files say", async () => {
    await apply({ vips: [VIP4] });
    expect(await oneHolder(real)).toBe("lb1");
    for (const host of PAIR) {
      const facts = await factsOf(host);
      expect(diffVip(pairConfig(host, { vips: [VIP4] }).config, facts)).toEqual({ kind: "same" });
      expect(facts.live.alive).toBe(true);
      expect(facts.stable.interfaces).toMatchObject({ [host === "lb1" ? "192.168.56.11" : "192.168.56.12"]: "eth0" });
    }
  });

  test("gets another VIP one after the other, without a transition", async () => {
    const before = await Promise.all(PAIR.map(transitions));
    const both = await watchHolders();
    expect(await apply({})).toEqual([false, false]);
    expect(await both()).toBe(0);
    expect(await Promise.all(PAIR.map(transitions))).toEqual(before);
    const answer = await real.run(["curl", "-sf", "-m", "2", `http://[${VIP6.address}]/`]);
    expect(answer).toMatchObject({ code: 0, stdout: "lb1\n" });
  });

  test("an unchanged file is not reloaded", async () => {
    const before = await sh("lb1", "journalctl -q -u keepalived -o cat --no-pager | grep -c Reloading");
    const { model, config } = pairConfig("lb1");
    expect(await go({ kind: "vip.install", balancer: "lb1", model, config, wire: false })).toMatchObject({
      kind: "done",
      note: "unchanged",
    });
    expect(await sh("lb1", "journalctl -q -u keepalived -o cat --no-pager | grep -c Reloading")).toBe(before);
  });

  test("a broken keepalived.conf is refused before anything changes", async () => {
    const { model, config } = pairConfig("lb1");
    const before = await factsOf("lb1");
    for (const broken of [
      config.replace("state BACKUP", "state MASTER"),
      config.replace("interface eth0", "interface eth7"),
      config.replace("unicast_peer {", "unicast_pear {"),
      config.replace("/drover-alive", "/nothing-there"),
    ]) {
      const outcome = await go({ kind: "vip.install", balancer: "lb1", model, config: broken, wire: false });
      expect(outcome).toMatchObject({ kind: "failed", failure: { code: "balancer-config" } });
      expect(await factsOf("lb1")).toEqual(before);
    }
    // Nothing was kept of what is there: it is put back all the same.
    const sha256 = before.stable.config?.sha256 ?? null;
    expect(await go({ kind: "vip.restore", balancer: "lb1", sha256, model })).toMatchObject({
      kind: "done",
      note: "unchanged",
    });
    expect(await factsOf("lb1")).toEqual(before);
  });

  test("keepalived takes every golden file", async () => {
    const folder = new URL("../golden/keepalived/", import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith(".conf") && name !== "interface-not-known.conf");
    expect(files.length).toBeGreaterThan(3);
    const { model } = pairConfig("lb1");
    const before = await factsOf("lb1");
    for (const name of files) {
      const config = readFileSync(new URL(name, folder), "utf8");
      expect(await go({ kind: "vip.check", balancer: "lb1", config }), name).toMatchObject({ kind: "done" });
    }
    expect(await factsOf("lb1")).toEqual(before);
    expect(before.stable.manifest?.model).toEqual(model);
  });

  test.for([
    ["another virtual router", { virtualRouterId: 77 }],
    ["fast failover", { failover: "fast" }],
    ["standard failover again", {}],
    ["another anchor", { vips: [{ address: "192.168.56.9", prefix: 24 }, VIP4, VIP6] }],
    ["the first anchor again", {}],
  ] as const)("%s: all change together, and never do two hold the VIP", async ([what, sketch]) => {
    const both = await watchHolders();
    let wire: readonly boolean[] = [];
    const watched = await measureFailover(real, async () => (wire = await apply(sketch)), { after: 1000 });
    expect(await both()).toBe(0);
    expect(wire).toEqual([true, true]);
    console.log(`${what}: ${watched.gap.toFixed(0)} ms without an answer, answered by ${watched.by.join(", ")}`);
    expect(await oneHolder(real)).not.toBe("");
  });

  test("is handed over for maintenance, also over a power cut, and taken back", async () => {
    await apply({});
    const from = await oneHolder(real);
    await done(handOver("isolate", from, PAIR, [VIP4, VIP6]));
    await real.kill(from);
    await real.start(from);
    expect(await factsOf(from)).toMatchObject({ stable: { yielded: true, active: false, enabled: false } });
    expect(await oneHolder(real)).not.toBe(from);
    await done(takeBack("isolate", from, PAIR, [VIP4, VIP6]));
    expect(await factsOf(from)).toMatchObject({ stable: { yielded: false, active: true, enabled: true } });
    expect(await oneHolder(real)).not.toBe(from);
  });
});

describe("protocol 112", () => {
  const probe = async (): Promise<readonly (readonly string[])[]> => {
    const all = [
      { host: "lb1", own: "192.168.56.11", peer: "192.168.56.12" },
      { host: "lb2", own: "192.168.56.12", peer: "192.168.56.11" },
    ].map(async ({ host, own, peer }) => {
      const { text, args } = vrrpProbe(own, [peer]);
      const ran = await real.exec(host, ["sh", "-c", text, "sh", ...args]);
      if (ran.code !== 0) throw new Error(ran.stderr);
      return parseVrrpProbe(ran.stdout);
    });
    return await Promise.all(all);
  };

  test("is tried out in both directions, and nothing moves", async () => {
    const before = await Promise.all(PAIR.map(transitions));
    expect(await probe()).toEqual([["192.168.56.12"], ["192.168.56.11"]]);
    await sh("lb1", "iptables -A INPUT -p 112 -s 192.168.56.12 -j DROP");
    try {
      const backupIsDeaf = (await oneHolder(real)) === "lb2";
      expect(await probe()).toEqual([[], ["192.168.56.11"]]);
      await sh("lb1", "iptables -F INPUT");
      if (!backupIsDeaf) expect(await Promise.all(PAIR.map(transitions))).toEqual(before);
    } finally {
      await sh("lb1", "iptables -F INPUT");
    }
    await oneHolder(real);
    await sh("lb2", "iptables -A INPUT -p 112 -s 192.168.56.11 -j DROP");
    try {
      expect(await probe()).toEqual([["192.168.56.12"], []]);
    } finally {
      await sh("lb2", "iptables -F INPUT");
    }
    await oneHolder(real);
  });
});

// Once each; the medians of five are in test/prove/lb-failover.test.ts.
describe("the VIP moves", () => {
  test.for(FAILOVERS)("$settings, $mishap: at most $limit ms", async ({ settings, mishap, limit }) => {
    await apply({ failover: settings });
    const { gap, by } = await failover(real, mishaps[mishap], { after: AFTER[settings] });
    console.log(
      `${settings}, ${mishaps[mishap].name}: ${gap.toFixed(0)} ms without an answer (${by.join(" -> ")}), at most ${String(limit)}`,
    );
    expect(gap).toBeLessThan(limit);
    expect(by).toHaveLength(2);
  });

  test("the IPv6 VIP moves with it, and neighbours hear of it", async () => {
    await apply({});
    const { gap, by } = await failover(real, mishaps.maintenance, { vip: VIP6, after: 2000 });
    console.log(
      `standard, planned hand-over, IPv6: ${gap.toFixed(0)} ms without an answer (${by.join(" -> ")}), at most 700`,
    );
    expect(gap).toBeLessThan(700);
    expect(by).toHaveLength(2);
  });

  test("an IPv6 VIP alone", async () => {
    await apply({ vips: [VIP6] });
    const { gap, by } = await failover(real, mishaps.killed, { vip: VIP6, after: AFTER.standard });
    console.log(
      `standard, host killed, IPv6 alone: ${gap.toFixed(0)} ms without an answer (${by.join(" -> ")}), at most 3700`,
    );
    expect(gap).toBeLessThan(3700);
    expect(by).toHaveLength(2);
  });
});
