import type { FirewallModel } from "../model/firewall.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import { addressesByHost } from "../firewall/addresses.ts";
import type { FirewallFacts } from "../firewall/facts.ts";
import { checkPasses } from "../firewall/invariants.ts";
import { allowanceOf, permits } from "../firewall/regions.ts";
import type { FirewallPass } from "../firewall/transition.ts";
import type { FirewallTargets } from "./firewall-targets.ts";
import { firewallOf } from "./firewall-targets.ts";
import type { PlanInput } from "./input.ts";

/** All that a command would do to firewalls. */
export interface Intent {
  readonly targets: FirewallTargets;
  readonly passes: readonly FirewallPass[];
  /** What hosts get besides the passes: repairs, and what is taken away early. */
  readonly further: readonly ReadonlyMap<string, FirewallModel>[];
  readonly input: PlanInput;
}

/** What stands in the way of a change: on the hosts it touches, and in the change itself. */
export function changeProblems({ targets, passes, further, input }: Intent): readonly Failure[] {
  const models = [...passes.map((pass) => pass.targets), ...further].flatMap((each) => [...each]);
  const hosts = [...new Set(models.map(([host]) => host))];
  return [
    ...hosts.flatMap((host) => {
      const facts = firewallOf(host, input);
      return facts === null ? [] : firewallProblems(host, facts);
    }),
    ...new Map(
      models.flatMap(([host, model]) => {
        const facts = firewallOf(host, input);
        return (facts === null ? [] : shutOut(host, model, facts)).map(
          (problem) => [problem.message, problem] as const,
        );
      }),
    ).values(),
    ...unsafe(targets, passes, input),
  ];
}

/** DESIGN §4 (2): no flow allowed before and after is ever cut, none is opened that neither side allows. */
function unsafe(targets: FirewallTargets, passes: readonly FirewallPass[], input: PlanInput): readonly Failure[] {
  const found = checkPasses({ ...targets, addresses: addressesByHost(input.topology) }, passes);
  if (found === null) return [];
  return [
    failure("unsafe-plan", `the firewall: the plan is not safe: ${found}`, "nothing was changed; please report this"),
  ];
}

/** What keeps drover from changing a host's firewall: programs it lacks, and others that rule it. */
function firewallProblems(host: string, { stable }: FirewallFacts): readonly Failure[] {
  const { missing, rivals } = stable;
  const lacking =
    missing.length === 0
      ? []
      : [
          failure(
            "package-missing",
            `${host} lacks what its firewall takes: ${missing.join(", ")}`,
            `on ${host}: apt-get install ${missing.join(" ")}`,
          ),
        ];
  return [
    ...lacking,
    ...rivals.map((rival) =>
      failure(
        "firewall-rival",
        `${host}: ${rival}; two that rule one packet filter undo each other`,
        "take one of the two away, or leave this fleet's firewall to the other: no `firewall:` block",
      ),
    ),
  ];
}

/** A change that would refuse the next connection of whoever asks for it is refused itself (DESIGN §4 (5)). */
function shutOut(host: string, model: FirewallModel, { live }: FirewallFacts): readonly Failure[] {
  if (live.operator === null) {
    const what = `${host} could not tell from which address drover comes, so nobody knows whether it would still let it in`;
    return [failure("shut-out", what, `look there: echo $SSH_CONNECTION`)];
  }
  const { from, to, port } = live.operator;
  // What a host says to itself goes over the loopback, which no rule closes.
  if (from === to || permits(allowanceOf(model.rules, "in"), { protocol: "tcp", port, address: from })) return [];
  return [
    failure(
      "shut-out",
      `${host} would refuse you: you come from ${from} to port ${String(port)}, which no rule lets in`,
      `name your address in drover.yaml: firewall: {admin: [${from}]}`,
    ),
  ];
}
