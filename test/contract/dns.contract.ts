import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  DnsChange,
  DnsKey,
  DnsPrerequisite,
  DnsRecord,
  DnsReply,
  DnsServer,
  DnsType,
  DnsUpdated,
} from "../../src/model/dns.ts";
import type { Clock, DnsClient } from "../../src/model/ports.ts";
import { dnsFailures } from "./dns-failures.contract.ts";
import { relaxed } from "./support/commands.ts";
import type { DnsTrouble } from "./support/dns-proxy.ts";

/** What a server does in its own way: nothing of it is wrong enough to be worked around, all of it is good to know. */
export interface DnsTraits {
  /** The most records of one name and type. BIND says SERVFAIL to more, since CVE-2024-1737; the others have no limit. */
  readonly mostRecords: number | null;
  /** An SRV record for a name that is a CNAME: RFC 2136 §3.4.2.2 ignores it and says NOERROR, PowerDNS refuses the message. */
  readonly ontoAlias: "ignored" | "refused";
  /** RFC 2136 §3.4.2 carries changes out in their order; PowerDNS does all deletes first. Drover deletes before it adds. */
  readonly order: "as written" | "deletes first";
  /** A key that is known and may not write: REFUSED, but Knot says BADKEY to any key that its rules do not name. */
  readonly denied: "dns-refused" | "dns-key";
  /**
   * What becomes of a change that deletes a whole name, by a key that may write some types only: Knot's `update-type` never
   * lets it pass. Drover deletes set by set.
   */
  readonly wholeNames: "go" | "refused";
  /** What is wrong with a signature (RFC 8945 §5.2); PowerDNS says REFUSED to all of it, unsigned. */
  readonly badSignature: "told" | "refused";
  /** An update for a zone that the server does not have: signed, or not (Knot), which may as well mean the key. */
  readonly strangeZone: "dns-refused" | "dns-key";
  /** The time in a reply's signature is the server's own; PowerDNS repeats the request's. */
  readonly tellsTime: boolean;
}

/** What the contract is tried on. */
export interface DnsSubject {
  readonly server: DnsServer;
  readonly zone: string;
  /** May write SRV, A, AAAA and TXT anywhere in the zone; another is known to the server, and may not. */
  readonly key: DnsKey;
  readonly denied: DnsKey;
  readonly traits: DnsTraits;
  readonly client: (clock?: Clock) => DnsClient;
  /** The same server and zone with trouble on the way, for as long as the work lasts. */
  readonly troubled: <Result>(trouble: DnsTrouble, work: (server: DnsServer) => Promise<Result>) => Promise<Result>;
  readonly stop: () => Promise<void>;
}

/** A subject with a client, and what tests do with them all the time. */
export interface DnsBench extends DnsSubject {
  readonly it: DnsClient;
  /** A name below the zone. */
  readonly at: (label: string) => string;
  readonly srv: (label: string, target: string, more?: { ttl?: number; weight?: number; port?: number }) => DnsRecord;
  readonly txt: (label: string, text: string) => DnsRecord;
  readonly change: (changes: readonly DnsChange[], prerequisites?: readonly DnsPrerequisite[]) => Promise<DnsUpdated>;
  /** The one reply to one question. */
  readonly ask: (label: string, type: DnsType) => Promise<DnsReply>;
  /** A set's records, sorted. */
  readonly records: (label: string, type: DnsType) => Promise<readonly DnsRecord[]>;
}

/** Everything that any `DnsClient` must hold, with any server. */
export function dnsContract(name: string, make: () => Promise<DnsSubject>): void {
  describe(`contract: ${name}`, () => {
    let made: DnsBench | null = null;
    const bench = (): DnsBench => {
      if (made === null) throw new Error("the subject is not there yet");
      return made;
    };
    beforeAll(async () => {
      made = benchOf(await make());
    });
    afterAll(async () => {
      await made?.it.close();
      await made?.stop();
    });
    changes(bench);
    prerequisites(bench);
    sizes(bench);
    questions(bench);
    dnsFailures(bench);
  });
}

function benchOf(subject: DnsSubject): DnsBench {
  const { server, zone, key } = subject;
  const it = subject.client();
  const at = (label: string): string => (label === "" ? zone : `${label}.${zone}`);
  const ask = async (label: string, type: DnsType): Promise<DnsReply> => {
    const queried = await it.query(server, [{ name: at(label), type }], relaxed());
    const reply = queried.kind === "answered" ? queried.replies[0] : undefined;
    if (reply === undefined) throw new Error(`no reply: ${JSON.stringify(queried)}`);
    return reply;
  };
  return {
    ...subject,
    it,
    at,
    ask,
    srv: (label, target, { ttl = 15, weight = 1, port = 8080 } = {}) => {
      return { name: at(label), ttl, type: "SRV", priority: 0, weight, port, target: at(target) };
    },
    txt: (label, text) => ({ name: at(label), ttl: 15, type: "TXT", texts: [text] }),
    change: (items, conditions = []) =>
      it.update(server, { zone, prerequisites: conditions, changes: items }, key, relaxed()),
    records: async (label, type) => sorted((await ask(label, type)).answers),
  };
}

/** Records in an order that means nothing, so that they can be compared. */
export function sorted(records: readonly DnsRecord[]): readonly DnsRecord[] {
  const text = (record: DnsRecord): string =>
    JSON.stringify(
      record,
      Object.keys(record).toSorted((a, b) => (a < b ? -1 : 1)),
    );
  return records.toSorted((left, right) => (text(left) < text(right) ? -1 : 1));
}

function add(...records: readonly DnsRecord[]): readonly DnsChange[] {
  return records.map((record) => ({ kind: "add", record }));
}

const done = { kind: "done" };

function changes(bench: () => DnsBench): void {
  test("a set is added, replaced as a whole, loses a record, and goes", async () => {
    const { at, srv, change, records } = bench();
    const [one, two, three] = [srv("_a._tcp", "vm1"), srv("_a._tcp", "vm2"), srv("_a._tcp", "vm3", { weight: 7 })];
    expect(await change(add(one, two))).toEqual(done);
    expect(await records("_a._tcp", "SRV")).toEqual(sorted([one, two]));
    expect(await change([{ kind: "delete-set", name: at("_a._tcp"), type: "SRV" }, ...add(two, three)])).toEqual(done);
    expect(await records("_a._tcp", "SRV")).toEqual(sorted([two, three]));
    expect(await change([{ kind: "delete-record", record: { ...two, ttl: 4711 } }])).toEqual(done);
    expect(await records("_a._tcp", "SRV")).toEqual([three]);
    expect(await change([{ kind: "delete-set", name: at("_a._tcp"), type: "SRV" }])).toEqual(done);
    expect(await records("_a._tcp", "SRV")).toEqual([]);
    expect(await change([{ kind: "delete-set", name: at("_a._tcp"), type: "SRV" }])).toEqual(done);
  });

  test("every type that drover writes comes back as it was written", async () => {
    const { at, srv, change, records } = bench();
    const ttl = 60;
    const texts = ["heritage=drover", 'owner=it\'s "q" \\ ; $x', "é".repeat(20), "x".repeat(255), ""];
    const all: readonly DnsRecord[] = [
      { name: at("vm9"), ttl, type: "A", address: "192.0.2.9" },
      { name: at("vm9"), ttl, type: "A", address: "192.0.2.10" },
      { name: at("vm9"), ttl, type: "AAAA", address: "2001:db8::9" },
      { name: at("_drover.vm9"), ttl, type: "TXT", texts },
      srv("_nine._tcp.long-name-of-an-app", "vm9", { weight: 65_535, port: 65_535 }),
    ];
    expect(await change(add(...all))).toEqual(done);
    for (const { name, type } of all) {
      const label = name.slice(0, -bench().zone.length - 1);
      expect(await records(label, type)).toEqual(
        sorted(all.filter((each) => each.name === name && each.type === type)),
      );
    }
  });

  test("names are written in lower case, and found however they are written", async () => {
    const { at, srv, change, records, it, server } = bench();
    const upper = srv("_case._tcp", "vm1");
    if (upper.type !== "SRV") throw new Error("not an SRV record");
    expect(await change(add({ ...upper, name: upper.name.toUpperCase(), target: upper.target.toUpperCase() }))).toEqual(
      done,
    );
    expect(await records("_case._tcp", "SRV")).toEqual([upper]);
    const queried = await it.query(server, [{ name: at("_CASE._tcp"), type: "SRV" }], relaxed());
    expect(queried).toMatchObject({ kind: "answered", replies: [{ answers: [upper] }] });
    expect(await change([{ kind: "delete-record", record: upper }])).toEqual(done);
    expect(await records("_case._tcp", "SRV")).toEqual([]);
  });

  test("the TTL of the last record added is the whole set's", async () => {
    const { srv, change, records } = bench();
    await change(add(srv("_ttl._tcp", "vm1", { ttl: 15 }), srv("_ttl._tcp", "vm2", { ttl: 15 })));
    expect(await change(add(srv("_ttl._tcp", "vm3", { ttl: 40 })))).toEqual(done);
    expect((await records("_ttl._tcp", "SRV")).map((each) => each.ttl)).toEqual([40, 40, 40]);
  });

  test("a whole name goes with all of its sets, and no other name", async () => {
    const { at, srv, txt, change, records, traits } = bench();
    await change(add(srv("gone", "vm1"), txt("gone", "x"), txt("below.gone", "stays")));
    const updated = await change([{ kind: "delete-name", name: at("gone") }]);
    const isGone = traits.wholeNames === "go";
    if (isGone) expect(updated).toEqual(done);
    else expect(updated).toMatchObject({ kind: "failed", failure: { code: traits.denied } });
    expect(await records("gone", "SRV")).toEqual(isGone ? [] : [srv("gone", "vm1")]);
    expect(await records("gone", "TXT")).toEqual(isGone ? [] : [txt("gone", "x")]);
    expect(await records("below.gone", "TXT")).toEqual([txt("below.gone", "stays")]);
  });

  test("one message changes several names, in the order of its changes", async () => {
    const { at, srv, txt, change, records, traits } = bench();
    const fine = await change([
      ...add(srv("_m1._tcp", "vm1"), srv("_m2._tcp", "vm2"), txt("_drover._m1", "rev=1")),
      { kind: "delete-set", name: at("_m1._tcp"), type: "SRV" },
      ...add(srv("_m1._tcp", "vm3")),
    ]);
    expect(fine).toEqual(done);
    expect(await records("_m1._tcp", "SRV")).toEqual(
      traits.order === "as written" ? [srv("_m1._tcp", "vm3")] : [srv("_m1._tcp", "vm1"), srv("_m1._tcp", "vm3")],
    );
    expect(await records("_m2._tcp", "SRV")).toEqual([srv("_m2._tcp", "vm2")]);
    expect(await records("_drover._m1", "TXT")).toEqual([txt("_drover._m1", "rev=1")]);
  });

  test("the serial grows by a change, and not without one", async () => {
    const { srv, change, ask } = bench();
    const serial = async (): Promise<number> => {
      const [soa] = (await ask("", "SOA")).answers;
      return soa?.type === "SOA" ? soa.serial : -1;
    };
    const before = await serial();
    await change(add(srv("_serial._tcp", "vm1")));
    const after = await serial();
    expect(after).toBeGreaterThan(before);
    await change(add(srv("_serial._tcp", "vm1")), [{ kind: "name-free", name: srv("_serial._tcp", "vm1").name }]);
    expect(await serial()).toBe(after);
  });

  test("nothing comes to stand beside a CNAME, whatever the server says", async () => {
    const { srv, change, records, traits } = bench();
    const before = await records("alias", "CNAME");
    expect(before).toHaveLength(1);
    const updated = await change(add(srv("alias", "vm1")));
    if (traits.ontoAlias === "ignored") expect(updated).toEqual(done);
    else expect(updated).toMatchObject({ kind: "failed", failure: { code: "dns-refused" } });
    expect((await records("alias", "SRV")).filter((each) => each.type === "SRV")).toEqual([]);
    expect(await records("alias", "CNAME")).toEqual(before);
  });
}

function prerequisites(bench: () => DnsBench): void {
  describe("prerequisites", () => {
    const of = (label: string): string => bench().at(label);
    const owner = (texts: string): DnsRecord => ({ ...bench().txt("_drover._p", texts), ttl: 3 });
    const pair = (...targets: readonly string[]): readonly DnsRecord[] =>
      targets.map((target) => bench().srv("_p._tcp", target, { ttl: 99 }));
    const missing = "name-that-is-not-there";
    beforeAll(async () => {
      const { srv, txt, change } = bench();
      expect(await change(add(srv("_p._tcp", "vm1"), srv("_p._tcp", "vm2"), txt("_drover._p", "rev=3")))).toEqual(done);
    });

    test.for<readonly [string, string | null, () => DnsPrerequisite]>([
      [
        "the set is exactly this, in any order and with any TTL",
        null,
        () => ({ kind: "set-equals", records: pair("vm2", "vm1") }),
      ],
      ["the set has less than this", "NXRRSET", () => ({ kind: "set-equals", records: pair("vm1", "vm2", "vm3") })],
      ["the set has more than this", "NXRRSET", () => ({ kind: "set-equals", records: pair("vm1") })],
      ["the owner is this", null, () => ({ kind: "set-equals", records: [owner("rev=3")] })],
      ["the owner is another by now", "NXRRSET", () => ({ kind: "set-equals", records: [owner("rev=2")] })],
      [
        "a set that is not there is exactly this",
        "NXRRSET",
        () => ({ kind: "set-equals", records: [bench().txt(missing, "x")] }),
      ],
      ["the set is there", null, () => ({ kind: "set-exists", name: of("_p._tcp"), type: "SRV" })],
      ["the set is there: another type", "NXRRSET", () => ({ kind: "set-exists", name: of("_p._tcp"), type: "TXT" })],
      ["the set is not there: another type", null, () => ({ kind: "set-absent", name: of("_p._tcp"), type: "TXT" })],
      ["the set is not there", "YXRRSET", () => ({ kind: "set-absent", name: of("_p._tcp"), type: "SRV" })],
      ["the name is in use", null, () => ({ kind: "name-in-use", name: of("_p._tcp") })],
      ["the name is in use: no such name", "NXDOMAIN", () => ({ kind: "name-in-use", name: of(missing) })],
      ["the name is free", null, () => ({ kind: "name-free", name: of(missing) })],
      ["the name is free: it is not", "YXDOMAIN", () => ({ kind: "name-free", name: of("_p._tcp") })],
    ])("%s", async ([name, rcode, prerequisite]) => {
      const { txt, change, records } = bench();
      const label = `done-${name.replaceAll(/[^a-z]/g, "")}`.slice(0, 60);
      const updated = await change(add(txt(label, "written")), [prerequisite()]);
      expect(updated).toEqual(rcode === null ? done : { kind: "unmet", rcode });
      expect(await records(label, "TXT")).toEqual(rcode === null ? [txt(label, "written")] : []);
    });

    test("one that does not hold, among many that do, and nothing of a message is done", async () => {
      const { srv, txt, change, records } = bench();
      const hold: readonly DnsPrerequisite[] = [
        { kind: "set-equals", records: [owner("rev=3")] },
        { kind: "set-absent", name: of("_p._tcp"), type: "CNAME" },
        { kind: "name-free", name: of(missing) },
      ];
      const all: readonly DnsChange[] = [
        { kind: "delete-set", name: of("_p._tcp"), type: "SRV" },
        { kind: "delete-set", name: of("_drover._p"), type: "TXT" },
        ...add(txt("_drover._p", "rev=4"), srv("_q._tcp", "vm1")),
      ];
      const before = [await records("_p._tcp", "SRV"), await records("_drover._p", "TXT")];
      const unmet = await change(all, [...hold, { kind: "set-exists", name: of("_q._tcp"), type: "SRV" }]);
      expect(unmet).toEqual({ kind: "unmet", rcode: "NXRRSET" });
      expect([await records("_p._tcp", "SRV"), await records("_drover._p", "TXT")]).toEqual(before);
      expect(await records("_q._tcp", "SRV")).toEqual([]);
      expect(await change(all, hold)).toEqual(done);
      expect(await records("_drover._p", "TXT")).toEqual([txt("_drover._p", "rev=4")]);
    });
  });
}

function sizes(bench: () => DnsBench): void {
  test("a message of nearly 64 KiB is carried out, and its sets are read back over one connection", async () => {
    const { at, srv, change, it, server } = bench();
    const sets = Array.from({ length: 9 }, (_, set) =>
      Array.from({ length: 95 }, (_unused, host) => srv(`_large${set}._tcp`, `host-${host}`, { port: 1000 + host })),
    );
    expect(await change(add(...sets.flat()))).toEqual(done);
    const names = sets.map((_, set): { name: string; type: "SRV" } => ({ name: at(`_large${set}._tcp`), type: "SRV" }));
    const queried = await it.query(server, names, relaxed());
    if (queried.kind !== "answered") throw new Error(JSON.stringify(queried));
    expect(queried.replies.map((reply) => sorted(reply.answers))).toEqual(sets.map(sorted));
    expect(await change(names.map((each) => ({ kind: "delete-set", ...each })))).toEqual(done);
    expect(await it.query(server, names, relaxed())).toMatchObject({ replies: names.map(() => ({ answers: [] })) });
  });

  test("a set of 101 records is done as a whole or not at all", async () => {
    const { srv, txt, change, records, traits } = bench();
    const many = Array.from({ length: 101 }, (_, host) => srv("_many._tcp", `host-${host}`));
    const updated = await change(add(txt("_drover._many", "rev=1"), ...many));
    if (traits.mostRecords === null) expect(updated).toEqual(done);
    else
      expect(updated).toMatchObject({
        kind: "failed",
        failure: { code: "dns-refused", message: expect.stringContaining("SERVFAIL") },
      });
    const isDone = traits.mostRecords === null;
    expect(await records("_many._tcp", "SRV")).toHaveLength(isDone ? 101 : 0);
    expect(await records("_drover._many", "TXT")).toHaveLength(isDone ? 1 : 0);
    expect(await change(add(...many.slice(0, 100)))).toEqual(done);
    expect(await records("_many._tcp", "SRV")).toHaveLength(isDone ? 101 : 100);
  });
}

function questions(bench: () => DnsBench): void {
  test("many questions at once are answered in their order", async () => {
    const { at, txt, change, it, server } = bench();
    const labels = Array.from({ length: 60 }, (_, index) => `asked-${index}`);
    await change(add(...labels.map((label) => txt(label, label))));
    const all = Array.from({ length: 240 }, (_, index) => labels[(index * 7) % labels.length] ?? "");
    const ask = async (shift: number): Promise<void> => {
      const turned = [...all.slice(shift), ...all.slice(0, shift)];
      const queried = await it.query(
        server,
        turned.map((label) => ({ name: at(label), type: "TXT" })),
        relaxed(),
      );
      if (queried.kind !== "answered") throw new Error(JSON.stringify(queried));
      expect(queried.replies.map((reply) => reply.answers)).toEqual(turned.map((label) => [txt(label, label)]));
    };
    await Promise.all([ask(0), ask(13), ask(101)]);
    expect(await it.query(server, [], relaxed())).toEqual({ kind: "answered", replies: [] });
  });

  test("no such name, and no such type at a name, are told apart, with how long that may be remembered", async () => {
    const { zone, ask } = bench();
    const authority = [expect.objectContaining({ type: "SOA", name: zone, minimum: 5, ttl: 5 })];
    const own = { authoritative: true, recursive: false, answers: [] };
    expect(await ask("never-was", "SRV")).toEqual({ ...own, rcode: "NXDOMAIN", authority });
    expect(await ask("target", "SRV")).toEqual({ ...own, rcode: "NOERROR", authority });
    const soa = {
      type: "SOA",
      name: zone,
      ttl: 3600,
      primary: `ns1.${zone}`,
      mailbox: `hostmaster.${zone}`,
      minimum: 5,
    };
    expect(await ask("", "SOA")).toMatchObject({ ...own, rcode: "NOERROR", answers: [soa] });
    expect(await ask("", "NS")).toMatchObject({ answers: [{ type: "NS", target: `ns1.${zone}` }] });
  });

  test("a zone of others is not answered for", async () => {
    const { it, server, key, traits } = bench();
    const queried = await it.query(server, [{ name: "_shop._tcp.elsewhere.test", type: "SRV" }], relaxed());
    expect(queried).toMatchObject({
      kind: "answered",
      replies: [{ rcode: "REFUSED", authoritative: false, answers: [] }],
    });
    const record: DnsRecord = { name: "x.elsewhere.test", ttl: 1, type: "TXT", texts: ["x"] };
    const update = { zone: "elsewhere.test", prerequisites: [], changes: add(record) };
    const updated = await it.update(server, update, key, relaxed());
    expect(updated).toMatchObject({ kind: "failed", failure: { code: traits.strangeZone } });
    const outside = { ...update, zone: bench().zone };
    expect(await it.update(server, outside, key, relaxed())).toMatchObject({
      kind: "failed",
      failure: { code: "dns-refused" },
    });
  });
}
