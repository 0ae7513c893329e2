import type { DnsProbed } from "../../model/dns.ts";
import type { Failure } from "../../model/errors.ts";
import type { Known } from "../../model/known.ts";
import type { StateFacts } from "../../model/ports.ts";
import { MOST_RECORDS } from "../../discovery/desired.ts";
import type { PlatformFacts } from "../../release/platform.ts";
import type { Looked, ServerAccount } from "./dns-account.ts";
import { zoneAccount } from "./dns-account.ts";
import { LARGE_SET, LONGEST_NEGATIVE } from "./dns-verify.ts";

/** One thing that `doctor` looked at. */
export interface Diagnosis {
  /** `files`, a host, a server or the zone. */
  readonly subject: string;
  readonly kind: "ok" | "note" | "wrong";
  readonly message: string;
  /** What to do about it; empty where there is nothing to do. */
  readonly hint: string;
}

/** Seconds that a host's clock may be off before it is worth a word. */
const HOST_SKEW = 30;
/** Seconds that a DNS server's clock may be off: a word, and too much (RFC 8945 §10: signatures are good for 300 s). */
const SERVER_SKEW = { note: 60, wrong: 300 } as const;

function ok(subject: string, message: string): Diagnosis {
  return { subject, kind: "ok", message, hint: "" };
}

/** Something that has to be put right. A sentence that begins with its subject goes on behind it. */
export function wrong(subject: string, { message, hint, detail }: Omit<Failure, "code">): Diagnosis {
  const said = [message, ...detail].join(": ");
  const start = [`${subject}: `, `${subject} `].find((each) => said.startsWith(each)) ?? "";
  return { subject, kind: "wrong", message: said.slice(start.length), hint };
}

/** One host as it told. */
export interface HostHealth {
  readonly host: string;
  readonly platform: Known<PlatformFacts>;
  /** Seconds ahead of our clock. */
  readonly skew: Known<number>;
}

/** Whether a host can be reached with root's rights, has what drover needs, and knows the time. */
export function hostDiagnoses({ host, platform, skew }: HostHealth): readonly Diagnosis[] {
  if (platform.kind === "unknown") return [wrong(host, platform.why)];
  const { missing } = platform.value;
  const packages = [...new Set(missing.map((each) => each.package))];
  const lacks = {
    message: `lacks ${missing.map(({ program }) => program).join(", ")}`,
    hint: `on ${host}: apt-get install ${packages.join(" ")}`,
    detail: [],
  };
  return [
    ok(host, "answers, and sudo works"),
    ...(missing.length === 0 ? [] : [wrong(host, lacks)]),
    ...(skew.kind === "unknown" ? [wrong(host, skew.why)] : hostClock(host, skew.value)),
  ];
}

function hostClock(host: string, skew: number): readonly Diagnosis[] {
  if (Math.abs(skew) <= HOST_SKEW) return [];
  const hint = `set the clock of whichever is wrong: timedatectl, on ${host} and here`;
  return [wrong(host, { message: `its clock is ${off(skew)}`, hint, detail: [] })];
}

function off(skew: number): string {
  return `${String(Math.abs(skew))} s ${skew > 0 ? "ahead of" : "behind"} ours`;
}

/** Whether the state host tells what only it knows. */
export function stateDiagnosis(host: string, state: Known<Pick<StateFacts, "holder" | "epoch">>): Diagnosis {
  if (state.kind === "unknown") return wrong(host, state.why);
  const { holder, epoch } = state.value;
  const held = holder === null ? "nobody holds the lease" : `${holder.operator} holds the lease (${holder.purpose})`;
  return ok(host, `holds the fleet's state, epoch ${String(epoch)}; ${held}`);
}

/** What came of asking one of the zone's servers by itself, with little time. */
export interface Reached {
  readonly server: string;
  /** Null: it took the connection and answered. */
  readonly why: Failure | null;
}

/** What `doctor` tried of a zone. */
export interface ZoneHealth {
  readonly looked: Looked;
  readonly reached: readonly Reached[];
  /** What the primary makes of the key; null: there is no key yet. */
  readonly probed: DnsProbed | null;
  /** Servers that drover has set up and whose BIND does not run. */
  readonly stopped: ReadonlySet<string>;
}

/** Whether the zone's servers are there, agree, and take updates; and whether its numbers are good for clients. */
export function zoneDiagnoses(health: ZoneHealth): readonly Diagnosis[] {
  const { looked, reached, probed } = health;
  const { servers } = zoneAccount(looked);
  const primary = servers[0];
  const isSilent = (server: string): boolean => reached.some((each) => each.server === server && each.why !== null);
  return [
    ...servers.flatMap((each) => serverDiagnoses(each, health)),
    ...(primary === undefined || !primary.setUp || isSilent(primary.server)
      ? []
      : [keyDiagnosis(primary.server, probed)]),
    ...numbersOf(looked),
  ];
}

function serverDiagnoses(account: ServerAccount, { looked, reached, stopped }: ZoneHealth): readonly Diagnosis[] {
  const { server, setUp, why, serial, behind } = account;
  const { zone } = looked.zone;
  if (!setUp) {
    return [
      { subject: server, kind: "note", message: `is not set up yet as a server of ${zone}`, hint: "drover apply" },
    ];
  }
  const silence = reached.find((each) => each.server === server)?.why ?? why;
  if (silence !== null) return [wrong(server, stopped.has(server) ? notRunning(server) : silence)];
  const speaks = ok(server, `answers over TCP and speaks for ${zone}, serial ${String(serial)}`);
  if ((behind ?? 0) === 0 && account.otherwise.length === 0) return [speaks];
  const late = (behind ?? 0) > 0 ? [`it is ${String(behind)} behind the primary's serial`] : [];
  const message = [...late, ...account.otherwise].join("; ");
  return [speaks, { subject: server, kind: "note", message, hint: "if it stays so: drover dns verify" }];
}

function notRunning(server: string): Omit<Failure, "code"> {
  return { message: `BIND is not running on ${server}`, hint: "drover apply", detail: [] };
}

/** Whether the key may write, and how far the primary's clock is from ours. */
function keyDiagnosis(server: string, probed: DnsProbed | null): Diagnosis {
  if (probed === null) {
    return {
      subject: server,
      kind: "note",
      message: "the fleet has no key yet to try updates with",
      hint: "drover apply makes it",
    };
  }
  if (probed.kind === "failed") return wrong(server, probed.failure);
  const { rcode, skew } = probed;
  if (rcode !== "NOERROR") {
    const hint = "let the zone's key write SRV, A, AAAA and TXT records in it (update-policy … zonesub)";
    return wrong(server, { message: `the key may not write to the zone: ${rcode}`, hint, detail: [] });
  }
  if (Math.abs(skew) <= SERVER_SKEW.note) return ok(server, "takes updates with the zone's key; its clock is right");
  const message = `its clock is ${off(skew)}; signatures are good for ${String(SERVER_SKEW.wrong)} s`;
  const hint = "set the clock of whichever is wrong";
  return { subject: server, kind: Math.abs(skew) > SERVER_SKEW.wrong ? "wrong" : "note", message, hint };
}

function numbersOf({ zone, view: { primary } }: Looked): readonly Diagnosis[] {
  if (primary.facts.kind === "unknown" || primary.facts.value.serial === 0) return [];
  const { negativeTtl, apps } = primary.facts.value;
  const sizes = [...apps.values()].flatMap(({ sets }) =>
    [...sets].map(([set, { records }]) => [set, records.length] as const),
  );
  const [name, size] = sizes.toSorted(([, left], [, right]) => right - left)[0] ?? ["", 0];
  const seconds = `${String(negativeTtl)} s`;
  return [
    negativeTtl <= LONGEST_NEGATIVE
      ? ok(zone.zone, `that a name is not there is remembered for ${seconds} at most`)
      : wrong(zone.zone, {
          message: `that a name is not there is remembered for ${seconds}: clients find a new app as late`,
          hint: `make the SOA's minimum ${String(LONGEST_NEGATIVE)} or less`,
          detail: [],
        }),
    size < LARGE_SET
      ? ok(zone.zone, `the largest record set has ${String(size)} of ${String(MOST_RECORDS)} records`)
      : {
          subject: zone.zone,
          kind: "note",
          message: `${name} has ${String(size)} records; servers take ${String(MOST_RECORDS)} of one name`,
          hint: "",
        },
  ];
}
