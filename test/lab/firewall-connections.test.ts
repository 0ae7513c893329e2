import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { operateFirewall } from "../../src/firewall/operations.ts";
import type { FirewallCut, FirewallModel } from "../../src/model/firewall.ts";
import type { Outcome } from "../../src/model/operation.ts";
import { driver } from "./support/drive.ts";
import { applying, letIn, model } from "./support/firewall-hosts.ts";
import { checkout, lab, until } from "./support/lab.ts";

const real = lab("test-firewall-connections");
const { drive, sh } = driver(real);
const [NEAR, FAR] = ["app1", "app2"];
const AT: Readonly<Record<string, string>> = { app1: "192.168.56.21", app2: "192.168.56.22" };
const AT6: Readonly<Record<string, string>> = { app1: "fd00:56::21", app2: "fd00:56::22" };

/** A connection: who listens, and what the listener and the other one do. */
interface Stream {
  readonly name: string;
  readonly listens: string;
  readonly protocol: "tcp" | "udp";
  readonly v6?: boolean;
  readonly port: number;
  readonly server: "send" | "idle";
  readonly client: "send" | "idle";
}

const other = (host: string): string => (host === NEAR ? FAR : NEAR);
const said = (host: string, name: string): Promise<string> => sh(host, `cat /run/stream-${name}`);
const received = async (host: string, name: string): Promise<number> => Number.parseInt(await said(host, name), 10);

async function open({ name, listens, protocol, v6, port, server, client }: Stream): Promise<void> {
  const address = (v6 === true ? AT6 : AT)[listens] ?? "";
  const start = (host: string, how: string, does: string): Promise<string> =>
    sh(
      host,
      `systemd-run -q --collect --unit=stream-${name} python3 /run/stream.py ${name} ${how} ${protocol} ${address} ${String(port)} ${does}`,
    );
  await start(listens, "listen", server);
  await until(
    `${name} listens`,
    async () => (await sh(listens, `ss -Hln${protocol === "tcp" ? "t" : "u"} sport = :${String(port)}`)) !== "",
  );
  await start(other(listens), "connect", client);
  await until(`${name} is open`, async () => /^\d+$/m.test(await said(listens, name)));
}

/** More comes on the end that is sent to than has come already. */
async function flows({ name, listens, server, client }: Stream): Promise<void> {
  for (const [does, host] of [
    [server, other(listens)],
    [client, listens],
  ] as const) {
    if (does === "idle") continue;
    const before = await received(host, name);
    await until(`${name} goes on towards ${host}`, async () => (await received(host, name)) > before + 5, 5000);
    expect(await said(host, name)).toMatch(/^\d+\n$/);
  }
}

const apply = (generation: number, wanted: FirewallModel, cuts: readonly FirewallCut[] = []): Promise<Outcome> =>
  drive(operateFirewall(applying(NEAR, generation, wanted, { cuts })));

beforeAll(async () => {
  await real.up("--only", [NEAR, FAR].join());
}, 240_000);

afterAll(async () => {
  await real.down();
});

// Tracking begins with the first rule that asks for it, and does not end with the last: only a reboot makes a host new.
beforeEach(async () => {
  await drive(operateFirewall({ kind: "firewall.remove", host: NEAR }));
  for (const host of [NEAR, FAR]) {
    await real.kill(host);
    await real.start(host);
    const put = await real.exec(host, ["sh", "-c", "cat > /run/stream.py"], {
      stdin: readFileSync(join(checkout, "test/lab/support/firewall-stream.py")),
    });
    expect(put.code).toBe(0);
  }
});

describe("open connections", () => {
  test("outlive the first rules of a host, whoever of the two sends", async () => {
    const streams: readonly Stream[] = [
      { name: "hears", listens: FAR, protocol: "tcp", port: 7000, server: "send", client: "idle" },
      { name: "hears6", listens: FAR, protocol: "tcp", v6: true, port: 7001, server: "send", client: "idle" },
      { name: "tells", listens: FAR, protocol: "tcp", port: 7002, server: "idle", client: "send" },
      { name: "served", listens: NEAR, protocol: "tcp", port: 7003, server: "idle", client: "send" },
      { name: "served6", listens: NEAR, protocol: "tcp", v6: true, port: 7004, server: "send", client: "idle" },
      { name: "hearsudp", listens: FAR, protocol: "udp", port: 7005, server: "send", client: "idle" },
    ];
    for (const stream of streams) await open(stream);
    // Nothing is tracked yet: that is the case that has to be shown.
    expect(await sh(NEAR, "conntrack -C")).toBe("0\n");
    expect(await apply(1, model())).toEqual({ kind: "done", note: "" });
    for (const stream of streams) await flows(stream);
    const known = await sh(NEAR, "conntrack -L 2>/dev/null; conntrack -L -f ipv6 2>/dev/null");
    expect(known).toMatch(/ESTABLISHED src=192\.168\.56\.21 dst=192\.168\.56\.22 sport=\d+ dport=7000 /);
    expect(known).toMatch(/ESTABLISHED src=192\.168\.56\.22 dst=192\.168\.56\.21 sport=\d+ dport=7003 /);
    expect(known).toMatch(/ESTABLISHED src=fd00:56::22 dst=fd00:56::21 sport=\d+ dport=7004 /);
  });

  test("are cut where a flow is closed, also the pushed, the idle and UDP; no other is", async () => {
    const cut: readonly Stream[] = [
      { name: "pushed", listens: NEAR, protocol: "tcp", port: 7000, server: "send", client: "idle" },
      { name: "asked", listens: NEAR, protocol: "tcp", port: 7001, server: "idle", client: "send" },
      { name: "idle", listens: NEAR, protocol: "tcp", port: 7002, server: "idle", client: "idle" },
      { name: "pushed6", listens: NEAR, protocol: "tcp", v6: true, port: 7003, server: "send", client: "idle" },
      { name: "udp", listens: NEAR, protocol: "udp", port: 7004, server: "send", client: "send" },
    ];
    const kept: readonly Stream[] = [
      { name: "allowed", listens: NEAR, protocol: "tcp", port: 7010, server: "send", client: "send" },
      // The same ports, the other way: nobody has closed that.
      { name: "outgoing", listens: FAR, protocol: "tcp", port: 7000, server: "send", client: "send" },
      { name: "outgoingudp", listens: FAR, protocol: "udp", port: 7004, server: "send", client: "send" },
    ];
    await apply(1, model(letIn("tcp", 7000, 7010), letIn("udp", 7000, 7010)));
    for (const stream of [...cut, ...kept]) await open(stream);
    for (const stream of [...cut, ...kept]) await flows(stream);
    const peers = [`${AT[FAR] ?? ""}/32`, `${AT6[FAR] ?? ""}/128`];
    const outcome = await apply(2, model(letIn("tcp", 7010)), [
      { direction: "in", peers, match: { protocol: "tcp", ports: [{ from: 7000, to: 7009 }] } },
      { direction: "in", peers, match: { protocol: "udp", ports: [{ from: 7000, to: 7010 }] } },
    ]);
    expect(outcome).toEqual({ kind: "done", note: "5 connections cut" });
    for (const { name, protocol } of cut.filter((each) => each.protocol === "tcp")) {
      expect(`${protocol} ${name} ${await said(FAR, name)}`).toMatch(/ConnectionResetError/);
      expect(`${protocol} ${name} ${await said(NEAR, name)}`).toMatch(/Connection(Reset|Aborted)Error/);
    }
    const heard = [await received(NEAR, "udp"), await received(FAR, "udp")];
    for (const stream of kept) await flows(stream);
    expect([await received(NEAR, "udp"), await received(FAR, "udp")]).toEqual(heard);
    // What keeps them from coming back is ours, and is gone after a reboot.
    expect(await sh(NEAR, "iptables -S DRV-SEVER-O")).toContain("--ctstate NEW");
  });

  test("of one port are not cut by what concerns all ports of somebody else, nor those that this host opened", async () => {
    const streams: readonly Stream[] = [
      { name: "in", listens: NEAR, protocol: "tcp", port: 7000, server: "send", client: "idle" },
      { name: "out", listens: FAR, protocol: "tcp", port: 7000, server: "send", client: "idle" },
    ];
    await apply(1, model(letIn("tcp", 7000)));
    for (const stream of streams) await open(stream);
    const [incoming, outgoing] = streams;
    const strangers = await apply(2, model(), [
      { direction: "in", peers: ["192.168.56.99/32"], match: { protocol: "any" } },
    ]);
    expect(strangers).toEqual({ kind: "done", note: "" });
    for (const stream of streams) await flows(stream);
    const peers = [`${AT[FAR] ?? ""}/32`];
    const outcome = await apply(3, model(), [{ direction: "in", peers, match: { protocol: "any" } }]);
    expect(outcome).toEqual({ kind: "done", note: "1 connection cut" });
    expect(await said(FAR, incoming?.name ?? "")).toMatch(/ConnectionResetError/);
    if (outgoing !== undefined) await flows(outgoing);
  });
});
