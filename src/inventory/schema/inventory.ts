import { z } from "zod";
import { HOST_NAME, TAG_KEY, TAG_VALUE } from "../names.ts";
import { addresses } from "./addresses.ts";
import type { FileSchema } from "./file-schema.ts";
import { fileSchema } from "./file-schema.ts";
import { keys, text } from "./values.ts";

/** What the inventory says about one host. */
export interface HostFields {
  /** Canonical, in the order of the file; at least one. */
  address: readonly string[];
  tags: Record<string, string>;
}

/** What an inventory file says. */
export interface InventoryFields {
  hosts: Record<string, HostFields>;
}

const tags = z
  .record(
    text('a tag of letters, digits, dots, dashes and underscores, with an optional prefix and "/"', TAG_KEY),
    text("a string of at most 63 letters, digits, dots, dashes and underscores", TAG_VALUE),
    { error: "a map of tags" },
  )
  .default({});

const host = keys({
  address: addresses,
  tags,
});

/** One host of an inventory file. */
export const hostSchema: FileSchema<HostFields> = fileSchema(host);

/** An inventory file: hosts and their tags. */
export const inventorySchema: FileSchema<InventoryFields> = fileSchema(
  keys({
    hosts: z.record(
      text("a host name of lower-case letters, digits, dots and dashes, at least one of them a letter", HOST_NAME),
      host,
      { error: "a map of hosts" },
    ),
  }),
);
