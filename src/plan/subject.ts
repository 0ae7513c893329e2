import type { Plan } from "../model/plan.ts";

/** What a plan is about, in words for a sentence: an app's name, or which part of the fleet. */
export function planSubject({ app, firewall, dns, move }: Pick<Plan, "app" | "firewall" | "dns" | "move">): string {
  if (app !== null) return app;
  if (dns !== undefined) return "DNS";
  if (firewall !== undefined) return "the firewall";
  return move === undefined ? "the balancers" : move.host;
}
