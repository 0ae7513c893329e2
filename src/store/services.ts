import type { ServiceLedger } from "../model/discovery.ts";
import { parseObject } from "./json.ts";

type Entry = ServiceLedger["entries"][number];

/** Reads which names drover may have written in which zone; null when it is not that. */
export function parseServices(text: string): ServiceLedger | null {
  const value = parseObject(text);
  const list: unknown = value === null ? null : Reflect.get(value, "entries");
  if (!Array.isArray(list)) return null;
  const entries = list.map(parseEntry);
  return entries.every((entry) => entry !== null) ? { entries } : null;
}

function parseEntry(value: unknown): Entry | null {
  if (typeof value !== "object" || value === null) return null;
  const zone: unknown = Reflect.get(value, "zone");
  const kind: unknown = Reflect.get(value, "kind");
  const name: unknown = Reflect.get(value, "name");
  if (typeof zone !== "string" || typeof name !== "string") return null;
  return kind === "app" || kind === "host" ? { zone, kind, name } : null;
}
