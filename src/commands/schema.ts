import type { FileKind } from "../inventory/json-schema.ts";
import { jsonSchemas } from "../inventory/json-schema.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import type { Context } from "./context.ts";

/** The kinds of files a fleet has, by the word `drover schema` takes. */
export const FILE_KINDS: readonly FileKind[] = ["drover", "inventory", "app"];

/** `drover schema KIND`: prints the JSON Schema of one kind of file; it comes from the schema that validates. */
export function schemaCommand(context: Context, kind: FileKind): number {
  context.print.line(JSON.stringify(jsonSchemas()[kind], null, 2));
  return EXIT_CODE.done;
}
