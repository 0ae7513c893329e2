import type { z } from "zod";
import type { Balancing } from "../../model/fleet.ts";
import { formatDuration } from "../durations.ts";
import { DEFAULT_BALANCING } from "./defaults.ts";
import { headers } from "./headers.ts";
import { connections, maxAge, yesOrNo } from "./settings.ts";
import { duration, keys, oneOf } from "./values.ts";

/** A time that the balancer set gives where the app does not. */
const time = duration(1)
  .optional()
  .transform((milliseconds) => milliseconds ?? null);

/** How balancers treat an app's traffic. */
export const balancing: z.ZodType<Balancing> = keys({
  algorithm: oneOf(["roundrobin", "leastconn"]).default(DEFAULT_BALANCING.algorithm),
  maxConnections: connections(DEFAULT_BALANCING.maxConnections),
  slowStart: duration(0).prefault(formatDuration(DEFAULT_BALANCING.slowStart)),
  timeouts: keys({ connect: time, server: time, queue: time, tunnel: time }).prefault({}),
  headers: keys({ request: headers.default({}), response: headers.default({}) }).prefault({}),
  hsts: maxAge()
    .optional()
    .transform((seconds) => seconds ?? null),
  log: yesOrNo(DEFAULT_BALANCING.log),
}).prefault({});
