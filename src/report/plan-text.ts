import type { Batch, DnsPart, FirewallPart, Plan, Stage } from "../model/plan.ts";
import { printable, several, span } from "./words.ts";

/** The head of a plan: what, why, in which portions, and what stays available throughout. */
export function planLines(plan: Plan): readonly string[] {
  return [printable(title(plan)), ...plan.reasons.map((reason) => `  ${printable(reason)}`), ...portions(plan)];
}

/** The head of a run that takes a rollout back. */
export function backLine(plan: Plan): string {
  return `putting back what "${printable(title(plan))}" changed`;
}

/** The whole plan: its head, then every step in order. */
export function fullPlanLines(plan: Plan): readonly string[] {
  return [
    ...planLines(plan),
    ...prologueLines(plan),
    ...plan.batches.flatMap((batch, index) => batchLines(batch, index, plan.batches.length)),
    ...section("at the end", plan.epilogue),
  ];
}

const PART_WORDS: Readonly<Record<FirewallPart, string>> = {
  release: "what released addresses were let in for is taken away",
  expand: "what is new passes, what was changed by hand is put right, nothing is taken away yet",
  "contract-out": "what is not wanted any more is taken away where it comes from",
  "contract-in": "what is not wanted any more is taken away",
  settle: "flows that changed sides are let pass",
  remove: "drover's rules are taken away; these hosts refuse nothing any more",
};

const DNS_WORDS: Readonly<Record<DnsPart, string>> = {
  servers: "the servers of the zone",
  names: "the hosts' addresses",
  resolvers: "how hosts find names of the zone",
  farewell: "what nobody needs any more is taken away",
  adopt: "records are taken over as they are; no answer changes",
  gc: "what drover wrote and nobody wants any more is taken out",
};

function title(plan: Plan): string {
  if (plan.move !== undefined) return `${plan.move.to === "out" ? "drain" : "undrain"} ${plan.move.host}`;
  if (plan.firewall !== undefined) return `firewall: ${PART_WORDS[plan.firewall]}`;
  if (plan.dns !== undefined) return `DNS: ${DNS_WORDS[plan.dns]}`;
  if (plan.app === null) return "balancers: configuration";
  if (plan.from === null && plan.to === null) return `${plan.app}: what is left of it goes`;
  if (plan.from === null) return `${plan.app}: first deployment of ${plan.to ?? "nothing"}`;
  if (plan.to === null) return `${plan.app}: leaves the fleet`;
  return plan.from === plan.to ? `${plan.app} ${plan.to}` : `${plan.app}: ${plan.from} → ${plan.to}`;
}

function portions(plan: Plan): readonly string[] {
  const lanes = plan.batches.flat();
  if (lanes.length === 0 || plan.firewall !== undefined) return [];
  const largest = Math.max(...plan.batches.map((batch) => batch.length));
  const order = lanes.map((lane) => (lane.wasReady ? lane.host : `${lane.host} (not ready now)`)).join(", ");
  return [
    `  ${several(lanes.length, "host")}, ${String(largest)} at a time, at least ${String(plan.budget.minAvailable)} stay ready: ${order}`,
  ];
}

/** Firewalls and DNS servers change host by host: which one goes first, and who goes together, is what one wants to know of them. */
function prologueLines({ move, firewall, dns, prologue }: Plan): readonly string[] {
  if (firewall !== undefined || dns !== undefined) {
    return prologue.flatMap((stage, index) => section(index === 0 ? "first" : "then", [stage]));
  }
  return section(move === undefined ? "before any instance that serves is touched" : "all or nothing", prologue);
}

function section(name: string, stages: readonly Stage[]): readonly string[] {
  return stages.length === 0
    ? []
    : [`  ${name}`, ...stages.flat().map((step) => stepLine(step.host, step.says, step.deadline))];
}

function batchLines(batch: Batch, index: number, count: number): readonly string[] {
  const head = `  batch ${String(index + 1)} of ${String(count)}`;
  return [
    head,
    ...batch.flatMap((lane) => lane.stages.flat().map((step) => stepLine(step.host, step.says, step.deadline))),
  ];
}

function stepLine(host: string | null, says: string, deadline: number): string {
  return `    ${(host ?? "here").padEnd(6)} ${printable(says)} (at most ${span(deadline)})`;
}
