import type { DnsUpdate, DnsUpdated } from "../../model/dns.ts";
import type { ZoneRef } from "../../model/discovery.ts";
import type { Failure } from "../../model/errors.ts";
import { failure } from "../../model/errors.ts";
import type { Answer, Ask, Operation } from "../../model/operation.ts";
import { done, failed, pause, updateDns } from "../../model/operation.ts";
import type { Warrant } from "../../model/ports.ts";
import type { ZoneFacts, ZoneNames } from "../facts.ts";
import { LAG_LIMIT, seenEverywhere, silentServer } from "../verify.ts";
import type { Seen } from "./look.ts";
import { look } from "./look.ts";

/** What is to be done about what a server says. */
export type Decision =
  /** Nothing: it is as it should be. */
  | { readonly kind: "same"; readonly note?: string }
  /** `what`: in words what is not as it should be. */
  | { readonly kind: "write"; readonly updates: readonly DnsUpdate[]; readonly what: string }
  | { readonly kind: "refuse"; readonly failure: Failure };

/** A change of records. `decide` is asked of the primary, to change it, and of the others, to see that it has arrived. */
export interface Swap {
  readonly zone: ZoneRef;
  readonly names: ZoneNames;
  readonly decide: (facts: ZoneFacts, warrant: Warrant) => Decision;
  /** Whether something goes that clients may rely on to be gone: then every server has to answer beforehand. */
  readonly removes: boolean;
}

/** Milliseconds to begin again after somebody else was faster: each time one of them has got through. */
const AGAIN = 10;
/** Milliseconds of losing against others, after which something else must be wrong. */
const PATIENCE = 30_000;
/** Milliseconds in which the primary has to show what it has done. */
const SHOW = 2000;
/** Replies that may get lost in a row. */
const MOST_LOST = 3;

/** What has been sent so far. */
interface Sent {
  /** The last message that the primary answered, to tell whether it did anything; null: none. */
  readonly key: string | null;
  readonly since: number;
  readonly last: DnsUpdated | null;
  readonly lost: number;
}

const NOTHING: Sent = { key: null, since: 0, last: null, lost: 0 };

/**
 * Changes the primary by compare-and-swap until it is as it should be, whoever else writes, and whatever got lost on the
 * way: it is read again after every message, and only what is read there counts. Then waits for all other servers.
 */
export function* swap(job: Swap): Operation {
  const { zone } = job;
  let begin: number | null = null;
  let sent = NOTHING;
  while (true) {
    const { seen, decision } = yield* lookAndDecide(job);
    begin ??= seen.elapsed;
    if (decision.kind === "unread") return failed(unread(decision.why, sent, zone));
    if (decision.kind === "refuse") return failed(decision.failure);
    if (decision.kind === "same") return yield* verify(job, seen, decision.note ?? lostNote(sent));
    const hopeless = giveUp(decision.updates, sent, { zone, begin, now: seen.elapsed });
    if (hopeless !== null) return failed(hopeless);
    if (sent === NOTHING && job.removes) {
      const silent = yield* silentServer(zone, seen.elapsed);
      if (silent !== null) return failed(silent);
    }
    const next: Sent | Failure = yield* send(zone, decision.updates, { sent, now: seen.elapsed });
    if ("code" in next) return failed(next);
    sent = next;
  }
}

interface Decided {
  readonly seen: Seen;
  readonly decision: Decision | { readonly kind: "unread"; readonly why: Failure };
}

/**
 * Looks at the primary and decides. Sets are read after their owner record, so that one that another lane has claimed in
 * between looks like nobody's: what speaks against a change counts only where the owner records are the same afterwards.
 */
function* lookAndDecide({ zone, names, decide }: Swap): Generator<Ask, Decided, Answer> {
  let begin: number | null = null;
  let refused: (Decided & { readonly owners: string }) | null = null;
  while (true) {
    const seen: Seen = yield* look(zone, zone.servers.primary, names);
    if (seen.facts.kind === "unknown") return { seen, decision: { kind: "unread", why: seen.facts.why } };
    begin ??= seen.elapsed;
    const owners = ownersOf(seen.facts.value);
    if (refused !== null && (refused.owners === owners || seen.elapsed - begin > PATIENCE)) return refused;
    const decision = decide(seen.facts.value, seen.warrant);
    if (decision.kind !== "refuse") return { seen, decision };
    refused = { seen, decision, owners };
  }
}

function ownersOf({ apps, hosts }: ZoneFacts): string {
  return JSON.stringify([...apps.values(), ...hosts.values()].map(({ owner }) => owner));
}

/** Sends what is to be changed; a failure where there is no sense in trying again. */
function* send(
  { servers }: ZoneRef,
  updates: readonly DnsUpdate[],
  { sent, now }: { readonly sent: Sent; readonly now: number },
): Generator<Ask, Sent | Failure, Answer> {
  const key = keyOf(updates);
  const again = key === sent.key;
  // What it said yes to may take a moment to be seen; it is not said twice.
  if (again && sent.last?.kind === "done") {
    yield* pause(AGAIN);
    return sent;
  }
  let { lost } = sent;
  let last = sent.last;
  for (const update of updates) {
    const { updated } = yield* updateDns(servers.primary, update);
    last = updated;
    if (updated.kind === "failed") return updated.failure;
    lost = updated.kind === "unknown" ? lost + 1 : 0;
    if (updated.kind === "unknown") break;
  }
  if (last?.kind !== "done") yield* pause(AGAIN);
  return { key, since: again ? sent.since : now, last, lost };
}

function keyOf(updates: readonly DnsUpdate[]): string {
  return JSON.stringify(updates);
}

/** Why there is no sense in going on; null where there is. */
function giveUp(
  updates: readonly DnsUpdate[],
  { key, since, last, lost }: Sent,
  { zone, begin, now }: { readonly zone: ZoneRef; readonly begin: number; readonly now: number },
): Failure | null {
  if (last?.kind === "unknown" && (lost >= MOST_LOST || last.failure.code === "dns-forged")) return last.failure;
  const { name } = zone.servers.primary;
  const hint = "see its log; dynamic zones must not be edited by hand while the server runs";
  if (key === keyOf(updates) && now - since > SHOW) {
    if (last?.kind === "done") {
      return failure("dns-answer", `${name} said yes to a change of ${zone.zone} and did not make it`, hint);
    }
    if (last?.kind === "unmet") {
      const says = `${name} refuses a change of ${zone.zone} because it is not as it has just told (${last.rcode})`;
      return failure("dns-conflict", says, hint);
    }
  }
  if (now - begin <= PATIENCE) return null;
  return failure(
    "dns-conflict",
    `somebody else keeps changing the same records of ${zone.zone}`,
    "find out who writes",
  );
}

/**
 * A primary that cannot be read after a message: whatever is said then must not sound as if nothing had been changed, for
 * only what may have been is taken back.
 */
function unread(why: Failure, { last }: Sent, { zone, servers }: ZoneRef): Failure {
  if (last === null || last.kind === "unmet" || last.kind === "failed") return why;
  if (last.kind === "unknown") return { ...last.failure, detail: [...last.failure.detail, why.message] };
  const says = `${servers.primary.name} took a change of ${zone}, and what came of it cannot be read`;
  return failure("dns-lost", says, why.hint, [why.message]);
}

function lostNote({ last }: Sent): string {
  return last?.kind === "unknown" ? `${last.failure.message}; it had been made` : "";
}

/** The primary has it: now all others. */
function* verify({ zone, names, decide }: Swap, seen: Seen, note: string): Operation {
  const serial = seen.facts.kind === "known" ? seen.facts.value.serial : 0;
  const differs = (facts: ZoneFacts): string | null => {
    const decision = decide(facts, seen.warrant);
    if (decision.kind === "same") return null;
    return decision.kind === "write" ? decision.what : decision.failure.message;
  };
  const verdict = yield* seenEverywhere({ zone, names, differs }, { serial, begin: seen.elapsed, limit: LAG_LIMIT });
  if (verdict.kind === "failed") return failed(notEverywhere(verdict.failure, zone));
  const passed = verdict.passed.map(({ message }) => `passed over: ${message}`);
  return done([note, ...passed].filter((each) => each !== "").join("; "));
}

/** The primary has the change by then, so this never sounds as if nothing had been done. */
function notEverywhere(why: Failure, { zone, servers }: ZoneRef): Failure {
  if (why.code === "dns-lag") return why;
  const detail = [`${servers.primary.name} has this change of ${zone} already`, ...why.detail];
  return failure("dns-lag", why.message, why.hint, detail);
}
