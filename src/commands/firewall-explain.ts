import { desiredFirewall } from "../firewall/desired.ts";
import type { FirewallAnswer, FirewallExplanation, FirewallQuestion } from "../firewall/explain.ts";
import { explain } from "../firewall/explain.ts";
import { formatPlace } from "../inventory/diagnostics.ts";
import type { EndVerdict, FirewallRule } from "../model/firewall.ts";
import type { Fleet } from "../model/fleet.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import type { ExplainedFlow, ExplainedRule, Explanation } from "../report/firewall-explain.ts";
import { explanationLines } from "../report/firewall-explain.ts";
import type { Context } from "./context.ts";
import { questionProblem, unknownName } from "./firewall-names.ts";
import { readFleet } from "./fleet-files.ts";
import { tellFailure } from "./tell.ts";

/**
 * `drover firewall explain SRC DST PORT`: whether it passes, and by which rule, as the files say it. Touches no host. The
 * question was answered either way, so the exit code is 0 either way.
 */
export async function firewallExplainCommand(context: Context, question: FirewallQuestion): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const { fleet, topology } = files;
  const problem = questionProblem(topology, question);
  if (problem !== null) return tellFailure(context, problem);
  const answer = explain(question, topology, desiredFirewall(topology));
  if (answer.kind !== "answers") return tellFailure(context, unknownName(topology, answer));
  const explanation = explanationOf(question, answer, fleet);
  if (context.options.output === "json") context.print.line(JSON.stringify(explanation));
  else for (const line of explanationLines(explanation)) context.print.line(line);
  return EXIT_CODE.done;
}

type Answers = Extract<FirewallExplanation, { readonly kind: "answers" }>;

function explanationOf(question: FirewallQuestion, { answers, nameless, apart }: Answers, fleet: Fleet): Explanation {
  const alike = Map.groupBy(answers, ({ source, destination, protocol, port }) =>
    JSON.stringify([source.host ?? source.addresses, destination.host ?? destination.addresses, protocol, port]),
  );
  const flows = [...alike.values()].flatMap((same) =>
    same.map((answer) => flowOf(answer, { isDivided: same.length > 1, places: fleet.rulePlaces })),
  );
  return {
    ...question,
    managed: fleet.firewall !== null,
    allowed: flows.length > 0 && flows.every(({ allowed }) => allowed),
    flows,
    nameless,
    apart: apart.map(({ source, destination }) => `${source} → ${destination}`),
  };
}

/** `isDivided`: its hosts' addresses are not treated alike, and have to be told apart. */
function flowOf(
  { source, destination, protocol, port, allowed, leaving, entering }: FirewallAnswer,
  { isDivided, places }: { readonly isDivided: boolean; readonly places: Fleet["rulePlaces"] },
): ExplainedFlow {
  const nameOf = ({ host, addresses }: FirewallAnswer["source"]): string => {
    const all = addresses.join(" ");
    return host === null ? all : isDivided ? `${host} (${all})` : host;
  };
  return {
    source: nameOf(source),
    destination: nameOf(destination),
    port: `${protocol}/${String(port)}`,
    allowed,
    loopback: leaving.kind === "self",
    egress: endOf(leaving, places),
    ingress: endOf(entering, places),
  };
}

function endOf(verdict: EndVerdict<FirewallRule>, places: Fleet["rulePlaces"]): EndVerdict<ExplainedRule> {
  if (verdict.kind !== "allowed") return { kind: verdict.kind };
  const sources = new Map(
    verdict.rules.map(({ direction, source }) => {
      const place = places[`${direction} ${source}`];
      return [source, { source, place: place === undefined ? null : formatPlace(place) }];
    }),
  );
  return { kind: "allowed", rules: [...sources.values()] };
}
