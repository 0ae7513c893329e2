import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DnsKey, DnsServer } from "../../../src/model/dns.ts";
import { Secret } from "../../../src/model/secret.ts";
import { freePort } from "./sshd.ts";
import { tryRead } from "./trouble.ts";

// What the fixtures with a real DNS server have in common: a folder, a free port, a zone, two keys, a process.

/** The zone that every fixture speaks for. */
export const ZONE = "svc.contract.test";

/** What stands in the zone before any test. */
export const BEFORE: readonly string[] = [
  `${ZONE}. 3600 IN NS ns1.${ZONE}.`,
  `ns1.${ZONE}. 3600 IN A 127.0.0.1`,
  `alias.${ZONE}. 60 IN CNAME target.${ZONE}.`,
  `target.${ZONE}. 60 IN A 192.0.2.1`,
];

/** The SOA's data. The last number: how many seconds it may be remembered that something is not there. */
export const SOA: string = `ns1.${ZONE}. hostmaster.${ZONE}. 1 60 10 604800 5`;

/** A real server on the loopback that speaks for {@link ZONE}. */
export interface RealDns {
  readonly server: DnsServer;
  /** May write SRV, A, AAAA and TXT anywhere in the zone. */
  readonly key: DnsKey;
  /** Known to the server, and allowed nothing. */
  readonly denied: DnsKey;
  readonly directory: string;
  /** What the server has logged so far. */
  readonly log: () => string;
  /** Stops its process and waits for its end; what it keeps on disk stays. */
  readonly halt: () => Promise<void>;
  /** Starts it again, with what is on its disk. */
  readonly start: () => Promise<void>;
  /** Stops it for good, and removes its folder. */
  readonly stop: () => Promise<void>;
}

/** What a kind of server needs to be told, once its folder, port and keys are known. */
export interface DnsProgram {
  readonly name: string;
  /** Writes what it reads at its start; gives the command that runs it in the foreground, as this user. */
  prepare(at: DnsPlace): readonly [string, ...string[]];
}

/** Where a server is to run, with whose keys. */
export interface DnsPlace {
  readonly directory: string;
  readonly port: number;
  readonly key: DnsKey;
  readonly denied: DnsKey;
  /** Writes a file into the folder and gives its path. */
  file(name: string, text: string): string;
}

/** A new key. */
export function makeDnsKey(name: string, algorithm: DnsKey["algorithm"] = "hmac-sha256"): DnsKey {
  return { name, algorithm, secret: new Secret(randomBytes(32)) };
}

/** A key's secret as configurations of servers have it. */
export function base64Of(key: DnsKey): string {
  return Buffer.from(key.secret.reveal()).toString("base64");
}

/** Starts a server, with keys and a port of its own unless it is given some. */
export async function startDnsServer(
  program: DnsProgram,
  { key = makeDnsKey("drover"), denied = makeDnsKey("denied"), ...own }: Partial<DnsPlace> = {},
): Promise<RealDns> {
  const directory = mkdtempSync(join(tmpdir(), `drover-${program.name}-`));
  chmodSync(directory, 0o700);
  const log = join(directory, "server.log");
  const port = own.port ?? (await freePort());
  const [command, ...args] = program.prepare({
    directory,
    port,
    key,
    denied,
    file(name, text) {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    },
  });
  let child: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    // Whatever becomes of the tests, their servers do not outlive them.
    const output = openSync(log, "a");
    child = spawn("/usr/bin/setpriv", ["--pdeathsig", "KILL", command, ...args], {
      cwd: directory,
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    await answering(port, child).catch((error: unknown) => {
      throw new Error(`${program.name} did not start: ${String(error)}\n${tryRead(log) ?? ""}`);
    });
  };
  const halt = async (): Promise<void> => {
    const going = child;
    child = null;
    if (going === null || going.exitCode !== null || going.signalCode !== null) return;
    const ended = new Promise((resolve) => going.once("exit", resolve));
    // It brings its disk in order first, which takes no time; one that hangs is not waited for.
    going.kill("SIGTERM");
    const late = setTimeout(() => going.kill("SIGKILL"), 3000);
    await ended;
    clearTimeout(late);
  };
  await start().catch(async (error: unknown) => {
    await halt();
    rmSync(directory, { recursive: true, force: true });
    throw error;
  });
  return {
    server: { name: program.name, address: "127.0.0.1", port },
    key,
    denied,
    directory,
    log: () => readFileSync(log, "utf8"),
    halt,
    start,
    async stop() {
      await halt();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Waits until a server answers for the zone, for at most ten seconds. */
async function answering(port: number, child: ChildProcess): Promise<void> {
  const resolver = new Resolver({ timeout: 250, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const until = Date.now() + 10_000;
  let last: unknown = null;
  while (child.exitCode === null && Date.now() < until) {
    try {
      await resolver.resolveSoa(ZONE);
      return;
    } catch (error) {
      last = error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error(child.exitCode === null ? String(last) : `it ended with ${child.exitCode}`);
}
