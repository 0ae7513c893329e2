import type { Holder } from "../model/ports.ts";
import { parseObject } from "./json.ts";

/** Reads what a holder of the lease wrote about itself; null when it is not that. */
export function parseHolder(text: string): Holder | null {
  const value = parseObject(text);
  if (value === null) return null;
  const part = (key: string): string => {
    const member: unknown = Reflect.get(value, key);
    return typeof member === "string" ? member : "";
  };
  return { run: part("run"), operator: part("operator"), purpose: part("purpose"), since: part("since") };
}
