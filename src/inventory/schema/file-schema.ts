import type { z } from "zod";

/**
 * The schema of one kind of file. `Fields` is what the checked file gives: the compiler holds it equal to what the
 * schema really produces. One value serves validation, types and the published JSON Schema.
 */
export interface FileSchema<Fields> {
  readonly whole: z.ZodType<Fields>;
  /** The schema of each key by itself, to keep what is right in a file that is partly wrong. */
  readonly keys: Readonly<Record<string, z.ZodType>>;
}

/** A {@link FileSchema} of a strict map. */
export function fileSchema<Shape extends z.ZodRawShape>(
  map: z.ZodObject<Shape, z.core.$strict>,
): FileSchema<z.output<z.ZodObject<Shape, z.core.$strict>>> {
  // A raw shape holds the core's view of the same schemas.
  return { whole: map, keys: map.shape as unknown as Readonly<Record<string, z.ZodType>> };
}
