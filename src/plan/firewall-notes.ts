import { firewallOf } from "./firewall-targets.ts";
import type { PlanInput } from "./input.ts";

/** Rules of others that decide before drover's do: drover reports them and leaves them alone. */
export function firewallNotes(input: PlanInput): readonly string[] {
  if (input.topology.firewall === null) return [];
  return input.topology.hosts.flatMap(({ name }) => {
    const live = firewallOf(name, input)?.live;
    if (live === undefined) return [];
    return [
      ...live.ahead.map((rule) => `${name}: a rule of somebody else decides before drover's: ${rule}`),
      ...live.published.map((port) => `${name}: Docker publishes ${port}, past drover's rules`),
    ];
  });
}
