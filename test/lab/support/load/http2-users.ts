// Users of HTTP/2 who never retry: run on the lab's laptop as `node http2-users.ts OPTIONS`, OPTIONS being JSON. On
// SIGINT or SIGTERM they finish what is under way, print their totals as one line of JSON, and end.
import { readFileSync } from "node:fs";
import { connect, constants } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { setTimeout as pause } from "node:timers/promises";

interface Options {
  readonly address: string;
  readonly names: readonly string[];
  readonly path: string;
  readonly ca: string;
  readonly sessions: number;
  readonly streams: number;
  readonly delay: number;
}

const LIMIT = 10_000;
const options = JSON.parse(process.argv[2] ?? "{}") as Options;
const ca = readFileSync(options.ca);
const totals = {
  requests: 0,
  /** Streams that the balancer said it has not begun to process: REFUSED_STREAM, or above a GOAWAY's last stream. */
  refused: 0,
  /** Never sent, as the session was closing: the next session takes them. No failure, no retry. */
  unsent: 0,
  failed: 0,
  goaways: 0,
  sessions: 0,
  failures: {} as Record<string, number>,
  /** When the first failures were seen, in milliseconds since the epoch. */
  first: [] as string[],
};
let stopping = false;

function fail(what: string): void {
  totals.failed += 1;
  totals.failures[what] = (totals.failures[what] ?? 0) + 1;
  if (totals.first.length < 20) totals.first.push(`${new Date().toISOString()} ${what}`);
}

/** One connection after the other to the same balancer, for the same name. */
class User {
  readonly name: string;
  #session: Promise<ClientHttp2Session> | null = null;

  constructor(name: string) {
    this.name = name;
  }

  /** An open session; a new one where the last is closing. */
  session(): Promise<ClientHttp2Session> {
    this.#session ??= this.#open();
    return this.#session;
  }

  async leave(): Promise<void> {
    const session = await this.#session?.catch(() => null);
    session?.destroy();
  }

  #open(): Promise<ClientHttp2Session> {
    totals.sessions += 1;
    const host = options.address.includes(":") ? `[${options.address}]` : options.address;
    const session = connect(`https://${host}`, { servername: this.name, ca });
    const forget = (): void => void (this.#session = null);
    session.on("goaway", () => {
      totals.goaways += 1;
      forget();
    });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => session.destroy(new Error("ETIMEDOUT")), LIMIT);
      session.on("connect", () => {
        clearTimeout(timer);
        resolve(session);
      });
      session.on("error", reject);
      session.on("close", () => {
        clearTimeout(timer);
        forget();
        reject(new Error("closed before it was open"));
      });
    });
  }

  async request(): Promise<void> {
    let session;
    try {
      session = await this.session();
    } catch (error) {
      totals.requests += 1;
      fail(`connect ${codeOf(error)}`);
      await pause(100);
      return;
    }
    if (session.closed || session.destroyed) {
      totals.unsent += 1;
      this.#session = null;
      await pause(5);
      return;
    }
    await ask(session.request({ ":authority": this.name, ":path": options.path }));
  }
}

/** Waits for a stream's end and counts how it ended. */
function ask(stream: ClientHttp2Stream): Promise<void> {
  let status = 0;
  let isWhole = false;
  let error: unknown = null;
  // The id is gone from a stream that is closed.
  let sent = stream.id !== undefined;
  stream.on("ready", () => (sent = true));
  stream.setTimeout(LIMIT, () => {
    error = new Error("ETIMEDOUT");
    stream.close(constants.NGHTTP2_CANCEL);
  });
  stream.on("response", (headers) => (status = headers[":status"] ?? 0));
  stream.on("end", () => (isWhole = true));
  stream.on("error", (reason) => (error ??= reason));
  stream.resume();
  return new Promise((resolve) => {
    stream.on("close", () => {
      judge({ sent, status, isWhole, code: stream.rstCode ?? 0, error });
      resolve();
    });
  });
}

interface Ended {
  readonly sent: boolean;
  readonly status: number;
  readonly isWhole: boolean;
  readonly code: number;
  readonly error: unknown;
}

function judge({ sent, status, isWhole, code, error }: Ended): void {
  if (!sent) {
    totals.unsent += 1;
    return;
  }
  totals.requests += 1;
  if (code === constants.NGHTTP2_REFUSED_STREAM) totals.refused += 1;
  else if (code !== 0) fail(`reset by code ${code} ${codeOf(error)}`);
  else if (status === 0 || !isWhole) fail(`cut off ${codeOf(error)}`);
  else if (status >= 400) fail(`status ${status}`);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}

async function lane(user: User): Promise<void> {
  // A new connection's streams do not all begin at once.
  await pause(Math.random() * options.delay);
  while (!stopping) {
    await user.request();
    await pause(options.delay);
  }
}

const users = Array.from(
  { length: options.sessions },
  (_, index) => new User(options.names[index % options.names.length] ?? ""),
);
const stop = (): void => void (stopping = true);
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
await Promise.all(users.flatMap((user) => Array.from({ length: options.streams }, () => lane(user))));
await Promise.all(users.map((user) => user.leave()));
process.stdout.write(`${JSON.stringify(totals)}\n`);
