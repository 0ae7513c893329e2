import { z } from "zod";
import type { FirewallSettings, Policy } from "../../model/policy.ts";
import { compareText } from "../diagnostics.ts";
import { POLICY_NAME } from "../names.ts";
import { network, peers, policy } from "./policies.ts";
import { yesOrNo } from "./settings.ts";
import { durationWithin, keys, text } from "./values.ts";

const SHORTEST_CONFIRM = 5_000;
const LONGEST_CONFIRM = 600_000;

const policies = z
  .record(text("a name of lower-case letters, digits and dashes, at most 40", POLICY_NAME), policy, {
    error: "a map of policies",
  })
  .prefault({})
  .transform((written): readonly Policy[] =>
    Object.entries(written)
      .map(([name, rest]) => ({ name, ...rest }))
      .toSorted((left, right) => compareText(left.name, right.name)),
  );

/** The `firewall:` block; null where there is none, and firewalls are left alone. */
export const firewall: z.ZodType<FirewallSettings | null> = keys({
  admin: z
    .array(network, { error: "a list of networks that operators come from" })
    .min(1, { error: "at least one network that operators come from" }),
  metrics: peers.prefault([]),
  confirm: durationWithin(SHORTEST_CONFIRM, LONGEST_CONFIRM).prefault("60s"),
  sever: yesOrNo(false),
  log: yesOrNo(true),
  policies,
})
  .optional()
  .transform((written) => written ?? null);
