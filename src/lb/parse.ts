import { DroverError, failure } from "../model/errors.ts";

/**
 * Pure parsers of what HAProxy's sockets say. A command that HAProxy refuses answers with a sentence instead of data
 * (management.txt §9.3: the socket has no exit code), so every parser insists on the header it knows.
 */

/** An administrative state in HAProxy's words; what `set server b/s state` takes. */
export type AdminState = "ready" | "drain" | "maint";

/** One row of `show servers state` (management.txt §9.3). */
export interface ServerRow {
  readonly backend: string;
  readonly server: string;
  readonly address: string;
  readonly port: number;
  readonly admin: AdminState;
  /** False while HAProxy considers the server down, whatever its administrative state. */
  readonly running: boolean;
  /** The SRV name by which HAProxy finds it; null where a file says where it is. */
  readonly srv: string | null;
  /** What DNS says of such a server: its host's name, null where the place is empty. */
  readonly target: string | null;
}

/** One server's row of `show stat`, as far as drover judges by it (management.txt §9.1). */
export interface ServerStat {
  readonly backend: string;
  readonly server: string;
  /** E.g. `UP`, `UP 1/3`, `DOWN`, `DOWN 2/3`, `DRAIN`, `MAINT`, `no check`. */
  readonly status: string;
  /** E.g. `L7OK`, `L4CON`; `* L7OK` while a check is in flight; empty before the first. */
  readonly checkStatus: string;
  /** HTTP status, errno or errno-like code of the last check; null where there was none. */
  readonly checkCode: number | null;
  readonly checkDuration: number | null;
  /** Sessions served now, and waiting in the server's own queue. */
  readonly scur: number;
  readonly qcur: number;
  readonly stot: number;
  /** Failed connections, failed responses, retries, redispatches, answers 5xx. */
  readonly econ: number;
  readonly eresp: number;
  readonly wretr: number;
  readonly wredis: number;
  readonly hrsp5xx: number;
  /** New sessions in the last second. */
  readonly rate: number;
  readonly lastchg: number;
  /** How often it went down; `health down` counts. */
  readonly chkdown: number;
  /** Passes so far; up from `rise`, and then at once `rise + fall - 1`. Null without a check. */
  readonly checkHealth: number | null;
  readonly checkRise: number;
  readonly checkFall: number;
}

/**
 * True for a server that takes traffic while it is `ready`: fully up, without a check, or not checked yet since a reload
 * (`INI`: installs carry over which servers were down). "UP 2/3" has failed a check and may be on its way down.
 */
export function isUp(stat: ServerStat): boolean {
  if (stat.status === "UP" || stat.status === "no check") return true;
  return stat.status.startsWith("UP ") && stat.checkStatus.endsWith("INI");
}

/** A worker process as `show proc` on the master's socket lists it. */
export interface Worker {
  readonly pid: number;
  readonly reloads: number;
  /** In seconds. */
  readonly uptime: number;
}

/** The master's own account of its processes (management.txt §9.4). */
export interface Processes {
  readonly master: { readonly pid: number; readonly reloads: number; readonly failed: number };
  /** Null between two workers. */
  readonly current: Worker | null;
  readonly old: readonly Worker[];
}

/** One stream of `show sess`. */
export interface Stream {
  /** As `shutdown session` takes it. */
  readonly id: string;
  readonly frontend: string;
  /** HAProxy writes `<NONE>` where there is none yet. */
  readonly backend: string;
  readonly server: string;
  /** Where the client's connection comes from, e.g. `192.168.56.1:40122`. */
  readonly source: string;
  /** True when HAProxy only copies bytes between both sides: an upgraded connection, no request it could still route. */
  readonly tunnel: boolean;
}

function nonsense(what: string, text: string): never {
  const answer = text.trim().split("\n").slice(0, 5);
  throw new DroverError(
    failure(
      "balancer-answer",
      `HAProxy's answer to "${what}" makes no sense`,
      "see journalctl -u haproxy there",
      answer,
    ),
  );
}

/** A whole number, or null where the field is empty. */
function whole(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
}

const FMAINT_OR_INHERITED = 0x01 | 0x02 | 0x20;
const FORCED_MAINT = 0x01 | 0x02;
const DRAIN = 0x08 | 0x10;

/**
 * `srv_admin_state` is a mask; 0x04 (disabled in the file) and 0x40 say where a state came from, not what it is. 0x20 is
 * DNS's word that a followed server is nowhere, which is nobody's doing.
 */
function adminState(mask: number, isFollowed: boolean): AdminState {
  if ((mask & (isFollowed ? FORCED_MAINT : FMAINT_OR_INHERITED)) !== 0) return "maint";
  return (mask & DRAIN) !== 0 ? "drain" : "ready";
}

/** HAProxy writes a dash for nothing. */
function named(text: string | undefined): string | null {
  return text === undefined || text === "-" || text === "" ? null : text;
}

/** Parses `show servers state [backend]`. Throws a DroverError for anything else. */
export function parseServersState(text: string): readonly ServerRow[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines[0]?.trim() !== "1" || lines[1]?.startsWith("# be_id be_name") !== true) {
    return nonsense("show servers state", text);
  }
  return lines.slice(2).map((line) => {
    const [, backend, , server, address, op, admin, ...rest] = line.split(" ");
    const [target, portText, record] = rest.slice(10);
    const port = whole(portText);
    const srv = named(record);
    if (!backend || !server || !address || port === null) return nonsense("show servers state", line);
    return {
      backend,
      server,
      address,
      port,
      admin: adminState(Number(admin), srv !== null),
      running: op !== "0",
      srv,
      target: srv === null ? null : named(target),
    };
  });
}

/** Parses `show stat`, servers only (other rows are left out). Columns are found by name: versions add some. */
export function parseStat(text: string): readonly ServerStat[] {
  const [head = "", ...lines] = text.split("\n").filter((line) => line.trim() !== "");
  if (!head.startsWith("# pxname,svname,")) return nonsense("show stat", text);
  const names = head.slice(2).split(",");
  const column = new Map(names.map((name, index) => [name, index]));
  return lines.flatMap((line) => {
    const cells = line.split(",");
    const cell = (name: string): string => cells[column.get(name) ?? -1] ?? "";
    const count = (name: string): number => whole(cell(name)) ?? 0;
    if (cell("type") !== "2") return [];
    return [
      {
        backend: cell("pxname"),
        server: cell("svname"),
        status: cell("status"),
        checkStatus: cell("check_status"),
        checkCode: whole(cell("check_code")),
        checkDuration: whole(cell("check_duration")),
        scur: count("scur"),
        qcur: count("qcur"),
        stot: count("stot"),
        econ: count("econ"),
        eresp: count("eresp"),
        wretr: count("wretr"),
        wredis: count("wredis"),
        hrsp5xx: count("hrsp_5xx"),
        rate: count("rate"),
        lastchg: count("lastchg"),
        chkdown: count("chkdown"),
        checkHealth: whole(cell("check_health")),
        checkRise: count("check_rise"),
        checkFall: count("check_fall"),
      },
    ];
  });
}

function seconds(uptime: string): number {
  const parts = /^(\d+)d(\d+)h(\d+)m(\d+)s$/.exec(uptime);
  if (parts === null) return 0;
  const [days = 0, hours = 0, minutes = 0, rest = 0] = parts.slice(1).map(Number);
  return ((days * 24 + hours) * 60 + minutes) * 60 + rest;
}

/** Parses `show proc` of the master's socket. Throws a DroverError for anything else. */
export function parseProc(text: string): Processes {
  let master: Processes["master"] | null = null;
  let current: Worker | null = null;
  const old: Worker[] = [];
  let section = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) section = line.slice(1).trim();
    const row = /^(\d+)\s+(master|worker)\s+(\d+)(?:\s+\[failed: (\d+)\])?\s+(\S+)/.exec(line);
    if (row === null) continue;
    const [, pid, type, reloads, failed, uptime = ""] = row;
    if (type === "master") {
      master = { pid: Number(pid), reloads: Number(reloads), failed: Number(failed ?? 0) };
    } else {
      const worker = { pid: Number(pid), reloads: Number(reloads), uptime: seconds(uptime) };
      if (section === "old workers") old.push(worker);
      else current = worker;
    }
  }
  return master === null ? nonsense("show proc", text) : { master, current, old };
}

/**
 * Parses `show sess`: one stream a line. The stream that lists them (frontend GLOBAL) is left out. A tunnel has no
 * analyser left on either side, `rq[…an=00h…] rp[…an=00h…]`; a request or a response under way has at least one
 * (measured on 2.6.12: 8000h/1400000h while waiting, 8000h/4000000h while a body streams).
 */
export function parseSess(text: string): readonly Stream[] {
  return text.split("\n").flatMap((line) => {
    if (line.trim() === "") return [];
    const id = /^(0x[0-9a-f]+): /.exec(line)?.[1];
    const analysers = [...line.matchAll(/ r[qp]\[[^\]]*\ban=([0-9a-f]+)h/g)].map((match) => match[1] ?? "");
    if (id === undefined || analysers.length !== 2) return nonsense("show sess", line);
    const field = (name: string): string => new RegExp(` ${name}=(\\S*)`).exec(line)?.[1] ?? "";
    const frontend = field("fe");
    if (frontend === "GLOBAL") return [];
    const tunnel = analysers.every((mask) => /^0+$/.test(mask));
    return [{ id, frontend, backend: field("be"), server: field("srv"), source: field("src"), tunnel }];
  });
}

/** One number of `show info`. Throws a DroverError where it is missing. */
export function parseInfo(text: string, name: string): number {
  const value = new RegExp(`^${name}: (\\d+)`, "m").exec(text)?.[1];
  return value === undefined ? nonsense("show info", text) : Number(value);
}

/** What a HAProxy says of itself. */
export interface About {
  readonly version: string;
  /** Of the current worker, in seconds. */
  readonly uptime: number;
  readonly connections: number;
  /** Sessions a second, now. */
  readonly sessionRate: number;
}

/** Parses `show info`. Throws a DroverError for anything else. */
export function parseAbout(text: string): About {
  const version = /^Version: (\S+)/m.exec(text)?.[1];
  if (version === undefined) return nonsense("show info", text);
  return {
    version,
    uptime: parseInfo(text, "Uptime_sec"),
    connections: parseInfo(text, "CurrConns"),
    sessionRate: parseInfo(text, "SessRate"),
  };
}
