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
const fields = keys({
  lb: text("the name of a balancer set", APP_NAME),
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
});

type Fields = z.output<typeof fields>;

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

/** A way from a balancer set to an app: by host name and path, by a name that TLS asks for, or by a port of its own. */
export const route: z.ZodType<Route> = fields.transform((written, context): Route => {
  const kind = written.port !== undefined ? "port" : written.tls === "passthrough" ? "passthrough" : "http";
  const complain = (message: string, key?: keyof Fields): void => {
    const path = key === undefined ? [] : [key];
    context.issues.push({ code: "custom", message, input: key === undefined ? written : written[key], path });
  };
  for (const key of STRANGE[kind]) if (written[key] !== undefined) complain(`no ${key} ${CAUSE[kind]}`, key);
  if (kind === "http" && written.host === undefined && written.path === undefined) complain("a host, a path or a port");
  if (kind === "passthrough" && written.host === undefined) complain("a host beside tls: passthrough", "host");
  if (written.tls === "none" && written.redirect !== undefined) complain("no redirect beside tls: none", "redirect");
  return made(kind, written);
});

function made(kind: Route["kind"], written: Fields): Route {
  const { lb, host = [], path = "/", tls = "auto", redirect = true, port = 0, mode = "tcp", from = "anyone" } = written;
  switch (kind) {
    case "port":
      return { kind, lb, port, mode, from };
    case "passthrough":
      return { kind, lb, hosts: host };
    case "http":
      return { kind, lb, hosts: host, path, tls: tls === "passthrough" ? "auto" : tls, redirect };
  }
}
