import { gather } from "../exec/gather.ts";
import { desiredFirewall } from "../firewall/desired.ts";
import { firewallFact } from "../firewall/facts.ts";
import { readFact } from "../plan/observe.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { firewallShowCode, firewallShowLines } from "../report/firewall-show.ts";
import type { Context } from "./context.ts";
import { firewallShowOf } from "./firewall-told.ts";
import { readFleet } from "./fleet-files.ts";
import { unknownHost } from "./move-host.ts";
import { withWorld } from "./with-world.ts";

/** `drover firewall show HOST`: what is in force there, in words, and what differs. Asks that host alone; changes nothing. */
export async function firewallShowCommand(context: Context, host: string): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const { topology } = files;
  if (!topology.hosts.some(({ name }) => name === host)) return unknownHost(context, host, topology);
  return await withWorld(context, files, async ({ transport }) => {
    const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
    const fact = firewallFact(true);
    const observation = await gather(host, [fact], transport, limits);
    const desired = desiredFirewall(topology).get(host) ?? null;
    const show = firewallShowOf(files, { host, facts: readFact(fact, host, observation), desired });
    if (context.options.output === "json") context.print.line(JSON.stringify(show));
    else for (const line of firewallShowLines(show)) context.print.line(line);
    return firewallShowCode(show);
  });
}
