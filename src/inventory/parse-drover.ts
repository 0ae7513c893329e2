import { decodeFile } from "./decode.ts";
import type { DroverDraft } from "./drafts.ts";
import { droverSchema } from "./schema/drover.ts";
import { readYaml } from "./yaml.ts";

/** Reads `drover.yaml`: its fields say which inventory sources and which folder of apps to read next. Never throws. */
export function parseFleetFile(file: string, text: string): DroverDraft {
  const yaml = readYaml(file, text);
  const { draft, diagnostics } = decodeFile(droverSchema, yaml);
  return { file: yaml, fields: draft, diagnostics };
}
