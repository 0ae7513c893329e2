import type { Context } from "../../src/commands/context.ts";
import { apply, FakeWorld, Process } from "./fake-world.ts";

/** What a command said: its exit code, all its lines as one text, and its process. */
export interface Said {
  readonly code: number | null;
  readonly text: string;
  readonly process: Process;
}

/** Runs a command in a world, with text or JSON as its output. */
export async function say(
  world: FakeWorld,
  command: (context: Context) => Promise<number>,
  options: Partial<Context["options"]> = {},
): Promise<Said> {
  const process = new Process();
  const code = await world.run(
    (context) => command({ ...context, options: { ...context.options, ...options } }),
    process,
  );
  return { code, text: process.lines.join("\n"), process };
}

/** A fleet that runs shop 1.0 on three hosts, and tells of it in a zone of two servers. */
export async function published(settings = ""): Promise<FakeWorld> {
  const world = new FakeWorld("1.0", "minHealthyTime: 1s, healthyDeadline: 30s, drainTimeout: 5s");
  world.publish(settings);
  const { code, text } = await say(world, apply);
  if (code !== 0) throw new Error(text);
  return world;
}
