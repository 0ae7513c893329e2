import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The lab the tests use: the one in LAB, or one of their own beside the demo's. */
export const LAB: string = process.env["LAB"] ?? "test";

/** Where the lab's own copy of its fleet lies. */
export const FLEET: string = `${ROOT}/.lab/${LAB}/fleet`;

/** Why the lab cannot run here; null where it can. */
export function labImpossible(): string | null {
  if (process.platform !== "linux") return "the lab needs Linux";
  if (process.getuid?.() !== 0) return "the lab needs root";
  return existsSync(`${ROOT}/lab/lab`) ? null : "there is no lab/lab";
}

/** Runs a lab verb to its end; throws with what it printed where it fails. */
export function lab(...args: readonly string[]): string {
  const ran = spawnSync(`${ROOT}/lab/lab`, args, { env: { ...process.env, LAB }, encoding: "utf8" });
  if (ran.status !== 0)
    throw new Error(`lab/lab ${args.join(" ")} ended with ${ran.status}: ${ran.stderr}${ran.stdout}`);
  return ran.stdout;
}

/** How a program on a lab host ended. */
export interface LabRan {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs argv as root inside a host, with these bytes on its stdin. */
export function onHost(host: string, argv: readonly string[], stdin: readonly Uint8Array[] = []): Promise<LabRan> {
  const child = spawn(`${ROOT}/lab/lab`, ["exec", host, "--", ...argv], {
    env: { ...process.env, LAB },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  // A script that refuses early leaves its stdin unread.
  child.stdin.on("error", () => {});
  for (const bytes of stdin) child.stdin.write(bytes);
  child.stdin.end();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? 137, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

/** A line of shell on a host; throws where it fails. */
export async function sh(host: string, script: string): Promise<string> {
  const ran = await onHost(host, ["sh", "-c", script]);
  if (ran.code !== 0) throw new Error(`on ${host}: ${script}: ${ran.code}: ${ran.stderr}`);
  return ran.stdout;
}
