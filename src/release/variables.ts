import type { App } from "../model/fleet.ts";

/** `orders-db` is `ORDERS_DB_SRV`: a variable of the environment may hold no dash. */
function variableName(app: string): string {
  return `${app.replaceAll("-", "_").toUpperCase()}_SRV`;
}

/**
 * Where an app finds those it talks to: `ORDERS_SRV=_orders._tcp.<zone>` for each, unless its own file says that variable
 * itself. None without a zone (null). An app that is talked to has a port, or its file is refused.
 */
export function srvVariables(app: Pick<App, "talksTo" | "env">, zone: string | null): Readonly<Record<string, string>> {
  if (zone === null) return {};
  const all = app.talksTo.map((name): [string, string] => [variableName(name), `_${name}._tcp.${zone}`]);
  return Object.fromEntries(all.filter(([name]) => !Object.hasOwn(app.env, name)));
}
