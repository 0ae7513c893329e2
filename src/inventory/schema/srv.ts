import { z } from "zod";
import type { SrvSettings } from "../../model/fleet.ts";
import { keys, whole } from "./values.ts";

/** RFC 2782 has 0 for "hardly ever", and HAProxy takes it for "no traffic": neither is what somebody means who writes it. */
const weight = whole("a weight from 1 to 65535", 1, 65_535);

const rule = keys({
  hosts: z.string({ error: 'a selector such as "size=big"' }),
  weight,
}).transform(({ hosts: selector, weight: own }) => ({ selector, weight: own }));

/** How an app's instances are weighed in SRV answers. */
export const srv: z.ZodType<SrvSettings> = keys({
  weight: weight.default(1),
  weights: z.array(rule, { error: "a list of {hosts: SELECTOR, weight: WEIGHT}" }).prefault([]),
}).prefault({});
