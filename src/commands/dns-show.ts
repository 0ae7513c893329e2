import { failure } from "../model/errors.ts";
import { suggest } from "../inventory/suggest.ts";
import type { ZoneAccount } from "../plan/verify/dns-account.ts";
import { zoneAccount } from "../plan/verify/dns-account.ts";
import type { DnsShow } from "../report/dns-show.ts";
import { dnsShowCode, dnsShowLines } from "../report/dns-show.ts";
import type { Context } from "./context.ts";
import { withZone } from "./dns-zone.ts";
import { tellFailure } from "./tell.ts";

/** `drover dns show [APP]`: what should be in the zone, and what each of its servers says. Changes nothing. */
export async function dnsShowCommand(context: Context, app: string | undefined): Promise<number> {
  return await withZone(context, async (looked) => {
    const account = zoneAccount(looked);
    if (app !== undefined && !account.apps.some((each) => each.app === app)) {
      const isApp = looked.topology.apps.some(({ name }) => name === app);
      return isApp ? withoutPort(context, app) : unknownApp(context, app, account);
    }
    const silent = looked.state.kind === "unknown" ? [looked.state.why] : [];
    const show: DnsShow = { ...(app === undefined ? account : only(app, account)), unknown: silent };
    if (context.options.output === "json") context.print.line(JSON.stringify(show));
    else for (const line of dnsShowLines(show)) context.print.line(line);
    return dnsShowCode(show);
  });
}

/** One app, with the hosts it is on. */
function only(app: string, { apps, hosts, ...rest }: ZoneAccount): ZoneAccount {
  const own = apps.filter((each) => each.app === app);
  const named = new Set(own.flatMap(({ sets }) => sets.flatMap(({ rows }) => rows.map(({ who }) => who))));
  return { ...rest, apps: own, hosts: hosts.filter(({ who }) => named.has(who)) };
}

function withoutPort(context: Context, app: string): number {
  const says = `${app} has no port, and so no place in DNS`;
  return tellFailure(context, failure("usage", says, "give it port: or ports: in its file"));
}

function unknownApp(context: Context, app: string, { apps }: ZoneAccount): number {
  const names = apps.map((each) => each.app);
  const near = suggest(app, names);
  const hint = near === null ? `those in DNS are: ${names.join(", ")}` : `did you mean ${near}?`;
  return tellFailure(context, failure("usage", `there is no app ${JSON.stringify(app)}`, hint));
}
