import { z } from "zod";
import type { SecretSource } from "../../model/fleet.ts";
import { anyText, keys } from "./values.ts";

const argv = z.array(anyText("a word"), { error: "a list [PROGRAM, ARGUMENT, …]" }).min(1, { error: "a program" });

/** Where bytes come from that nobody else may see: a file, or what a program prints. */
export const secretSource: z.ZodType<SecretSource> = z.union(
  [
    keys({ file: anyText("a file") }).transform(({ file }): SecretSource => ({ kind: "file", path: file })),
    keys({ command: argv }).transform(({ command }): SecretSource => ({ kind: "command", argv: command })),
  ],
  { error: "{file: PATH} or {command: [PROGRAM, ARGUMENT, …]}" },
);
