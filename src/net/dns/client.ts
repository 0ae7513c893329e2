import { randomBytes } from "node:crypto";
import type { DnsKey, DnsQueried, DnsQuestion, DnsRecord, DnsServer, DnsUpdate } from "../../model/dns.ts";
import { DroverError } from "../../model/errors.ts";
import type { Failure } from "../../model/errors.ts";
import type { Clock, DnsClient, Limits } from "../../model/ports.ts";
import type { Ask, Heard } from "./connection.ts";
import { Deadline } from "./deadline.ts";
import { lost, senseless, silent, stopped, unreachable } from "./failures.ts";
import { askedBy, askedByUpdate, decodeReply, encodeQuery, encodeUpdate } from "./message.ts";
import type { Judged } from "./outcome.ts";
import { probedBy, updatedBy } from "./outcome.ts";
import { Connections } from "./pool.ts";
import { unwritable } from "./refusals.ts";
import { judge, sign } from "./tsig.ts";

/**
 * Milliseconds without a word after which a connection is not trusted with an update: the server may be closing it right
 * now, and an update that goes down with it may have been carried out. PowerDNS closes after 5 s, Knot after 10, BIND 30.
 */
const UPDATE_IDLE = 1000;

interface World {
  readonly clock: Clock;
  readonly connections: Connections;
}

interface Errand {
  readonly server: DnsServer;
  readonly asks: readonly Ask[];
  /** Update: may be sent once only. */
  readonly kind: "questions" | "update";
}

/** How an errand ended, or that it never began. */
type Ended = Exclude<Heard, { kind: "unsent" }> | { readonly kind: "unsent"; readonly failure: Failure };

/** The adapter of {@link DnsClient}: DNS over TCP, with RFC 2136 and RFC 8945. */
export function createDnsClient({ clock }: { readonly clock: Clock }): DnsClient {
  const world: World = { clock, connections: new Connections(() => clock.now()) };
  return {
    query: (server, questions, limits) => query(world, server, questions, limits),
    update: async (server, update, key, limits) => {
      const sent = await sendUpdate(world, { server, update, key }, limits);
      return sent.kind === "judged" ? updatedBy(sent.judged) : sent;
    },
    probe: async (...[server, zone, name, key, limits]) => {
      const sent = await sendUpdate(world, { server, update: probeOf(zone, name), key }, limits);
      return sent.kind === "judged" ? probedBy(sent.judged) : { kind: "failed", failure: sent.failure };
    },
    close: async () => world.connections.close(),
  };
}

async function query(
  world: World,
  server: DnsServer,
  questions: readonly DnsQuestion[],
  limits: Limits,
): Promise<DnsQueried> {
  if (questions.length === 0) return { kind: "answered", replies: [] };
  const deadline = new Deadline(limits);
  try {
    const asks = questions.map((question) => ({
      asked: askedBy(question),
      compose: (id: number): Buffer => encodeQuery(id, question),
    }));
    const ended = await run(world, { server, asks, kind: "questions" }, deadline);
    switch (ended.kind) {
      case "heard":
        return { kind: "answered", replies: ended.replies.map(decodeReply) };
      case "unsent":
        return { kind: "failed", failure: ended.failure };
      case "ended":
        return { kind: "failed", failure: deadline.isLate ? silent(server, deadline.ms) : stopped(server) };
      case "broken":
        return { kind: "failed", failure: unreachable(server, `closed the connection over a question: ${ended.why}`) };
      case "garbled":
        return { kind: "failed", failure: senseless(server, ended.why) };
    }
  } catch (error) {
    return { kind: "failed", failure: failureOf(error, server) };
  } finally {
    deadline.clear();
  }
}

interface Signing {
  readonly server: DnsServer;
  readonly update: DnsUpdate;
  readonly key: DnsKey;
}

type Sent =
  | { readonly kind: "judged"; readonly judged: Judged }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "unknown"; readonly failure: Failure };

async function sendUpdate(world: World, { server, update, key }: Signing, limits: Limits): Promise<Sent> {
  const deadline = new Deadline(limits);
  const seconds = (): number => Math.floor(world.clock.now() / 1000);
  let mac: Buffer = Buffer.alloc(0);
  // Composed at every attempt: a message that was signed once is never sent twice (RFC 8945 §5.1, external-dns#6733).
  const compose = (id: number): Buffer => {
    const signed = sign(encodeUpdate(id, update), key, seconds());
    mac = signed.mac;
    return signed.bytes;
  };
  let isSent = false;
  try {
    const ended = await run(
      world,
      { server, asks: [{ asked: askedByUpdate(update), compose }], kind: "update" },
      deadline,
    );
    if (ended.kind === "unsent") return { kind: "failed", failure: ended.failure };
    isSent = true;
    if (ended.kind !== "heard") return { kind: "unknown", failure: noAnswer(server, ended, deadline) };
    const [reply] = ended.replies;
    if (reply === undefined) throw unwritable("an update without a reply was taken for answered");
    return { kind: "judged", judged: { server, key, reply, verdict: judge(reply, key, mac, seconds()) } };
  } catch (error) {
    return { kind: isSent ? "unknown" : "failed", failure: failureOf(error, server) };
  } finally {
    deadline.clear();
  }
}

function noAnswer(server: DnsServer, ended: Exclude<Ended, { kind: "heard" | "unsent" }>, deadline: Deadline): Failure {
  switch (ended.kind) {
    case "ended":
      return lost(server, deadline.isLate ? `none came within ${deadline.ms / 1000} s` : "drover was stopped");
    case "broken":
      return lost(server, ended.why);
    case "garbled":
      return senseless(server, ended.why);
  }
}

/**
 * Sends and listens; once more where the connection was an old one that the server had given up in the meantime. An update
 * is sent again only if nothing of it can have arrived.
 */
async function run(world: World, errand: Errand, deadline: Deadline): Promise<Ended> {
  const first = await attempt(world, errand, deadline);
  if (!first.mayRepeat) return first.ended;
  const { ended } = await attempt(world, errand, deadline);
  return ended;
}

interface Attempt {
  readonly ended: Ended;
  readonly mayRepeat: boolean;
}

async function attempt(world: World, { server, asks, kind }: Errand, deadline: Deadline): Promise<Attempt> {
  const idle = kind === "update" ? UPDATE_IDLE : Infinity;
  const dialled = await world.connections.to(server, { idle, signal: deadline.signal });
  if (dialled === null) {
    const late = unreachable(server, `did not accept a connection within ${deadline.ms / 1000} s`);
    return { ended: { kind: "unsent", failure: deadline.isLate ? late : stopped(server) }, mayRepeat: false };
  }
  if (dialled.kind === "failed") {
    return { ended: { kind: "unsent", failure: unreachable(server, dialled.why) }, mayRepeat: false };
  }
  const { connection } = dialled;
  const wasKept = connection.hasServed;
  const heard = await connection.ask(asks, deadline.signal);
  if (heard.kind === "unsent") {
    const failure = unreachable(server, `closed the connection at once: ${heard.why}`);
    return { ended: { kind: "unsent", failure }, mayRepeat: true };
  }
  const isStale = wasKept && heard.kind === "broken" && heard.answered === 0;
  return { ended: heard, mayRepeat: isStale && kind === "questions" };
}

/** Adds a record where there is none, and takes it away again, all in one message: nothing is left to be seen. */
function probeOf(zone: string, name: string): DnsUpdate {
  const record: DnsRecord = { name, type: "TXT", ttl: 0, texts: [`drover-probe=${randomBytes(8).toString("hex")}`] };
  return {
    zone,
    prerequisites: [{ kind: "set-absent", name, type: "TXT" }],
    changes: [
      { kind: "add", record },
      { kind: "delete-record", record },
    ],
  };
}

function failureOf(error: unknown, server: DnsServer): Failure {
  if (!(error instanceof DroverError)) throw error;
  return error.failure.code === "dns-answer" ? senseless(server, error.failure.message) : error.failure;
}
