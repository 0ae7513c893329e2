import { z } from "zod";
import type { Health } from "../../model/fleet.ts";
import { CHECK_PATH } from "../names.ts";
import { duration, keys, text, whole } from "./values.ts";

/** The `health:` keys; without a probe the port decides (see parse-app.ts). */
export type HealthFields = Omit<Health, "probe"> & { readonly probe: Health["probe"] | null };

const threshold = whole("a whole number from 1 to 100", 1, 100);

/** How an instance proves that it is healthy. */
export const health: z.ZodType<HealthFields> = keys({
  http: text('a path starting with "/"', CHECK_PATH).optional(),
  tcp: z.literal(true, { error: "true" }).optional(),
  interval: duration(1).prefault("1s"),
  timeout: duration(1).prefault("2s"),
  successThreshold: threshold.default(3),
  failureThreshold: threshold.default(3),
})
  .transform(({ http, tcp, ...rest }, context): HealthFields => {
    if (http !== undefined && tcp !== undefined)
      context.issues.push({ code: "custom", message: "either http or tcp", input: http, path: ["tcp"] });
    if (http !== undefined) return { ...rest, probe: { kind: "http", path: http } };
    return { ...rest, probe: tcp === true ? { kind: "tcp" } : null };
  })
  .prefault({});
