import { z } from "zod";
import type { NamedPort } from "../../model/fleet.ts";
import type { PolicyPort, PolicyPorts, PortProtocol } from "../../model/policy.ts";
import { compareText } from "../diagnostics.ts";
import { APP_NAME } from "../names.ts";
import { text, whole } from "./values.ts";

/** An app's unit gives it no CAP_NET_BIND_SERVICE (capabilities(7)). */
const LOWEST_PORT = 1024;
const HIGHEST_PORT = 65_535;

const PORT = `a port from ${LOWEST_PORT} to ${HIGHEST_PORT}`;
const TOO_LOW = `${PORT} (apps run without the privileges that lower ones need)`;

/** The port that an app serves on; null: it is a worker. */
export const appPort: z.ZodType<number | null, number | undefined> = z
  .int({ error: PORT })
  .min(LOWEST_PORT, { error: TOO_LOW })
  .max(HIGHEST_PORT, { error: PORT })
  .optional()
  .transform((port) => port ?? null);

const NAMED_TEXT = /^(?:(tcp|udp)\/)?([1-9][0-9]{0,4})$/;
const expectedNamed = `${PORT}, or one with its protocol such as udp/5140`;

/** A further port of an app; without a protocol it is tcp's. */
const furtherPort = z
  .union(
    // Judged below, where a port that is too low is told why; the limits are published only.
    [z.int().meta({ minimum: LOWEST_PORT, maximum: HIGHEST_PORT }), z.string().meta({ pattern: NAMED_TEXT.source })],
    { error: expectedNamed },
  )
  .transform((written, context): Omit<NamedPort, "name"> => {
    const [, protocol = "tcp", digits = "0"] = NAMED_TEXT.exec(String(written)) ?? [];
    const port = Number(digits);
    if (port >= LOWEST_PORT && port <= HIGHEST_PORT) return { protocol: protocolOf(protocol), port };
    context.issues.push({
      code: "custom",
      message: port > 0 && port < LOWEST_PORT ? TOO_LOW : expectedNamed,
      input: written,
    });
    return z.NEVER;
  });

/** An app's further ports by name, sorted. */
export const namedPorts: z.ZodType<readonly NamedPort[]> = z
  .record(text("a name of lower-case letters, digits and dashes, at most 24", APP_NAME), furtherPort, {
    error: "a map of ports by name",
  })
  .prefault({})
  .transform((ports) =>
    Object.entries(ports)
      .map(([name, port]) => ({ name, ...port }))
      .toSorted((left, right) => compareText(left.name, right.name)),
  );

const expectedPort = 'a port such as 5432, 8000-8010, udp/53, "udp/*" or the name of one';
const expectedAll = '"tcp/*", "udp/*" or both';
const PORT_TEXT = /^(?:(tcp|udp)\/)?(?:([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?|(\*)|([a-z][a-z0-9-]*))$/;

const policyPort = z
  .union([whole(expectedPort, 1, HIGHEST_PORT), z.string().meta({ pattern: PORT_TEXT.source })], {
    error: expectedPort,
  })
  .transform((written, context): PolicyPort => {
    const port = readPort(String(written));
    if (typeof port !== "string") return port;
    context.issues.push({ code: "custom", message: port, input: written });
    return z.NEVER;
  });

/** `[tcp/|udp/](NUMBER | FROM-TO | NAME | *)`; or what is expected instead. */
function readPort(written: string): PolicyPort | string {
  const [matched, protocol, first, last = first, all, name] = PORT_TEXT.exec(written) ?? [];
  if (matched === undefined) return expectedPort;
  if (all !== undefined) return protocol === undefined ? expectedAll : { kind: "all", protocol: protocolOf(protocol) };
  if (name !== undefined) {
    if (!APP_NAME.test(name)) return expectedPort;
    return { kind: "name", protocol: protocol === undefined ? null : protocolOf(protocol), name };
  }
  const [from, to] = [Number(first), Number(last)];
  if (Math.max(from, to) > HIGHEST_PORT) return expectedPort;
  if (from > to) return `a range from its lowest port to its highest, such as ${String(to)}-${String(from)}`;
  return { kind: "range", protocol: protocolOf(protocol ?? "tcp"), from, to };
}

function protocolOf(written: string): PortProtocol {
  return written === "udp" ? "udp" : "tcp";
}

const expectedPorts = '"any", or a list of ports';

/** The ports of a rule. There is no default: nothing is open by omission. */
export const policyPorts: z.ZodType<PolicyPorts> = z.union(
  [z.literal("any"), z.array(policyPort, { error: expectedPorts })],
  { error: expectedPorts },
);
