import { timingSafeEqual } from "node:crypto";
import type { DnsKey, DnsQuestion, DnsRecord, DnsServer, DnsUpdate, DnsUpdated } from "../../src/model/dns.ts";
import { failure } from "../../src/model/errors.ts";
import type { Failure } from "../../src/model/errors.ts";
import type { Clock, DnsClient, Limits } from "../../src/model/ports.ts";
import type { DnsFate, FakeDns } from "./dns.ts";

/** How far clocks may be apart (RFC 8945 §10), in seconds. */
const FUDGE = 300;

/** One run's way to DNS servers in memory. `clock` is the client's own, which may lie. */
export function createFakeDnsClient(fake: FakeDns, clock: Clock): DnsClient {
  const closing = new AbortController();

  /** Waits for a server as long as it takes to know that it does not answer; null when it does. */
  const reach = async (server: DnsServer, limits: Limits): Promise<Failure | null> => {
    if (limits.signal.aborted || closing.signal.aborted) return interrupted(server);
    const way = fake.has(server) ? fake.server(server).way : "refused";
    if (way !== "silent" && way !== "refused") return null;
    if (way === "refused") return failure("dns-unreachable", `${server.name} refused the connection`);
    await clock.sleep(limits.deadline, limits.signal);
    if (limits.signal.aborted) return interrupted(server);
    return failure("dns-unreachable", `${server.name} did not answer within ${limits.deadline} ms`);
  };

  /** The end of a message that was sent and never answered. */
  const lost = async (server: DnsServer, limits: Limits): Promise<Failure> => {
    await clock.sleep(limits.deadline, limits.signal);
    return failure("dns-lost", `${server.name} did not answer within ${limits.deadline} ms`);
  };

  const fateOf = (server: DnsServer, update: DnsUpdate): DnsFate => {
    switch (fake.server(server).way) {
      case "lossy":
        return "lose-after";
      case "hangs-up":
        return "hang-up";
      case "babbles":
        return "babble";
      case "open":
        return fake.intercept(server, update);
      default:
        return "lose-before";
    }
  };

  /** The end of an update that was done, and whose reply is nothing to go by. */
  const unknown = async (server: DnsServer, fate: Exclude<DnsFate, "pass">, limits: Limits): Promise<DnsUpdated> => {
    switch (fate) {
      case "lose-before":
      case "lose-after":
        return { kind: "unknown", failure: await lost(server, limits) };
      case "hang-up":
        return { kind: "unknown", failure: failure("dns-lost", `${server.name} hung up`) };
      case "babble":
        return { kind: "unknown", failure: senseless(server) };
      case "forge":
        return {
          kind: "unknown",
          failure: failure("dns-forged", `the reply of ${server.name} is not signed by the key`),
        };
    }
  };

  /** Why no answer to a question will come from a server that takes it. */
  const unanswered = async (server: DnsServer, limits: Limits): Promise<Failure> => {
    const { way } = fake.server(server);
    if (way === "hangs-up") return failure("dns-unreachable", `${server.name} hung up`);
    if (way === "babbles") return senseless(server);
    const { message } = await lost(server, limits);
    return limits.signal.aborted ? interrupted(server) : failure("dns-unreachable", message);
  };

  /** What the server says of the signature; null when it is good. */
  const judgeKey = (server: DnsServer, key: DnsKey): Failure | null => {
    const known = fake
      .keys(server)
      .find((each) => each.name === key.name.toLowerCase() && each.algorithm === key.algorithm);
    if (known === undefined) return failure("dns-key", `${server.name} does not know the key ${key.name}: BADKEY`);
    const [ours, theirs] = [key.secret.reveal(), known.secret.reveal()];
    if (ours.length !== theirs.length || !timingSafeEqual(ours, theirs))
      return failure("dns-key", `${server.name} has another secret for the key ${key.name}: BADSIG`);
    const skew = skewOf(server);
    if (Math.abs(skew) > FUDGE)
      return failure("dns-clock", `the clock of ${server.name} is ${skew} s ahead of ours: BADTIME`);
    return null;
  };

  const skewOf = (server: DnsServer): number =>
    Math.round((fake.clock.now() - clock.now()) / 1000) + fake.server(server).skew;

  const send = async (server: DnsServer, update: DnsUpdate, key: DnsKey, limits: Limits): Promise<DnsUpdated> => {
    const unreachable = await reach(server, limits);
    if (unreachable !== null) return { kind: "failed", failure: unreachable };
    const fate = fateOf(server, update);
    if (fate === "lose-before") return unknown(server, fate, limits);
    const trouble = judgeKey(server, key);
    if (trouble !== null) return { kind: "failed", failure: trouble };
    const rcode = fake.update(server, lowered(update), key.name.toLowerCase());
    if (fate !== "pass") return unknown(server, fate, limits);
    return judged(server, rcode);
  };

  return {
    async query(server, questions, limits) {
      const unreachable = await reach(server, limits);
      if (unreachable !== null) return { kind: "failed", failure: unreachable };
      const replies = questions.flatMap((question: DnsQuestion) => fake.ask(server, question) ?? []);
      if (replies.length === questions.length) return { kind: "answered", replies };
      return { kind: "failed", failure: await unanswered(server, limits) };
    },
    update: send,
    async probe(server, zone, name, key, limits) {
      const unreachable = await reach(server, limits);
      if (unreachable !== null) return { kind: "failed", failure: unreachable };
      if (fake.server(server).way !== "open") return { kind: "failed", failure: await unanswered(server, limits) };
      const trouble = judgeKey(server, key);
      if (trouble !== null) return { kind: "failed", failure: trouble };
      const record = { name, ttl: 0, type: "TXT", texts: ["drover"] } as const;
      const changes = [
        { kind: "add", record },
        { kind: "delete-record", record },
      ] as const;
      const prerequisites = [{ kind: "set-absent", name, type: "TXT" }] as const;
      const rcode = fake.update(server, { zone, prerequisites, changes }, key.name.toLowerCase());
      return { kind: "answered", rcode, skew: skewOf(server) };
    },
    close: () => {
      closing.abort();
      return Promise.resolve();
    },
  };
}

function senseless(server: DnsServer): Failure {
  return failure("dns-answer", `the answer of ${server.name} makes no sense`);
}

function interrupted(server: DnsServer): Failure {
  return failure("interrupted", `${server.name}: given up`);
}

function judged(server: DnsServer, rcode: string): DnsUpdated {
  switch (rcode) {
    case "NOERROR":
      return { kind: "done" };
    case "NXDOMAIN":
    case "YXDOMAIN":
    case "YXRRSET":
    case "NXRRSET":
      return { kind: "unmet", rcode };
    default:
      return { kind: "failed", failure: failure("dns-refused", `${server.name} refused the update: ${rcode}`) };
  }
}

/** As the real client puts names on the wire: in lower case. */
function lowered(update: DnsUpdate): DnsUpdate {
  return {
    zone: update.zone.toLowerCase(),
    prerequisites: update.prerequisites.map((each) =>
      each.kind === "set-equals"
        ? { ...each, records: each.records.map(loweredRecord) }
        : { ...each, name: each.name.toLowerCase() },
    ),
    changes: update.changes.map((each) =>
      "record" in each ? { ...each, record: loweredRecord(each.record) } : { ...each, name: each.name.toLowerCase() },
    ),
  };
}

function loweredRecord(record: DnsRecord): DnsRecord {
  const name = record.name.toLowerCase();
  return "target" in record ? { ...record, name, target: record.target.toLowerCase() } : { ...record, name };
}
