import type { Failure } from "../../model/errors.ts";
import type { Known } from "../../model/known.ts";
import type { StateFacts } from "../../model/ports.ts";
import { MOST_RECORDS } from "../../discovery/desired.ts";
import { aheadHint, serialsBehind } from "../../discovery/diff.ts";
import { EMPTY_ZONE } from "../../discovery/facts.ts";
import { zoneProblems } from "./dns-owners.ts";
import type { AppAccount, HostAccount, Looked, Row, ServerAccount, SetAccount, ZoneAccount } from "./dns-account.ts";
import { zoneAccount } from "./dns-account.ts";
import type { DnsCheck, DnsFinding, DnsFindingCode, DnsVerification } from "./dns-findings.ts";
import { DNS_PASSED } from "./dns-findings.ts";
import type { NamedServer } from "./name-servers.ts";
import { nameServerChecks } from "./name-servers.ts";

/** RFC 2308 §5: for so many seconds at most anybody should remember that a name was not there. */
export const LONGEST_NEGATIVE = 10;
/** SRV records that are remembered for a shorter or longer time, in seconds, cost queries or time. */
const USUAL_TTL = { least: 10, most: 30 } as const;
/** A set that comes near to what servers take. */
export const LARGE_SET = 80;

const APPLY = "drover plan (drover apply puts it right)";
const TRANSFERS = "see whether its transfers from the primary go through, then again: drover dns verify";

/** Everything that should be so of a zone: its servers, whose its records are, and what they say. */
export function verifyZone(looked: Looked, named: Known<readonly NamedServer[]> | null): DnsVerification {
  const account = zoneAccount(looked);
  const checks = [
    ...account.servers.flatMap((server) => serverChecks(account, server)),
    ...stateChecks(looked.state),
    ...negativeTtlChecks(looked),
    ...ttlChecks(looked),
    ...(named === null ? [] : nameServerChecks(account, named)),
    ...(isSetUp(account) ? recordChecks(looked, account) : []),
  ];
  const findings = checks.flatMap((check) => (check.kind === "passed" ? [] : [check]));
  return { zone: account.zone, checks: checks.length, servers: account.servers.length, findings };
}

/** A zone that is not there yet lacks everything: that is said once. */
function isSetUp({ servers: [primary] }: ZoneAccount): boolean {
  return primary?.setUp !== false;
}

/** What is another's nobody puts right before it is taken over, or gone. */
function recordChecks(looked: Looked, { apps, hosts }: ZoneAccount): readonly DnsCheck[] {
  const owners = zoneProblems(looked);
  const foreign = new Set(owners.flatMap(({ name, problem }) => (problem === null ? [] : [name])));
  return [
    ...owners.map(ownerCheck),
    ...apps.filter(({ app }) => !foreign.has(app)).flatMap((app) => appChecks(app, hosts, looked)),
    ...hosts.filter(({ who }) => !foreign.has(who)).flatMap((host) => hostChecks(host, apps)),
  ];
}

function ownerCheck({ name, problem }: ReturnType<typeof zoneProblems>[number]): DnsCheck {
  return problem === null ? DNS_PASSED : difference("foreign", name, problem.message, problem.hint);
}

function difference(code: DnsFindingCode, subject: string, message: string, hint: string): DnsFinding {
  return { code, kind: "difference", subject, message, hint };
}

function unanswered(subject: string, { message, hint }: Failure): DnsFinding {
  return { code: "unanswered", kind: "unknown", subject, message, hint };
}

function serverChecks(
  { zone, servers }: ZoneAccount,
  { server, serial, why, setUp, behind, otherwise }: ServerAccount,
): readonly DnsCheck[] {
  if (why !== null) return [unanswered(server, why)];
  if (!setUp) return [difference("not-set-up", server, "does not answer for the zone yet", APPLY)];
  const late = (behind ?? 0) > 0 ? [`it is ${String(behind)} behind the primary's serial`] : [];
  const says = [...late, ...otherwise];
  const isAhead = serialsBehind(serial ?? 0, servers[0]?.serial ?? serial ?? 0) > 0;
  const hint = isAhead ? aheadHint(zone, server) : TRANSFERS;
  return [DNS_PASSED, says.length === 0 ? DNS_PASSED : difference("lag", server, says.join("; "), hint)];
}

/** Without the state host nobody can say who may be out. */
function stateChecks(state: Known<Pick<StateFacts, "drains" | "open">>): readonly DnsCheck[] {
  return [state.kind === "known" ? DNS_PASSED : unanswered("state host", state.why)];
}

function negativeTtlChecks({ view: { primary }, topology, zone }: Looked): readonly DnsCheck[] {
  if (primary.facts.kind === "unknown" || primary.facts.value === EMPTY_ZONE) return [];
  const { negativeTtl } = primary.facts.value;
  if (negativeTtl <= LONGEST_NEGATIVE) return [DNS_PASSED];
  const message = `that a name is not there is remembered for ${String(negativeTtl)} s: clients find a new app as late`;
  const whose = topology.dns?.servers.kind === "hosts" ? "the zone's SOA minimum" : "its SOA minimum, at its servers,";
  return [difference("negative-ttl", zone.zone, message, `${whose} should be ${String(LONGEST_NEGATIVE)} or less`)];
}

function ttlChecks({ topology, zone }: Looked): readonly DnsCheck[] {
  const ttl = (topology.dns?.zone?.ttl ?? 0) / 1000;
  if (ttl >= USUAL_TTL.least && ttl <= USUAL_TTL.most) return [DNS_PASSED];
  const range = `${String(USUAL_TTL.least)} s to ${String(USUAL_TTL.most)} s are usual`;
  const costs = ttl < USUAL_TTL.least ? "clients ask often" : "each host of a rollout waits as long";
  const message = `dns.ttl is ${String(ttl)} s: ${costs}; ${range}`;
  return [{ code: "ttl", kind: "note", subject: zone.zone, message, hint: "" }];
}

function appChecks(app: AppAccount, hosts: readonly HostAccount[], looked: Looked): readonly DnsCheck[] {
  if (!app.wanted) return leftOver(app, looked);
  return app.sets.flatMap((set) => [
    ...set.rows.flatMap((row) => rowChecks(set, row)),
    ...targetChecks(set, hosts),
    sizeCheck(set),
  ]);
}

function leftOver(account: AppAccount, { topology }: Looked): readonly DnsCheck[] {
  const { app, owner, sets } = account;
  if (owner.kind !== "ours") return [];
  // An open rollout may be about to take it out.
  if (sets.some(({ rows }) => rows.some(({ place }) => place.kind === "open"))) return [DNS_PASSED];
  const says = "drover wrote it into the zone, and no file wants it any more";
  return [difference("left-over", app, says, leftOverHint(account, topology))];
}

/** Hosts that are asked here do not tell what they run: the records alone say where it may be. */
function leftOverHint(account: AppAccount, { hosts, apps }: Looked["topology"]): string {
  const told = toldOf(account);
  if (told.length === 0) return "drover dns gc";
  const gc = "drover dns gc --allow-empty";
  if (!hosts.some(({ name }) => told.includes(name))) return `${gc} (${told.join(", ")}: not in the inventory)`;
  const isKept = apps.some(({ name }) => name === account.app);
  if (isKept) return "drover apply --allow-empty";
  return `drover apply --allow-empty (it stops it, too); where no host runs it any more: ${gc}`;
}

/** Whom the primary tells clients of. */
function toldOf({ sets }: AppAccount): readonly string[] {
  const told = sets.flatMap(({ rows }) => rows.filter(({ told: [primary] }) => isTold(primary)).map(({ who }) => who));
  return [...new Set(told)];
}

function isTold(primary: Row["told"][number] | undefined): boolean {
  return primary !== undefined && primary.kind !== "missing" && primary.kind !== "unknown";
}

/** As the primary has it; what others say otherwise is found as their lag. */
function rowChecks({ name }: SetAccount, { who, place, told: [primary] }: Row): readonly DnsCheck[] {
  if (primary === undefined || primary.kind === "unknown") return [];
  switch (place.kind) {
    case "in":
      if (primary.kind === "same") return [DNS_PASSED];
      return primary.kind === "missing"
        ? [difference("missing", name, `${who} is not in it`, `is it healthy? drover status; ${APPLY}`)]
        : [difference("differs", name, `${who}: ${primary.says}`, APPLY)];
    case "drained":
      if (primary.kind === "missing") return [DNS_PASSED];
      return [difference("extra", name, `${who} is in it, and drained: ${place.drain.reason}`, APPLY)];
    case "unwanted":
      if (primary.kind === "missing") return [DNS_PASSED];
      return [difference("extra", name, `${who} is in it, and no file wants it there`, APPLY)];
    case "open":
    case "unknown":
      return [DNS_PASSED];
  }
}

/** RFC 2782: the target has addresses, and is no alias. */
function targetChecks({ name, rows }: SetAccount, hosts: readonly HostAccount[]): readonly DnsCheck[] {
  return rows.flatMap(({ who, told: [primary] }): readonly DnsCheck[] => {
    if (primary === undefined || primary.kind === "unknown" || primary.kind === "missing") return [];
    const host = hosts.find((each) => each.who === who);
    const at = host?.told[0];
    if (host === undefined || at === undefined || at.kind === "unknown") return [];
    const isAlias = at.kind === "differs" && at.says.includes("CNAME");
    if (at.kind !== "missing" && !isAlias) return [DNS_PASSED];
    const what = isAlias ? at.says : "has no address";
    return [difference("target", name, `its target ${host.name} ${what}: clients cannot reach it`, APPLY)];
  });
}

function sizeCheck({ name, rows }: SetAccount): DnsCheck {
  const size = rows.filter(({ told: [primary] }) => primary?.kind !== "missing").length;
  if (size < LARGE_SET) return DNS_PASSED;
  const message = `${String(size)} records; servers take ${String(MOST_RECORDS)} of one name`;
  return { code: "set-size", kind: "note", subject: name, message, hint: "" };
}

function hostChecks(
  { who, name, place, owner, told: [primary] }: HostAccount,
  apps: readonly AppAccount[],
): readonly DnsCheck[] {
  if (primary === undefined || primary.kind === "unknown") return [];
  if (place.kind === "unwanted") {
    if (owner.kind !== "ours") return [];
    const left = apps.filter((each) => !each.wanted && toldOf(each).includes(who)).map(({ app }) => app);
    const by = left.length === 0 ? "nothing refers" : `nothing but ${left.join(", ")} refers`;
    const hint = left.length === 0 ? "drover apply" : `they go with ${left.join(", ")}`;
    return [difference("left-over", who, `drover wrote its addresses, and ${by} to them any more`, hint)];
  }
  if (primary.kind === "same") return [DNS_PASSED];
  const says = primary.kind === "missing" ? "it has no address in DNS" : primary.says;
  return [difference("address", name, says, APPLY)];
}
