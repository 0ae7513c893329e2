import type { HostDrain } from "../model/ports.ts";
import { parseObject } from "./json.ts";

/** Reads what is recorded of a drained host; null when it is not that. */
export function parseDrain(text: string): HostDrain | null {
  const value = parseObject(text);
  if (value === null) return null;
  const reason: unknown = Reflect.get(value, "reason");
  const operator: unknown = Reflect.get(value, "operator");
  const since: unknown = Reflect.get(value, "since");
  if (typeof reason !== "string" || typeof operator !== "string" || typeof since !== "string") return null;
  return { reason, operator, since };
}
