import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { DnsQuestion, DnsRecord, DnsServer, DnsUpdate } from "../../../src/model/dns.ts";
import type { Clock, DnsClient, Limits } from "../../../src/model/ports.ts";
import { createDnsClient } from "../../../src/net/dns/client.ts";
import { frame, Unframer } from "../../../src/net/dns/framing.ts";
import { decodeMessage } from "../../../src/net/dns/message.ts";
import { keyOf, readUpdate, replyTo, signatureOf, signReply } from "../../support/dns-wire.ts";

// The client over real sockets, to a server that does what each test tells it.

const zone = "svc.lab.internal";
const key = keyOf("drover");
const never = new AbortController().signal;
const limits = (deadline = 5000): Limits => ({ deadline, signal: never });
const ask = (name: string): DnsQuestion => ({ name: `${name}.${zone}`, type: "A" });
const address = (name: string): DnsRecord => ({ name, ttl: 60, type: "A", address: "192.0.2.1" });
const update: DnsUpdate = { zone, prerequisites: [], changes: [{ kind: "delete-name", name: `gone.${zone}` }] };

interface Peer {
  readonly server: DnsServer;
  /** Every message that has come, and the number of its connection. */
  readonly heard: { readonly bytes: Buffer; readonly connection: number }[];
  connections: number;
}

type Behave = (bytes: Buffer, socket: Socket, peer: Peer) => void;

const open: (Server | Socket | DnsClient)[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) {
    if ("destroy" in each) each.destroy();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    else await each.close();
  }
});

async function peer(behave: Behave): Promise<Peer> {
  const listener = createServer((socket) => {
    open.push(socket);
    it.connections += 1;
    const connection = it.connections;
    const unframer = new Unframer();
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => {
      for (const bytes of unframer.push(data)) {
        it.heard.push({ bytes, connection });
        behave(bytes, socket, it);
      }
    });
  });
  await new Promise<void>((resolve) => {
    listener.listen(0, "127.0.0.1", resolve);
  });
  open.push(listener);
  const port = (listener.address() as AddressInfo).port; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a listener on TCP has one
  const it: Peer = { server: { name: "dns1", address: "127.0.0.1", port }, heard: [], connections: 0 };
  return it;
}

function clientWith(clock: Partial<Clock> = {}): DnsClient {
  const client = createDnsClient({ clock: { now: () => Date.now(), sleep: () => Promise.resolve(), ...clock } });
  open.push(client);
  return client;
}

/** Answers a question with one address, an update with a signed NOERROR. */
function obey(bytes: Buffer, socket: Socket): void {
  socket.write(frame(answerTo(bytes)));
}

function answerTo(bytes: Buffer): Buffer {
  const { flags, questions } = decodeMessage(bytes);
  if (flags === 0) return replyTo(bytes, 0, [address(questions[0]?.name ?? "")]);
  return signReply(replyTo(bytes), bytes, key, signatureOf(bytes).seconds);
}

const namesIn = (queried: Awaited<ReturnType<DnsClient["query"]>>): readonly (string | undefined)[] =>
  queried.kind === "answered" ? queried.replies.map((reply) => reply.answers[0]?.name) : [JSON.stringify(queried)];

describe("questions", () => {
  test("go out together, and get their answers in whatever order these come", async () => {
    const held: Buffer[] = [];
    const it = await peer((bytes, socket) => {
      held.push(bytes);
      if (held.length < 20) return;
      const pieces = Buffer.concat(held.toReversed().map((each) => frame(answerTo(each))));
      for (let at = 0; at < pieces.length; at += 7) socket.write(pieces.subarray(at, at + 7));
    });
    const names = Array.from({ length: 20 }, (_, at) => `app${at}`);
    expect(namesIn(await clientWith().query(it.server, names.map(ask), limits()))).toEqual(
      names.map((each) => `${each}.${zone}`),
    );
    expect(it.connections).toBe(1);
  });

  test("none at all are answered without a connection", async () => {
    const it = await peer(obey);
    expect(await clientWith().query(it.server, [], limits())).toEqual({ kind: "answered", replies: [] });
    expect(it.connections).toBe(0);
  });

  test("share one connection, also those asked at the same time, each with an id of its own", async () => {
    const it = await peer(obey);
    const client = clientWith();
    await Promise.all(Array.from({ length: 10 }, () => client.query(it.server, [ask("a"), ask("a")], limits())));
    await client.query(it.server, [ask("b")], limits());
    expect(it.connections).toBe(1);
    expect(new Set(it.heard.slice(0, 20).map(({ bytes }) => bytes.readUInt16BE(0))).size).toBe(20);
  });

  test("are asked again over a new connection when the kept one was closed by the server in the meantime", async () => {
    const it = await peer((bytes, socket, { heard }) => {
      // The second question is met by a server that just closes: it had been idle.
      if (heard.length === 2) socket.destroy();
      else obey(bytes, socket);
    });
    const client = clientWith();
    await client.query(it.server, [ask("a")], limits());
    expect(namesIn(await client.query(it.server, [ask("b")], limits()))).toEqual([`b.${zone}`]);
    expect(it.connections).toBe(2);
  });

  test.for([
    ["a new connection", 0],
    ["one that had answered a part", 1],
  ] as const)("are not asked again where the server closes %s", async ([, answers]) => {
    const it = await peer((bytes, socket, { heard }) => {
      if (heard.length <= answers) obey(bytes, socket);
      else socket.end();
    });
    const queried = await clientWith().query(it.server, [ask("a"), ask("b")], limits());
    expect(queried).toMatchObject({ kind: "failed", failure: { code: "dns-unreachable" } });
    expect(it.connections).toBe(1);
  });

  test("that get no answer end with their deadline; the next call has a new connection, and late answers harm nobody", async () => {
    let isMute = true;
    const it = await peer((bytes, socket) => {
      if (!isMute) obey(bytes, socket);
    });
    const client = clientWith();
    const silent = await client.query(it.server, [ask("a")], limits(60));
    const message = `the DNS server dns1 (127.0.0.1 port ${it.server.port}) did not answer within 0.06 s`;
    expect(silent).toMatchObject({ kind: "failed", failure: { code: "dns-unreachable", message } });
    isMute = false;
    expect(namesIn(await client.query(it.server, [ask("b")], limits()))).toEqual([`b.${zone}`]);
    expect(it.connections).toBe(2);
  });

  test("of one caller that gives up do not end those of another on the same connection", async () => {
    const waiting: (() => void)[] = [];
    const it = await peer((bytes, socket) => {
      waiting.push(() => obey(bytes, socket));
      if (waiting.length === 2) abort.abort();
    });
    const abort = new AbortController();
    const client = clientWith();
    const [first, second] = [
      client.query(it.server, [ask("a")], { deadline: 5000, signal: abort.signal }),
      client.query(it.server, [ask("b")], limits()),
    ];
    expect(await first).toMatchObject({ kind: "failed", failure: { code: "interrupted" } });
    for (const answer of waiting) answer();
    expect(namesIn(await second)).toEqual([`b.${zone}`]);
  });

  test("to a port where nobody listens fail at once", async () => {
    const it = await peer(obey);
    const listener = open.find((each) => "listening" in each);
    if (listener !== undefined && "listening" in listener) listener.close();
    const queried = await clientWith().query(it.server, [ask("a")], limits());
    expect(queried).toMatchObject({ kind: "failed", failure: { code: "dns-unreachable" } });
    expect(JSON.stringify(queried)).toContain("refused the connection");
  });

  test("that are none are refused before anything is sent", async () => {
    const it = await peer(obey);
    const queried = await clientWith().query(it.server, [ask("a"), ask("b..c")], limits());
    expect(queried).toMatchObject({ kind: "failed", failure: { code: "bug" } });
    expect(it.heard).toEqual([]);
  });
});

describe("answers that make no sense", () => {
  const flagged = (bytes: Buffer, flags: number): Buffer => {
    const reply = replyTo(bytes);
    reply.writeUInt16BE(flags, 2);
    return reply;
  };
  test.for<readonly [string, string, (bytes: Buffer) => Buffer]>([
    [
      "another id",
      "nobody asked",
      (bytes) => Buffer.concat([Buffer.of(bytes.readUInt8(0) ^ 1), replyTo(bytes).subarray(1)]),
    ],
    [
      "another question",
      "another question",
      (bytes) => {
        const reply = replyTo(bytes);
        reply.write("b", 13);
        return reply;
      },
    ],
    ["the question back", "it is a question", (bytes) => flagged(bytes, 0)],
    ["cut off", "it is cut off", (bytes) => flagged(bytes, 0x8600)],
    ["another operation", "another operation", (bytes) => flagged(bytes, 0xa400)],
    [
      "no question",
      "repeats no question",
      (bytes) => Buffer.concat([bytes.subarray(0, 2), Buffer.of(0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0)]),
    ],
    ["too short", "it has 3 bytes", () => Buffer.from("abc")],
    ["nothing", "it has 0 bytes", () => Buffer.alloc(0)],
    ["more than it says", "stand after its end", (bytes) => Buffer.concat([replyTo(bytes), Buffer.of(1)])],
    ["less than it says", "ends within", (bytes) => replyTo(bytes, 0, [address("a.b")]).subarray(0, -1)],
  ])("%s: dns-answer", async ([, words, answer]) => {
    const it = await peer((bytes, socket) => socket.write(frame(answer(bytes))));
    const queried = await clientWith().query(it.server, [ask("a")], limits());
    expect(queried).toMatchObject({
      kind: "failed",
      failure: { code: "dns-answer", message: expect.stringContaining(words) },
    });
    const updated = await clientWith().update(it.server, update, key, limits());
    if (words !== "repeats no question")
      expect(updated).toMatchObject({
        kind: "unknown",
        failure: { code: expect.stringMatching(/^dns-(answer|forged)$/) },
      });
  });
});

describe("updates", () => {
  test("are done when the server signs for them, and made anew each time", async () => {
    const it = await peer(obey);
    const client = clientWith();
    for (const _ of [1, 2, 3]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await client.update(it.server, update, key, limits())).toEqual({ kind: "done" });
    }
    expect(it.heard.map(({ bytes }) => readUpdate(bytes))).toEqual([update, update, update]);
    expect(new Set(it.heard.map(({ bytes }) => bytes.toString("hex"))).size).toBe(3);
  });

  test.for<readonly [string, Behave]>([
    ["closes", (_, socket) => socket.destroy()],
    ["says nothing", () => {}],
    ["stops in the middle of the answer", (bytes, socket) => socket.end(frame(answerTo(bytes)).subarray(0, 20))],
  ])("are sent once, and unknown, where the server %s", async ([, behave]) => {
    const it = await peer((bytes, socket, self) =>
      self.heard.length === 1 ? obey(bytes, socket) : behave(bytes, socket, self),
    );
    const client = clientWith();
    // Over a connection that has served: a question would be asked again.
    await client.query(it.server, [ask("a")], limits());
    const updated = await client.update(it.server, update, key, limits(100));
    expect(updated).toMatchObject({ kind: "unknown", failure: { code: "dns-lost" } });
    expect(it.heard).toHaveLength(2);
  });

  test("do not go over a connection that was silent for longer than a second", async () => {
    const it = await peer(obey);
    let later = 0;
    const client = clientWith({ now: () => Date.now() + later });
    await client.query(it.server, [ask("a")], limits());
    later = 1500;
    expect(await client.update(it.server, update, key, limits())).toMatchObject({ kind: "done" });
    expect(it.connections).toBe(2);
  });

  test("go over a new connection where the server had closed the old one before", async () => {
    const closed = Promise.withResolvers<void>();
    const it = await peer((bytes, socket, { heard }) => {
      obey(bytes, socket);
      if (heard.length === 1) socket.end().on("close", () => closed.resolve());
    });
    const client = clientWith();
    await client.query(it.server, [ask("a")], limits());
    await closed.promise;
    expect(await client.update(it.server, update, key, limits())).toEqual({ kind: "done" });
    expect(it.connections).toBe(2);
  });

  test("are not sent when the caller has stopped, and unknown when he stops later", async () => {
    const it = await peer(() => stop.abort());
    const stop = new AbortController();
    const client = clientWith();
    const gone = AbortSignal.abort();
    expect(await client.update(it.server, update, key, { deadline: 5000, signal: gone })).toMatchObject({
      kind: "failed",
      failure: { code: "interrupted" },
    });
    expect(it.heard).toEqual([]);
    const updated = await client.update(it.server, update, key, { deadline: 5000, signal: stop.signal });
    expect(updated).toMatchObject({ kind: "unknown", failure: { code: "dns-lost" } });
  });

  test("that fit into no message are refused before anything is sent", async () => {
    const it = await peer(obey);
    const changes = Array.from(
      { length: 1200 },
      (_, at) => ({ kind: "add", record: address(`${"a".repeat(40)}${at}.${zone}`) }) as const,
    );
    const updated = await clientWith().update(it.server, { ...update, changes }, key, limits());
    expect(updated).toMatchObject({ kind: "failed", failure: { code: "dns-too-large" } });
    expect(it.heard).toEqual([]);
  });

  test("and no failure holds a byte of the secret", async () => {
    const it = await peer((bytes, socket) => socket.write(frame(replyTo(bytes))));
    const updated = await clientWith().update(it.server, update, key, limits());
    expect(updated.kind).toBe("unknown");
    expect(JSON.stringify(updated)).not.toMatch(/drover drover|ZHJvdmVyIGRyb3Zlci/);
  });
});

describe("a probe", () => {
  test("adds a record where there is none, takes it away in the same message, and tells the clocks apart", async () => {
    const it = await peer((bytes, socket) => {
      socket.write(frame(signReply(replyTo(bytes, 5), bytes, key, signatureOf(bytes).seconds + 42)));
    });
    const probed = await clientWith({ now: () => 1_800_000_000_000 }).probe(
      it.server,
      zone,
      `_probe.${zone}`,
      key,
      limits(),
    );
    expect(probed).toEqual({ kind: "answered", rcode: "REFUSED", skew: 42 });
    const [{ bytes } = { bytes: Buffer.alloc(0) }] = it.heard;
    const { prerequisites, changes } = readUpdate(bytes);
    expect(prerequisites).toEqual([{ kind: "set-absent", name: `_probe.${zone}`, type: "TXT" }]);
    const [add, remove] = changes;
    if (add?.kind !== "add") throw new Error("nothing is added");
    expect(remove).toEqual({ kind: "delete-record", record: add.record });
  });
});
