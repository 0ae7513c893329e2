// A real balancer of a lab behind the contract's bench: scripts and the relay run as root in the host, without SSH.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { lbFact } from "../../../src/lb/facts.ts";
import { operateLb } from "../../../src/lb/operations.ts";
import { CERTS, MAPS, PENDING, STATE_FILE } from "../../../src/lb/paths.ts";
import { RELAY } from "../../../src/lb/relay.ts";
import type { LbAction } from "../../../src/model/action.ts";
import type { Command, Frame } from "../../../src/model/command.ts";
import type { Answer, Ask, Outcome } from "../../../src/model/operation.ts";
import { frameHeader, renderScript } from "../../../src/ssh/script.ts";
import type { BalancerBench } from "../../support/balancer.ts";
import { driver } from "./drive.ts";
import { checkout, command, until, type Lab } from "./lab.ts";

const SHELL = ["sh", "-c", 'IFS= read -r n && s=$(head -c "$n") && eval "$s"'];

/** The relay of one host. */
class LabRelay {
  readonly #child: ChildProcessWithoutNullStreams;
  #read = Buffer.alloc(0);
  readonly #frames: string[] = [];
  readonly #waiting: ((frame: string) => void)[] = [];

  constructor(lab: Lab, host: string) {
    const argv = ["exec", host, "--", ...SHELL];
    this.#child = spawn(join(checkout, "lab/lab"), argv, { cwd: checkout, env: { ...process.env, LAB: lab.name } });
    this.#child.stdin.write(renderScript({ command: RELAY, warrant: null, frames: [] }));
    this.#child.stdout.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  next(): Promise<string> {
    const frame = this.#frames.shift();
    return frame === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(frame);
  }

  ask(socket: string, epoch: number, line: string): Promise<string> {
    const payload = Buffer.from(`${socket} ${epoch}\n${line}`);
    this.#child.stdin.write(Buffer.concat([frameHeader(payload.length), payload]));
    return this.next();
  }

  close(): void {
    this.#child.stdin.end();
  }

  #take(chunk: Buffer): void {
    this.#read = Buffer.concat([this.#read, chunk]);
    while (true) {
      const end = this.#read.indexOf(10);
      const size = Number(this.#read.subarray(0, end));
      if (end < 0 || this.#read.length < end + 1 + size) return;
      const frame = this.#read.subarray(end + 1, end + 1 + size).toString();
      this.#read = this.#read.subarray(end + 1 + size);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#frames.push(frame);
      else waiting(frame);
    }
  }
}

/** A bench on `host` of a lab. Close it before the lab goes down. */
export interface LabBench extends BalancerBench {
  close(): void;
  /** Starts an action's script and goes away: its output is closed and it gets a SIGHUP, as when a connection dies. */
  abandon(action: LbAction): Promise<void>;
  /** Starts an action's script and kills all of it so many seconds after it began to change something. */
  killed(action: LbAction, seconds: number): Promise<void>;
}

/** Connects to a balancer of a lab; the contract calls it lb1 whatever its name is. */
export async function labBench(lab: Lab, host: string, address: string): Promise<LabBench> {
  const relay = new LabRelay(lab, host);
  if ((await relay.next()) !== "relay") throw new Error("the relay did not greet");
  const { gather, sh } = driver(lab);
  const secrets = new Map<string, string>();
  const answer = async (asked: Ask, began: number): Promise<Answer> => {
    const elapsed = (): number => performance.now() - began;
    switch (asked.kind) {
      case "sleep":
        await new Promise((resolve) => setTimeout(resolve, asked.ms));
        return { kind: "sleep", elapsed: elapsed() };
      case "haproxy": {
        const epoch = asked.mutates ? 1 : 0;
        const replies = await Promise.all(asked.lines.map((line) => relay.ask(asked.socket, epoch, line)));
        const broken = replies.find((reply) => reply.startsWith("!drover"));
        if (broken !== undefined) throw new Error(broken);
        return { kind: "haproxy", elapsed: elapsed(), replies };
      }
      case "exec": {
        const { command } = asked;
        const ran = await lab.exec(host, SHELL, { stdin: stdinOf(command, secrets) });
        return { ...ran, kind: "exec", elapsed: elapsed() };
      }
      case "edit":
        throw new Error("a balancer edits no files of the fleet");
      case "dns-query":
      case "dns-update":
        throw new Error("a balancer asks no DNS server");
    }
  };
  return {
    async killed(action, seconds) {
      const operation = operateLb(action);
      let turn = operation.next();
      // Only the script that changes something is worth killing; what is asked before it is answered.
      while (turn.done !== true && turn.value.kind === "exec" && !turn.value.command.mutates) {
        turn = operation.next(await answer(turn.value, performance.now()));
      }
      if (turn.done === true || turn.value.kind !== "exec") throw new Error(`${action.kind} has no script`);
      const argv = ["sh", "-c", KILLED, "sh", String(seconds)];
      const ran = await lab.exec(host, argv, { stdin: stdinOf(turn.value.command, secrets) });
      if (ran.code !== 0) throw new Error(ran.stderr);
    },
    secrets,
    certificate: selfSigned,
    async reload() {
      const pid = async (): Promise<number | undefined> => (await gather(host, lbFact)).live.processes?.current?.pid;
      const before = await pid();
      await sh(host, "systemctl reload haproxy");
      await until("the new worker answers", async () => {
        const { live, stable } = await gather(host, lbFact);
        const now = live.processes?.current?.pid;
        return now !== undefined && now !== before && stable.admin !== null;
      });
    },
    mapped: () => relay.ask("admin", 0, `show map ${MAPS}/http.map`),
    async serial(name) {
      const said = await relay.ask("admin", 0, `show ssl cert ${CERTS}/${name}.pem`);
      return /^Serial: (\S+)/m.exec(said)?.[1] ?? "";
    },
    async interrupt() {
      await sh(host, `echo 1 > ${PENDING}`);
    },
    async abandon(action) {
      const asked = operateLb(action).next().value;
      if (!("kind" in asked) || asked.kind !== "exec") throw new Error(`${action.kind} does not begin with a script`);
      const ran = await lab.exec(host, ["sh", "-c", ABANDON], { stdin: stdinOf(asked.command, secrets) });
      if (ran.code !== 0) throw new Error(ran.stderr);
    },
    close: () => relay.close(),
    ask: (socket, epoch, line) => relay.ask(socket, epoch, line),
    facts: () => gather(host, lbFact),
    stateFile: () => sh(host, `cat ${STATE_FILE}`),
    async health(server, passes) {
      await sh(server, passes ? "rm -f /run/sick" : "touch /run/sick");
    },
    async tunnel() {
      const child = lab.background(["node", "-e", WEBSOCKET, address]);
      let said = "";
      let open = true;
      child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
      child.on("close", () => (open = false));
      await until("the websocket is open", () => Promise.resolve(/x-host: \S+\r\n[^]*\r\n\r\n/i.test(said)));
      return { server: /x-host: (\S+)/i.exec(said)?.[1] ?? "", isOpen: () => open };
    },
    async go(action: LbAction): Promise<Outcome> {
      const began = performance.now();
      const operation = operateLb(action);
      let turn = operation.next();
      while (turn.done !== true) turn = operation.next(await answer(turn.value, began));
      return turn.value;
    },
  };
}

/** A self-signed certificate and its key. */
async function selfSigned(names: readonly string[]): Promise<string> {
  const alt = names.map((name) => `DNS:${name}`).join(",");
  const make = `umask 077; d=$(mktemp -d); openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -subj /CN="$1" -addext subjectAltName="$2" -keyout $d/key -out $d/crt 2>/dev/null && cat $d/crt && echo && cat $d/key; rm -r $d`;
  const ran = await command("sh", ["-c", make, "sh", names[0] ?? "", alt]);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return ran.stdout;
}

function bytesOf(frame: Frame, secrets: ReadonlyMap<string, string>): Buffer {
  if (frame.kind === "file") throw new Error("a balancer gets no files");
  return Buffer.from(frame.kind === "text" ? frame.text : (secrets.get(frame.ref) ?? ""));
}

function stdinOf(command: Command, secrets: ReadonlyMap<string, string>): Buffer {
  const frames = command.frames.map((frame) => bytesOf(frame, secrets));
  const warrant = command.mutates ? { run: "test", epoch: 1 } : null;
  const script = renderScript({ command, warrant, frames: [] });
  return Buffer.concat([script, ...frames.flatMap((bytes) => [frameHeader(bytes.length), bytes])]);
}

const ABANDON = `
  cat > /run/abandoned; rm -f /run/abandoned.pid
  setsid sh -c 'echo $$ > /run/abandoned.pid; ${(SHELL[2] ?? "").replaceAll("'", "")}' < /run/abandoned 2>&1 | : &
  until [ -s /run/abandoned.pid ]; do sleep 0.01; done
  sleep 0.15; /bin/kill -HUP -- "-$(cat /run/abandoned.pid)"
`;

const KILLED = `
  umask 077; cat > /run/killed; rm -f /run/killed.pid
  setsid sh -c 'echo $$ > /run/killed.pid; ${(SHELL[2] ?? "").replaceAll("'", "")}' < /run/killed > /dev/null 2>&1 &
  until [ -s /run/killed.pid ]; do sleep 0.01; done
  p=$(cat /run/killed.pid); while [ -d /proc/$p ] && [ ! -e ${PENDING} ]; do sleep 0.002; done
  sleep "$1"; /bin/kill -KILL -- "-$p" 2> /dev/null; rm -f /run/killed; true
`;

const WEBSOCKET = String.raw`
const socket = require("node:net").connect(80, process.argv[1], () => socket.write(
  "GET /ws HTTP/1.1\r\nHost: shop.lab.internal\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
socket.pipe(process.stdout);
socket.on("close", () => process.exit());
`;

/** Runs the small app below on an app host, on port 8080; it is sick while /run/sick is there. */
export async function startApp(lab: Lab, host: string): Promise<void> {
  const source = readFileSync(new URL("balancer-app.py", import.meta.url));
  const put = await lab.exec(host, ["sh", "-c", "cat > /root/app.py"], { stdin: source });
  if (put.code !== 0) throw new Error(put.stderr);
  const { sh } = driver(lab);
  await sh(
    host,
    "systemctl reset-failed app 2>/dev/null; systemctl stop app 2>/dev/null; systemd-run -q --unit app python3 -u /root/app.py",
  );
  await until(`the app on ${host} answers`, async () => {
    return (await lab.exec(host, ["curl", "-sf", "http://127.0.0.1:8080/healthz"])).code === 0;
  });
}
