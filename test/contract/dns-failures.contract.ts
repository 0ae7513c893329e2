import { describe, expect, test } from "vitest";
import type { DnsKey, DnsUpdated } from "../../src/model/dns.ts";
import type { Clock, DnsClient, Limits } from "../../src/model/ports.ts";
import { Secret } from "../../src/model/secret.ts";
import { systemClock } from "../../src/store/clock.ts";
import type { DnsBench } from "./dns.contract.ts";
import { relaxed } from "./support/commands.ts";
import type { DnsTrouble } from "./support/dns-proxy.ts";

/** A clock that is wrong by some seconds, and otherwise runs as clocks do. */
export function lyingBy(seconds: number): Clock {
  return { now: () => systemClock.now() + seconds * 1000, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
}

/** What any `DnsClient` must make of servers that refuse, fail, lie or say nothing. */
export function dnsFailures(bench: () => DnsBench): void {
  signatures(bench);
  troubles(bench);
  aborts(bench);
  probes(bench);
}

/** Changes one TXT record with a client of the test's own, which it closes. */
async function write(bench: DnsBench, label: string, client: DnsClient, key: DnsKey = bench.key): Promise<DnsUpdated> {
  const { server, zone, txt } = bench;
  const changes = [{ kind: "add", record: txt(label, "written") } as const];
  const updated = await client.update(server, { zone, prerequisites: [], changes }, key, relaxed());
  await client.close();
  return updated;
}

function signatures(bench: () => DnsBench): void {
  describe("signatures", () => {
    const other = (change: Partial<DnsKey>): DnsKey => ({ ...bench().key, ...change });
    /** What a refusal that nobody has signed may stand for is left to the hint. */
    const codeOf = (code: string): string => (bench().traits.badSignature === "told" ? code : "dns-refused");
    test.for<readonly [string, string, () => DnsKey]>([
      ["the wrong secret", "dns-key", () => other({ secret: new Secret(Buffer.alloc(32, 7)) })],
      ["a name that the server does not know", "dns-key", () => other({ name: "nobody" })],
      ["another algorithm", "dns-key", () => other({ algorithm: "hmac-sha512" })],
    ])("%s: %s, and nothing is done", async ([name, code, key]) => {
      const label = `signed-${name.length}`;
      expect(await write(bench(), label, bench().client(), key())).toMatchObject({
        kind: "failed",
        failure: { code: codeOf(code) },
      });
      expect(await bench().records(label, "TXT")).toEqual([]);
    });

    test.for([-600, 600])("a clock that is wrong by %i s: dns-clock, and nothing is done", async (seconds) => {
      const label = `late-${seconds + 600}`;
      const updated = await write(bench(), label, bench().client(lyingBy(seconds)));
      expect(updated).toMatchObject({ kind: "failed", failure: { code: codeOf("dns-clock") } });
      expect(await bench().records(label, "TXT")).toEqual([]);
    });

    test.for([-200, 200])("a clock that is wrong by %i s is good enough", async (seconds) => {
      expect(await write(bench(), `early-${seconds + 200}`, bench().client(lyingBy(seconds)))).toEqual({
        kind: "done",
      });
    });

    test("a key that may not write: nothing is done", async () => {
      const updated = await write(bench(), "denied", bench().client(), bench().denied);
      expect(updated).toMatchObject({ kind: "failed", failure: { code: bench().traits.denied } });
      expect(await bench().records("denied", "TXT")).toEqual([]);
    });

    test("names of keys are the same in capitals", async () => {
      const shouted = other({ name: bench().key.name.toUpperCase() });
      expect(await write(bench(), "shouted", bench().client(), shouted)).toEqual({ kind: "done" });
    });
  });
}

function troubles(bench: () => DnsBench): void {
  describe("servers that do not answer as they should", () => {
    /** Where nothing will ever come, nobody has to wait long for it; where something does, a slow disk may take its time. */
    const limitsFor = (trouble: DnsTrouble): Limits =>
      trouble === "mute" || trouble === "loses-replies" ? relaxed({ deadline: 400 }) : relaxed();
    test.for<readonly [DnsTrouble, DnsUpdated["kind"], string, "done" | "not done"]>([
      ["nobody", "failed", "dns-unreachable", "not done"],
      ["mute", "unknown", "dns-lost", "not done"],
      ["hangs-up", "unknown", "dns-lost", "done"],
      ["loses-replies", "unknown", "dns-lost", "done"],
      ["says-refused", "unknown", "dns-forged", "done"],
      ["flips-a-bit", "unknown", "dns-forged", "done"],
      ["strips-signatures", "unknown", "dns-forged", "done"],
      ["changes-ids", "unknown", "dns-answer", "done"],
      ["talks-rubbish", "unknown", "dns-answer", "done"],
    ])("an update: %s is %s, %s, and reading back tells that it was %s", async ([trouble, kind, code, outcome]) => {
      const { zone, key, txt, records, troubled, client } = bench();
      const it = client();
      const changes = [{ kind: "add", record: txt(`via-${trouble}`, "written") } as const];
      const updated = await troubled(trouble, (server) =>
        it.update(server, { zone, prerequisites: [], changes }, key, limitsFor(trouble)),
      );
      expect(updated).toMatchObject({ kind, failure: { code } });
      // What nobody has answered yet may still be on its way to the disk.
      const size = async (): Promise<number> => (await records(`via-${trouble}`, "TXT")).length;
      await expect.poll(size, { timeout: 10_000, interval: 20 }).toBe(outcome === "done" ? 1 : 0);
      await it.close();
    });

    test.for<readonly [DnsTrouble, string]>([
      ["nobody", "dns-unreachable"],
      ["mute", "dns-unreachable"],
      ["hangs-up", "dns-unreachable"],
      ["loses-replies", "dns-unreachable"],
      ["changes-ids", "dns-answer"],
      ["talks-rubbish", "dns-answer"],
    ])("a question: %s is %s, and says whose, and no other server suffers", async ([trouble, code]) => {
      const { at, troubled, client, server } = bench();
      const it = client();
      const question = { name: at("target"), type: "A" } as const;
      const queried = await troubled(trouble, (there) => it.query(there, [question], limitsFor(trouble)));
      expect(queried).toMatchObject({
        kind: "failed",
        failure: { code, message: expect.stringContaining(server.name) },
      });
      expect(await it.query(server, [question], relaxed())).toMatchObject({ replies: [{ rcode: "NOERROR" }] });
      await it.close();
    });
  });
}

function aborts(bench: () => DnsBench): void {
  test("what is aborted ends at once; a client that is closed does nothing any more", async () => {
    const { at, zone, key, txt, records, troubled, client, server } = bench();
    const it = client();
    const question = { name: at("target"), type: "A" } as const;
    const update = { zone, prerequisites: [], changes: [{ kind: "add", record: txt("aborted", "x") } as const] };
    const started = performance.now();
    await troubled("mute", async (there) => {
      const abort = new AbortController();
      const both = [
        it.query(there, [question], { deadline: 20_000, signal: abort.signal }),
        it.update(there, update, key, { deadline: 20_000, signal: abort.signal }),
      ];
      setTimeout(() => abort.abort(), 50);
      const [queried, updated] = await Promise.all(both);
      expect(queried).toMatchObject({ kind: "failed", failure: { code: "interrupted" } });
      // It was sent: whoever aborts does not know what became of it.
      expect(updated).toMatchObject({ kind: expect.stringMatching(/failed|unknown/) });
    });
    expect(performance.now() - started).toBeLessThan(2000);
    const aborted = { deadline: 20_000, signal: AbortSignal.abort() };
    expect(await it.query(server, [question], aborted)).toMatchObject({
      kind: "failed",
      failure: { code: "interrupted" },
    });
    expect(await it.update(server, update, key, aborted)).toMatchObject({
      kind: "failed",
      failure: { code: "interrupted" },
    });
    expect(await records("aborted", "TXT")).toEqual([]);
    await it.close();
    await it.close();
    expect(await it.query(server, [question], relaxed())).toMatchObject({ kind: "failed" });
    expect(await it.update(server, update, key, relaxed())).toMatchObject({ kind: "failed" });
    expect(await records("aborted", "TXT")).toEqual([]);
  });
}

function probes(bench: () => DnsBench): void {
  test("a probe tells a key that may write from one that may not, and leaves nothing behind", async () => {
    const { it, server, zone, key, denied, at, records, traits } = bench();
    const name = at("_drover-probe");
    const allowed = await it.probe(server, zone, name, key, relaxed());
    expect(allowed).toMatchObject({ kind: "answered", rcode: "NOERROR" });
    if (allowed.kind === "answered") expect(Math.abs(allowed.skew)).toBeLessThanOrEqual(2);
    const refused = await it.probe(server, zone, name, denied, relaxed());
    if (traits.denied === "dns-refused") expect(refused).toMatchObject({ kind: "answered", rcode: "REFUSED" });
    else expect(refused).toMatchObject({ kind: "failed", failure: { code: traits.denied } });
    expect(await records("_drover-probe", "TXT")).toEqual([]);
  });

  test("a probe tells how far the server's clock is from ours", async () => {
    const { server, zone, key, at, client, traits } = bench();
    const behind = client(lyingBy(-120));
    const probed = await behind.probe(server, zone, at("_drover-probe"), key, relaxed());
    expect(probed).toMatchObject({ kind: "answered", rcode: "NOERROR" });
    if (probed.kind === "answered") expect(Math.abs(probed.skew - (traits.tellsTime ? 120 : 0))).toBeLessThanOrEqual(2);
    await behind.close();
    const lost = client(lyingBy(600));
    const far = await lost.probe(server, zone, at("_drover-probe"), key, relaxed());
    const code = traits.badSignature === "told" ? "dns-clock" : "dns-refused";
    expect(far).toMatchObject({ kind: "failed", failure: { code } });
    await lost.close();
  });
}
