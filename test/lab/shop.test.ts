// The demo app's releases, each on this machine's loopback: what the rollout tests rely on.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:http";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { checkout, command, until } from "./support/lab.ts";

const folder = mkdtempSync(join(tmpdir(), "drover-shop-"));
const artifacts = join(folder, "dist");
const running: ChildProcess[] = [];

beforeAll(async () => {
  for (const app of ["shop", "ticker"]) {
    const { code, stderr } = await command(join(checkout, `lab/apps/${app}/build`), [artifacts]);
    if (code !== 0) throw new Error(stderr);
  }
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Shop {
  readonly url: string;
  readonly process: ChildProcess;
  readonly ended: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function unpack(app: string, release: string): Promise<string> {
  const home = join(folder, `${app}-${release}`);
  mkdirSync(home, { recursive: true });
  const tar = await command("tar", ["xzf", join(artifacts, `${app}-${release}.tar.gz`), "-C", home]);
  expect(tar).toEqual({ code: 0, stdout: "", stderr: "" });
  return join(home, "bin", app);
}

/** Starts a release; resolves when it listens. */
async function start(release: string, env: Record<string, string> = {}): Promise<Shop> {
  const port = await freePort();
  const child = spawn(await unpack("shop", release), ["--port", String(port)], { env: { ...process.env, ...env } });
  running.push(child);
  const ended = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) =>
    child.on("exit", (code, signal) => resolve([code, signal])),
  );
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until(`shop ${release} to listen`, () => Promise.resolve(said.includes("listens on")));
  return { url: `http://127.0.0.1:${port}`, process: child, ended };
}

/** A request on a connection of its own, or of an agent; resolves with the answer, rejects when it is cut off. */
function ask(url: string, agent: Agent = new Agent()): Promise<IncomingMessage & { readonly body: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => (body += chunk.toString()));
      answer.on("end", () => resolve(Object.assign(answer, { body })));
      answer.on("error", reject);
    });
    request.on("error", reject);
  });
}

const status = async (url: string): Promise<number | undefined> => (await ask(url)).statusCode;

describe("artifacts", () => {
  test("are the same bytes every time, and differ from release to release", async () => {
    const again = join(folder, "again");
    await command(join(checkout, "lab/apps/shop/build"), [again]);
    const names = readdirSync(again);
    expect(names).toHaveLength(9);
    const hash = (directory: string, name: string): string =>
      createHash("sha256")
        .update(readFileSync(join(directory, name)))
        .digest("hex");
    expect(names.map((name) => hash(again, name))).toEqual(names.map((name) => hash(artifacts, name)));
    expect(new Set(names.map((name) => hash(again, name))).size).toBe(9);
  });
});

describe("a release that works", () => {
  test.for(["1.4.0", "1.5.0", "1.5.1"])(
    "%s answers with its own version, on a connection kept alive",
    async (release) => {
      const shop = await start(release);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      expect((await ask(`${shop.url}/`, agent)).body).toContain(release);
      expect(JSON.parse((await ask(`${shop.url}/version`, agent)).body)).toMatchObject({ app: "shop", release });
      const health = await ask(`${shop.url}/healthz`, agent);
      expect(health.statusCode).toBe(200);
      expect(health.headers.connection).toBe("keep-alive");
      expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
      expect(await status(`${shop.url}/nothing`)).toBe(404);
      agent.destroy();
    },
  );

  test("SIGTERM lets the request in flight be answered, with Connection: close, and then it ends with 0", async () => {
    const shop = await start("1.5.0");
    const slow = ask(`${shop.url}/slow?ms=700`, new Agent({ keepAlive: true }));
    await until("the slow request to arrive", async () => (await status(`${shop.url}/healthz`)) === 200);
    shop.process.kill("SIGTERM");
    const answer = await slow;
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.connection).toBe("close");
    expect(await shop.ended).toEqual([0, null]);
    await expect(ask(shop.url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  test("a websocket echoes, and is closed as going away at SIGTERM", async () => {
    const shop = await start("1.5.0");
    const socket = new WebSocket(`${shop.url.replace("http", "ws")}/ws`);
    const heard: unknown[] = [];
    socket.addEventListener("message", (event) => heard.push(event.data));
    await once(socket, "open");
    for (const text of ["hello", "x".repeat(70_000)]) socket.send(text);
    await until("both echoes", () => Promise.resolve(heard.length === 2));
    expect(heard).toEqual(["hello", "x".repeat(70_000)]);
    const closed = new Promise((resolve) => socket.addEventListener("close", (event) => resolve(event.code)));
    shop.process.kill("SIGTERM");
    expect(await closed).toBe(1001);
    expect(await shop.ended).toEqual([0, null]);
  });

  test("shows LOG_LEVEL, and of a credential its hash, never its content", async () => {
    const credentials = join(folder, "credentials");
    mkdirSync(credentials, { recursive: true });
    writeFileSync(join(credentials, "DATABASE_URL"), "postgres://secret");
    const shop = await start("1.4.0", { LOG_LEVEL: "debug", CREDENTIALS_DIRECTORY: credentials });
    const { body } = await ask(`${shop.url}/env`);
    expect(JSON.parse(body)).toEqual({
      LOG_LEVEL: "debug",
      credentials: { DATABASE_URL: createHash("sha256").update("postgres://secret").digest("hex") },
    });
  });
});

describe("a release that does not work", () => {
  test("1.6.0-broken answers, and is never healthy", async () => {
    const shop = await start("1.6.0-broken");
    expect(await status(`${shop.url}/`)).toBe(200);
    expect(await status(`${shop.url}/healthz`)).toBe(503);
  });

  test("1.6.1-crash is healthy, and ends with 1 five seconds after its start", async () => {
    const started = Date.now();
    const shop = await start("1.6.1-crash");
    expect(await status(`${shop.url}/healthz`)).toBe(200);
    expect(await shop.ended).toEqual([1, null]);
    expect(Date.now() - started).toBeGreaterThan(4_900);
  });

  test("1.6.2-slow answers 503 on every path for five seconds, then works", async () => {
    const started = Date.now();
    const shop = await start("1.6.2-slow");
    for (const path of ["/", "/healthz", "/version", "/slow", "/ws"]) expect(await status(shop.url + path)).toBe(503);
    await until("it to be warm", async () => (await status(`${shop.url}/healthz`)) === 200);
    expect(Date.now() - started).toBeGreaterThan(4_900);
    expect(await status(`${shop.url}/`)).toBe(200);
  });

  test.for(["1.6.3-abrupt", "1.6.4-abrupt"])(
    "%s works, and resets the request in flight at SIGTERM",
    async (release) => {
      const shop = await start(release);
      expect(await status(`${shop.url}/healthz`)).toBe(200);
      const slow = ask(`${shop.url}/slow?ms=5000`).then(
        () => "answered",
        (error: NodeJS.ErrnoException) => error.code,
      );
      await until("the slow request to arrive", async () => (await status(`${shop.url}/healthz`)) === 200);
      shop.process.kill("SIGTERM");
      expect(await slow).toBe("ECONNRESET");
      expect(await shop.ended).toEqual([null, "SIGTERM"]);
    },
  );
});

test("the ticker ticks once a second until SIGTERM, and its failing release ends with 1", async () => {
  const ticker = spawn(await unpack("ticker", "1.1.0"), []);
  running.push(ticker);
  let said = "";
  ticker.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until("two ticks", () => Promise.resolve(said.includes("ticker 1.1.0 tick 2")));
  ticker.kill("SIGTERM");
  expect(await once(ticker, "exit")).toEqual([0, null]);
  const fails = await command(await unpack("ticker", "1.2.0-fails"), []);
  expect(fails).toMatchObject({ code: 1, stderr: expect.stringContaining("no queue") });
});
