import { DroverError, failure } from "../model/errors.ts";
import type { SecretSource } from "../model/fleet.ts";
import type { Context } from "./context.ts";

/** Reads a secret where the files say it is. `what` names it in messages. Throws a DroverError. */
export async function secretBytes(context: Context, what: string, source: SecretSource): Promise<Uint8Array> {
  if (source.kind === "file") {
    const bytes = await context.files.read(source.path);
    if (bytes === null) throw new DroverError(failure("secret", `${what}: the file ${source.path} is not there`));
    return bytes;
  }
  const limits = { deadline: 60_000, signal: context.interrupts.stop };
  const ran = await context.files.run(source.argv, limits);
  if (ran.code === 0) return ran.stdout;
  // What the program printed may be the secret itself, so only its name and exit code are told.
  throw new DroverError(failure("secret", `${what}: ${source.argv[0] ?? ""} ended with exit code ${String(ran.code)}`));
}
