import type { FirewallDebt, FirewallLedger } from "../model/firewall.ts";
import { parseObject } from "./json.ts";

/** Reads what is remembered of the firewall; null when it is not that. */
export function parseLedger(text: string): FirewallLedger | null {
  const value = parseObject(text);
  if (value === null) return null;
  const owners = parseOwners(Reflect.get(value, "owners"));
  const debts = parseDebts(Reflect.get(value, "debts"));
  return owners === null || debts === null ? null : { owners, debts };
}

function parseOwners(value: unknown): Readonly<Record<string, string>> | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const entries: (readonly [string, string])[] = [];
  for (const [address, host] of Object.entries(value)) {
    if (typeof host !== "string") return null;
    entries.push([address, host]);
  }
  return Object.fromEntries(entries);
}

function parseDebts(value: unknown): readonly FirewallDebt[] | null {
  if (!Array.isArray(value)) return null;
  const debts = value.map(parseDebt);
  return debts.every((debt) => debt !== null) ? debts : null;
}

function parseDebt(value: unknown): FirewallDebt | null {
  if (typeof value !== "object" || value === null) return null;
  const host: unknown = Reflect.get(value, "host");
  const address: unknown = Reflect.get(value, "address");
  const formerly: unknown = Reflect.get(value, "formerly");
  const since: unknown = Reflect.get(value, "since");
  if (typeof host !== "string" || typeof address !== "string") return null;
  if (typeof formerly !== "string" || typeof since !== "string") return null;
  return { host, address, formerly, since };
}
