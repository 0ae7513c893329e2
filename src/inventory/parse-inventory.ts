import { isRecord, valueAt } from "./data.ts";
import { decodeFile, decodeKeys, isRefused } from "./decode.ts";
import type { HostDraft, HostDrafts } from "./drafts.ts";
import { HOST_NAME } from "./names.ts";
import { hostSchema, inventorySchema } from "./schema/inventory.ts";
import { readYaml } from "./yaml.ts";

/** Reads one inventory file. Hosts keep the file's order. Never throws. */
export function parseInventory(file: string, text: string): HostDrafts {
  const yaml = readYaml(file, text);
  const { diagnostics } = decodeFile(inventorySchema, yaml);
  const map = valueAt(yaml.value, ["hosts"]);
  const names = isRecord(map) ? Object.keys(map) : [];
  const hosts = names
    .filter((name) => HOST_NAME.test(name))
    .map((name): HostDraft => {
      const path = ["hosts", name];
      const fields = decodeKeys(hostSchema, yaml, path);
      const tags = hasStrayKey(valueAt(yaml.value, path)) ? null : (fields.tags ?? null);
      return { at: { file: yaml, path }, name, addresses: fields.address ?? null, tags };
    });
  const complete =
    isRecord(map) &&
    !isRefused(yaml, ["hosts"]) &&
    hosts.length === names.length &&
    hosts.every(({ tags }) => tags !== null);
  return { hosts, complete, diagnostics };
}

/** True when `tags:` may be what a misspelt key meant: then nothing is known about them. */
function hasStrayKey(host: unknown): boolean {
  return isRecord(host) && !Object.hasOwn(host, "tags") && Object.keys(host).some((key) => !(key in hostSchema.keys));
}
