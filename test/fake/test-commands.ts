import { sha256 } from "../../src/model/hash.ts";
import type { FakeCall, FakeFleet, FakeOutput, FakeProgram, Interpreter } from "./transport.ts";
import { FakeExit } from "./host.ts";

/** Teaches a fake fleet the contract's own commands (test/contract/support/commands.ts). */
export function addTestCommands(fleet: FakeFleet): void {
  for (const [name, interpret] of Object.entries(interpreters)) fleet.interpreters.set(name, interpret);
  fleet.programs.set("test.shout", shout);
}

const interpreters: Readonly<Record<string, Interpreter>> = {
  "test.echo-args": ({ args }) => ({ stdout: args.map((arg) => `${arg}\0`).join("") }),
  "test.exit": ({ args }) => ({ stdout: "out\n", stderr: "err\n", code: Number(args[0]) }),
  "test.sleep": sleep,
  "test.hex-frames": ({ frames }) => ({
    stdout: frames.map((bytes) => `${Buffer.from(bytes).toString("hex")}\n`).join(""),
  }),
  "test.write": write,
  "test.look": look,
};

async function sleep({ args, clock, signal }: FakeCall): Promise<FakeOutput> {
  await clock.sleep(Number(args[0]) * 1000, signal);
  return { stdout: "woke\n" };
}

function write({ host, args, frames, signal }: FakeCall): FakeOutput {
  const [path = "", mode = "", owner = ""] = args;
  // What was cut off in the middle of its input has written nothing.
  if (signal.aborted || frames[0] === undefined) throw new FakeExit(74, "input ended early");
  host.put(path, frames[0], mode, owner);
  return {};
}

function look({ host, args }: FakeCall): FakeOutput {
  const file = host.files.get(args[0] ?? "");
  if (file === undefined) return { stdout: "absent\n" };
  const owner = file.owner.includes(":") ? file.owner : `${file.owner}:${file.owner}`;
  return { stdout: `${file.mode} ${owner}\n${sha256(file.bytes)}\n` };
}

function shout({ args, clock, signal }: FakeCall): FakeProgram {
  if (args[0] === "no") throw new FakeExit(9, "it did not start");
  return {
    greeting: args[0] ?? "",
    async answer(text) {
      if (text === "die") return null;
      if (text === "slow") await clock.sleep(300, signal);
      return text.toUpperCase();
    },
  };
}
