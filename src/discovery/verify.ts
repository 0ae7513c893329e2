import type { DnsServer } from "../model/dns.ts";
import type { ZoneRef } from "../model/discovery.ts";
import type { Failure } from "../model/errors.ts";
import { failure, isUnreachable } from "../model/errors.ts";
import type { Answer, Ask } from "../model/operation.ts";
import { pause } from "../model/operation.ts";
import { aheadHint, serialsBehind } from "./diff.ts";
import type { ZoneFacts, ZoneNames } from "./facts.ts";
import { look } from "./operations/look.ts";

/** Milliseconds a server may take to say what the primary says. BIND's own lag is 5 s where nobody told it better. */
export const LAG_LIMIT = 60_000;
/** Milliseconds between two looks at a server that answers, but something else: NOTIFY is a matter of milliseconds. */
const EVERY = 25;
/** After so many milliseconds it is none of NOTIFY any more, and is looked at less often. */
const SOON = 3000;
const LATER_EVERY = 250;
/** Milliseconds a server may not answer, as one that starts anew; less where the fleet says to pass it over. */
const SILENCE_LIMIT = 5000;
const PASS_OVER_AFTER = 1000;

/** What is to be seen on every server. */
export interface Expectation {
  readonly zone: ZoneRef;
  readonly names: ZoneNames;
  /** What a server says otherwise, in words; null where it says what it should. */
  readonly differs: (facts: ZoneFacts) => string | null;
}

/** How a look around the secondaries ended: `passed` were silent, and are passed over as the fleet says. */
export type Verdict =
  | { readonly kind: "agreed"; readonly passed: readonly Failure[] }
  | { readonly kind: "failed"; readonly failure: Failure };

/** What a server has to say to the next look, if anything. */
type Standing =
  | { readonly kind: "agrees" }
  | { readonly kind: "not yet"; readonly silent: boolean; readonly why: Failure };

/** Whether a secondary says what it should, at one look. */
function* standing(
  { zone, names, differs }: Expectation,
  server: DnsServer,
  serial: number,
): Generator<Ask, { readonly standing: Standing; readonly elapsed: number }, Answer> {
  const { facts, elapsed } = yield* look(zone, server, names);
  if (facts.kind === "unknown") {
    return { standing: { kind: "not yet", silent: isUnreachable(facts.why), why: facts.why }, elapsed };
  }
  const what = differs(facts.value);
  if (what === null) return { standing: { kind: "agrees" }, elapsed };
  const why = lagging(zone, server, { what, serial, its: facts.value.serial });
  return { standing: { kind: "not yet", silent: false, why }, elapsed };
}

function lagging(
  { zone, servers }: ZoneRef,
  { name }: DnsServer,
  { what, serial, its }: { readonly what: string; readonly serial: number; readonly its: number },
): Failure {
  const where = `it has serial ${String(its)} of ${zone}, ${servers.primary.name} ${String(serial)}`;
  const says = `${name} still says something else than ${servers.primary.name}: ${where}`;
  const isAhead = serialsBehind(its, serial) > 0;
  const hint = isAhead ? aheadHint(zone, name) : `see whether its transfers of ${zone} from the primary go through`;
  return failure("dns-lag", says, hint, [what]);
}

/** How long secondaries are waited for: from `begin` on, in milliseconds since the operation began. */
interface Patience {
  /** The primary's. */
  readonly serial: number;
  readonly begin: number;
  readonly limit: number;
}

/** Waits for one secondary; gives how it stood at the last look. */
function* seenOn(
  expected: Expectation,
  server: DnsServer,
  { serial, begin, limit }: Patience,
): Generator<Ask, Standing, Answer> {
  let silentSince: number | null = null;
  const tolerated = expected.zone.servers.onSilent === "skip" ? PASS_OVER_AFTER : SILENCE_LIMIT;
  while (true) {
    const { standing: now, elapsed } = yield* standing(expected, server, serial);
    if (now.kind === "agrees") return now;
    silentSince = now.silent ? (silentSince ?? elapsed) : null;
    const isOver = silentSince === null ? elapsed - begin >= limit : elapsed - silentSince >= tolerated;
    if (isOver) return now;
    const isSoon = !now.silent && elapsed - begin < SOON;
    yield* pause(isSoon ? EVERY : LATER_EVERY);
  }
}

/**
 * Waits until every secondary says what it should. One that answers otherwise, or does not speak for the zone, is asked
 * again until `limit` milliseconds after `begin`; one that does not answer at all, for a few seconds.
 */
export function* seenEverywhere(expected: Expectation, patience: Patience): Generator<Ask, Verdict, Answer> {
  const { secondaries, onSilent } = expected.zone.servers;
  const passed: Failure[] = [];
  for (const server of secondaries) {
    const last = yield* seenOn(expected, server, patience);
    if (last.kind === "agrees") continue;
    if (!last.silent || onSilent === "stop") return { kind: "failed", failure: last.why };
    passed.push(last.why);
  }
  return { kind: "agreed", passed };
}

/**
 * Whether every secondary speaks for the zone, before anything is taken out of it: nobody could be sure afterwards that it
 * is out. Null: they do, or may be passed over. `begin`: now, in milliseconds since the operation began.
 */
export function* silentServer(zone: ZoneRef, begin: number): Generator<Ask, Failure | null, Answer> {
  const nothing = { zone, names: { apps: [], hosts: [] }, differs: () => null };
  const verdict = yield* seenEverywhere(nothing, { serial: 0, begin, limit: SILENCE_LIMIT });
  return verdict.kind === "failed" ? verdict.failure : null;
}
