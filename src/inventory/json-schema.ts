import { z } from "zod";
import { appSchema } from "./schema/app.ts";
import { droverSchema } from "./schema/drover.ts";
import { inventorySchema } from "./schema/inventory.ts";

/** The kinds of fleet files. */
export type FileKind = "drover" | "inventory" | "app";

/**
 * The JSON Schema (2020-12) of each kind of file, made from the very schemas that validate: what `drover schema`
 * prints. What needs more than one value to judge (selectors, words, deadlines) is not in it.
 */
export function jsonSchemas(): Readonly<Record<FileKind, object>> {
  return {
    drover: published(droverSchema.whole, "drover.yaml: the fleet"),
    inventory: published(inventorySchema.whole, "inventory.yaml: hosts and tags"),
    app: published(appSchema.whole, "apps/NAME.yaml: an app"),
  };
}

/** `io: "input"` describes what a person writes, before defaults and units are worked out. */
function published(schema: z.ZodType, title: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input", target: "draft-2020-12" });
  return { $schema, title, ...rest };
}
