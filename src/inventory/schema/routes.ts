import { z } from "zod";
import type { Route } from "../../model/fleet.ts";
import { APP_NAME, ROUTE_HOST, ROUTE_PATH } from "../names.ts";
import { oneOrMore } from "./addresses.ts";
import { freePort } from "./settings.ts";
import { keys, oneOf, text } from "./values.ts";

const expectedHost = 'a lower-case host name without port, such as "shop.test" or "*.shop.test"';
const hosts = oneOrMore(`${expectedHost}, or a list of them`, text(expectedHost, ROUTE_HOST)).superRefine(
  (list, context) => {
    list.forEach((host, index) => {
      if (list.indexOf(host) !== index) context.addIssue({ code: "custom", message: "each host once", path: [index] });
    });
  },
);

// Defaults are published only: whether a key is there at all decides what kind of route it is.
const shape = {
  host: hosts.optional(),
  path: text(
    'a path starting with "/", of letters, digits and -._~@:+ between single slashes, and none at the end',
    ROUTE_PATH,
  )
    .optional()
    .meta({ default: "/" }),
  tls: oneOf(["terminate", "none", "passthrough"]).optional(),
  redirect: z.boolean({ error: "true or false" }).optional().meta({ default: true }),
  port: freePort().optional(),
  mode: oneOf(["tcp", "http"]).optional().meta({ default: "tcp" }),
  from: oneOf(["anyone", "fleet"]).optional().meta({ default: "anyone" }),
};

const ownFields = keys(shape);
const fields = keys({ lb: text("the name of a balancer set", APP_NAME), ...shape });

type Fields = z.output<typeof ownFields>;

/** Each kind of route without its balancer set. */
type WithoutSet<Kind> = Kind extends Route ? Omit<Kind, "lb"> : never;

/** A route of what a balancer set itself follows: the set is the one it is written in. */
export type OwnRoute = WithoutSet<Route>;

/** What each kind of route has no use for. */
const STRANGE: Readonly<Record<Route["kind"], readonly (keyof Fields)[]>> = {
  port: ["host", "path", "tls", "redirect"],
  passthrough: ["path", "redirect", "mode", "from"],
  http: ["mode", "from"],
};

/** What makes it a route of that kind, for messages. */
const CAUSE: Readonly<Record<Route["kind"], string>> = {
  port: "beside port",
  passthrough: "beside tls: passthrough",
  http: "without port",
};

/** What is wrong with a route by itself. */
function misfitsOf(kind: Route["kind"], written: Fields): readonly { message: string; key?: keyof Fields }[] {
  return [
    ...STRANGE[kind]
      .filter((key) => written[key] !== undefined)
      .map((key) => ({ message: `no ${key} ${CAUSE[kind]}`, key })),
    ...(kind === "http" && written.host === undefined && written.path === undefined
      ? [{ message: "a host, a path or a port" }]
      : []),
    ...(kind === "passthrough" && written.host === undefined
      ? [{ message: "a host beside tls: passthrough", key: "host" as const }]
      : []),
    ...(written.tls === "none" && written.redirect !== undefined
      ? [{ message: "no redirect beside tls: none", key: "redirect" as const }]
      : []),
  ];
}

function checked(written: Fields, issues: z.core.$ZodRawIssue[]): OwnRoute {
  const kind = written.port !== undefined ? "port" : written.tls === "passthrough" ? "passthrough" : "http";
  for (const { message, key } of misfitsOf(kind, written)) {
    const at = key === undefined ? { input: written, path: [] } : { input: written[key], path: [key] };
    issues.push({ code: "custom", message, ...at });
  }
  return made(kind, written);
}

/** A way from a balancer set to an app: by host name and path, by a name that TLS asks for, or by a port of its own. */
export const route: z.ZodType<Route> = fields.transform(({ lb, ...written }, context): Route => ({
  ...checked(written, context.issues),
  lb,
}));

/** A way to what a balancer set follows. */
export const ownRoute: z.ZodType<OwnRoute> = ownFields.transform((written, context) =>
  checked(written, context.issues),
);

function made(kind: Route["kind"], written: Fields): OwnRoute {
  const { host = [], path = "/", tls = "auto", redirect = true, port = 0, mode = "tcp", from = "anyone" } = written;
  switch (kind) {
    case "port":
      return { kind, port, mode, from };
    case "passthrough":
      return { kind, hosts: host };
    case "http":
      return { kind, hosts: host, path, tls: tls === "passthrough" ? "auto" : tls, redirect };
  }
}
