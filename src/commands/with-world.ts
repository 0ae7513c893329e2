import { DroverError } from "../model/errors.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import type { Connected } from "./survey.ts";
import { tellFailure } from "./tell.ts";

/** Connects to a fleet for as long as `use` takes; what it throws as a DroverError is told and becomes the exit code. */
export async function withWorld(
  context: Context,
  files: FleetFiles,
  use: (connected: Connected) => Promise<number>,
): Promise<number> {
  const world = context.connect(files.fleet);
  try {
    return await use({ ...files, ...world });
  } catch (error) {
    if (error instanceof DroverError) return tellFailure(context, error.failure);
    throw error;
  } finally {
    await Promise.all([world.transport.close(), world.dns.close()]);
  }
}
