/** A program in a network namespace of its own: see agent.pl. Both end with this process, whatever becomes of it. */
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = readFileSync(join(import.meta.dirname, "agent.pl"), "utf8");

/** The base is every lab's: nothing in it may be written. */
const START =
  'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t proc proc "$1/proc" && exec chroot "$1" perl -e "$2"';

/** One of them. */
export class Agent {
  readonly pid: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: Map<string, { resolve: (words: readonly string[]) => void; reject: (why: Error) => void }> =
    new Map();
  #count = 0;

  /** `base`: a tree with the programs of a host of the lab. */
  constructor(base: string) {
    this.#child = spawn("unshare", ["--net", "--mount", "sh", "-c", START, "sh", base, PROGRAM]);
    this.pid = this.#child.pid ?? 0;
    createInterface(this.#child.stdout).on("line", (line) => this.#hear(line));
    let said = "";
    this.#child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    this.#child.stdin.on("error", () => undefined); // told by the end of the program
    const end = (): void => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`an agent ended: ${said}`));
      this.#waiting.clear();
    };
    this.#child.on("close", end);
    this.#child.on("error", end);
  }

  #hear(line: string): void {
    const [verb = "", id = "", ...rest] = line.split("\t");
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (verb === "error") waiting?.reject(new Error(rest.join(" ")));
    else waiting?.resolve([verb, ...rest]);
  }

  /** An id that no other request of this agent has. */
  id(): string {
    this.#count += 1;
    return `${String(this.pid)}.${String(this.#count)}`;
  }

  /** Asks; gives the words of the answer. */
  ask(verb: string, words: readonly (string | number)[], id: string = this.id()): Promise<readonly string[]> {
    if (this.#child.exitCode !== null) return Promise.reject(new Error("the agent has ended"));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin.write(`${[verb, id, ...words].join("\t")}\n`);
    });
  }

  /** Whether the answer is `yes`, or what else it is. */
  async yes(verb: string, words: readonly (string | number)[], id?: string): Promise<string> {
    const [answer = ""] = await this.ask(verb, words, id);
    return answer;
  }

  /** Runs a shell script in the namespace; rejects with what it said when it fails. */
  async shell(script: string): Promise<void> {
    const [, code = "", hex = ""] = await this.ask("run", [Buffer.from(script).toString("hex"), "sh", "-eu"]);
    if (code !== "0") throw new Error(`exit ${code}: ${Buffer.from(hex, "hex").toString()}\n${script}`);
  }

  end(): void {
    this.#child.stdin.end();
  }
}
