import type { DnsQuestion, DnsServer } from "../../model/dns.ts";
import type { ZoneRef } from "../../model/discovery.ts";
import type { Known } from "../../model/known.ts";
import type { Answer, Ask } from "../../model/operation.ts";
import { queryDns } from "../../model/operation.ts";
import type { Warrant } from "../../model/ports.ts";
import type { ZoneFacts, ZoneNames } from "../facts.ts";
import { addressQuestions, furtherQuestions, ownerQuestions, readZone, setQuestions } from "../facts.ts";

/** What a server said, and when. */
export interface Seen {
  readonly facts: Known<ZoneFacts>;
  readonly warrant: Warrant;
  /** Milliseconds since the operation began. */
  readonly elapsed: number;
}

/**
 * Asks a server. The owner records come first and are heard before anything else is asked: questions over one connection
 * may be answered in any order (RFC 7766 §6.2.1.1), and sets that are older than their owner record could be written back
 * over a change that came between. Those that are newer cannot: the owner record is a prerequisite.
 */
export function* look(zone: ZoneRef, server: DnsServer, names: ZoneNames): Generator<Ask, Seen, Answer> {
  const first = [{ name: zone.zone, type: "SOA" } as const, ...ownerQuestions(zone.zone, names)];
  const owners = yield* queryDns(server, first);
  const before = { questions: first, queried: owners.queried };
  const second = unique([
    ...names.apps.flatMap(({ sets }) => setQuestions(zone.zone, sets)),
    ...furtherQuestions(zone, [before]),
    ...names.hosts.flatMap((host) => addressQuestions(zone.zone, host)),
  ]);
  if (owners.queried.kind === "failed" || second.length === 0) {
    return { facts: readZone(zone, server, [before]), warrant: owners.warrant, elapsed: owners.elapsed };
  }
  const { queried, warrant, elapsed } = yield* queryDns(server, second);
  return { facts: readZone(zone, server, [before, { questions: second, queried }]), warrant, elapsed };
}

function unique(questions: readonly DnsQuestion[]): readonly DnsQuestion[] {
  return [...new Map(questions.map((each) => [`${each.name} ${each.type}`, each])).values()];
}
