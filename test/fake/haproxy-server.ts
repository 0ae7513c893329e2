import type { ConfiguredServer } from "./haproxy-config.ts";

/** A stream in a worker: a request under way, or a tunnel. */
export interface FakeStream {
  readonly id: string;
  readonly ref: string;
  readonly tunnel: boolean;
  readonly source: string;
}

/** One server in the current worker. */
export interface FakeServer extends ConfiguredServer {
  admin: "ready" | "drain" | "maint";
  /** As `srv_check_health`: below `rise` it is down; `rise + fall - 1` is all there is. */
  health: number;
  check: "INI" | "L7OK" | "L7STS";
  chkdown: number;
  stot: number;
  econ: number;
}

/** `set server … state`. */
export function enter(server: FakeServer, state: FakeServer["admin"]): string {
  // A server that leaves maintenance counts as up until a check says otherwise.
  if (server.admin === "maint" && state !== "maint") server.health = server.rise;
  if (state === "maint") takeDown(server);
  server.admin = state;
  return "\n";
}

/** One check: `rise` passes bring it up and fill `health`, `fall` failures bring it down and empty it. */
export function checkOnce(server: FakeServer, passes: boolean): void {
  const wasUp = server.health >= server.rise;
  server.check = passes ? "L7OK" : "L7STS";
  if (passes) {
    server.health += 1;
    if (server.health >= server.rise) server.health = server.rise + server.fall - 1;
    return;
  }
  server.health = wasUp ? server.health - 1 : 0;
  if (wasUp && server.health < server.rise) takeDown(server);
}

/** `health down`, or the last failure that it takes. */
export function takeDown(server: FakeServer): void {
  if (server.health >= server.rise - 1) server.chkdown += 1;
  server.health = 0;
}

/** A row with 4 where the file says otherwise is not believed; 12 on a marked server drains it (measured on 2.6.12). */
export function started(
  server: ConfiguredServer,
  row: { readonly admin: number; readonly up: boolean } | undefined,
): FakeServer {
  const base = { ...server, check: "INI" as const, chkdown: 0, stot: 0, econ: 0 };
  const drained = row !== undefined && (row.admin & 8) !== 0;
  if (server.marked) {
    const admin = drained && (row.admin & 5) === 4 ? "drain" : "maint";
    return { ...base, admin, health: admin === "drain" ? server.rise : 0 };
  }
  const admin = row !== undefined && (row.admin & 5) === 1 ? "maint" : drained ? "drain" : "ready";
  return { ...base, admin, health: row?.up === false && row.admin === 0 ? 0 : server.rise };
}

/** As `show stat` words it. */
export function status(server: FakeServer): string {
  const { admin, health, rise, fall } = server;
  if (admin === "maint") return "MAINT";
  if (health < rise) return health === 0 ? "DOWN" : `DOWN ${health}/${rise}`;
  const word = admin === "drain" ? "DRAIN" : "UP";
  return health === rise + fall - 1 ? word : `${word} ${health - rise + 1}/${fall}`;
}

/** As `show sess` prints them, the asking stream last. */
export function showSess(streams: readonly FakeStream[]): string {
  const own =
    "0xff: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 rq[f=1h,i=0,an=00h,rx=] rp[f=1h,i=0,an=00h,rx=]\n\n";
  const line = ({ id, ref, tunnel, source }: FakeStream): string => {
    const [backend, server] = ref.split("/");
    const an = tunnel ? "an=00h" : "an=8000h";
    return `${id}: proto=tcpv4 src=${source} fe=drover_http be=${backend} srv=${server} ts=00 rq[f=1h,i=0,${an},rx=] rp[f=1h,i=0,${an},rx=]\n`;
  };
  return streams.map(line).join("") + own;
}
