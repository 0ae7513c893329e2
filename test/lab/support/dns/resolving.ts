// A user of an app who finds it by DNS, on the lab's laptop: `node resolving.ts NAME TTL_MS SERVER SERVER`. Every 100 ms it
// asks both servers, connects to a random instance of a new answer, and to one of the oldest answer that a cache may still
// give out; now and then dig asks too. Prints every answer as a line of JSON until its stdin ends, and then its totals.
import { execFile } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";

const EVERY = 100;
const DIG_EVERY = 20;
const [name = "", ttlText = "", ...servers] = process.argv.slice(2);
const ttl = Number(ttlText);

/** An instance as an answer gives it. */
interface Place {
  readonly target: string;
  readonly port: number;
}

interface Heard {
  readonly sent: number;
  readonly places: readonly Place[];
}

const resolvers = servers.map((server) => {
  const resolver = new Resolver({ timeout: 2000, tries: 3 });
  resolver.setServers([server]);
  return { server, resolver };
});
const totals = { answers: 0, digs: 0, unanswered: 0, empty: 0, connections: 0, failed: 0 };
const complaints: string[] = [];
/** Answers of the last TTL, oldest first: what a cache in between may still say. */
let cached: readonly Heard[] = [];
const known = new Map<string, string>();
const atWork = new Set<Promise<void>>();

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function complain(what: string): void {
  if (complaints.length < 10) complaints.push(`${new Date().toISOString()} ${what}`);
}

function told(server: string, sent: number, places: readonly Place[]): void {
  if (places.length === 0) {
    totals.empty += 1;
    complain(`${server}: an empty answer`);
  }
  const hosts = places.map(({ target }) => target.split(".")[0] ?? "").toSorted();
  say({ server, sent, got: Date.now(), hosts });
}

/** Asks one server by Node's own resolver; null where there was no answer. */
async function ask({ server, resolver }: (typeof resolvers)[number]): Promise<Heard | null> {
  const sent = Date.now();
  try {
    const records = await resolver.resolveSrv(name);
    const places = records.map((record) => ({ target: record.name, port: record.port }));
    totals.answers += 1;
    told(server, sent, places);
    return { sent, places };
  } catch (error) {
    // Node says an empty answer by ENODATA, and a name that is not there by ENOTFOUND.
    const isEmpty =
      error instanceof Error && "code" in error && (error.code === "ENODATA" || error.code === "ENOTFOUND");
    totals[isEmpty ? "empty" : "unanswered"] += 1;
    complain(`${server}: ${String(error)}`);
    return null;
  }
}

async function addressOf({ resolver }: (typeof resolvers)[number], target: string): Promise<string> {
  const before = known.get(target);
  if (before !== undefined) return before;
  const [address = ""] = await resolver.resolve4(target);
  known.set(target, address);
  return address;
}

function get(address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: address, port, path: "/version", agent: false, timeout: 5000 }, (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`answered ${String(response.statusCode)}`)),
      );
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer within 5 s")));
    asked.on("error", reject);
    asked.end();
  });
}

/** Connects to a random instance of an answer, unless it has become too old to be used by then. */
async function connect(by: (typeof resolvers)[number], { sent, places }: Heard): Promise<void> {
  const place = places[Math.floor(Math.random() * places.length)];
  if (place === undefined) return;
  const began = Date.now();
  try {
    const address = await addressOf(by, place.target);
    if (Date.now() - sent > ttl) return;
    totals.connections += 1;
    await get(address, place.port);
  } catch (error) {
    totals.failed += 1;
    complain(`${place.target} port ${place.port}, named ${began - sent} ms before: ${String(error)}`);
  }
}

async function dig(server: string): Promise<void> {
  const sent = Date.now();
  const argv = [`@${server}`, "+tcp", "+norecurse", "+short", "+tries=2", name, "SRV"];
  const { stdout } = await promisify(execFile)("dig", argv);
  const rows = stdout.split("\n").filter((line) => /^\d/.test(line));
  totals.digs += 1;
  told(
    server,
    sent,
    rows.map((row) => ({ target: row.split(" ")[3] ?? "", port: Number(row.split(" ")[2]) })),
  );
}

async function turn(round: number): Promise<void> {
  const heard = await Promise.all(resolvers.map(ask));
  const at = round % resolvers.length;
  const by = resolvers[at];
  const fresh = heard[at] ?? null;
  if (by === undefined) throw new Error("there are no servers");
  const now = Date.now();
  cached = [...cached, ...heard.flatMap((each) => each ?? [])].filter(({ sent }) => now - sent <= ttl - EVERY / 2);
  const oldest = cached[0];
  await Promise.all([
    ...(fresh === null ? [] : [connect(by, fresh)]),
    ...(oldest === undefined ? [] : [connect(by, oldest)]),
    ...(round % DIG_EVERY === 0 ? [dig(by.server)] : []),
  ]);
}

let isOver = false;
process.stdin.on("end", () => (isOver = true));
process.stdin.resume();
for (let round = 0; !isOver; round += 1) {
  const one = turn(round).catch((error: unknown) => {
    totals.unanswered += 1;
    complain(String(error));
  });
  atWork.add(one);
  void one.then(() => atWork.delete(one));
  // oxlint-disable-next-line no-await-in-loop -- the pace
  await wait(EVERY);
}
await Promise.all(atWork);
say({ totals, complaints });
