import { z } from "zod";
import type { Follow } from "../../model/fleet.ts";
import { RESERVED_NAMES } from "../../model/reserved.ts";
import { canonicalServer } from "../addresses.ts";
import { APP_NAME, SRV_NAME } from "../names.ts";
import { balancing } from "./balancing.ts";
import { health } from "./health.ts";
import { ownRoute } from "./routes.ts";
import type { OwnRoute } from "./routes.ts";
import { keys, text, understood, whole } from "./values.ts";

/** A followed service as it is written: which set follows it is where it stands. */
export interface FollowFields extends Omit<Follow, "routes"> {
  readonly routes: readonly OwnRoute[];
}

const DNS_PORT = 53;
/** BIND gives no more records in one answer. */
const MOST_SERVERS = 100;

const expectedServer = 'an address such as 192.0.2.53, "192.0.2.53:5353" or "[2001:db8::53]:5353"';

const nameserver = understood(expectedServer, (written) => {
  const value = canonicalServer(written, DNS_PORT);
  return value === null ? { expected: expectedServer } : { value };
});

const nameservers = z
  .array(nameserver, { error: "a list of addresses" })
  .min(1, { error: "at least one server" })
  .superRefine((list, context) => {
    list.forEach((one, index) => {
      const first = list.findIndex((other) => other.address === one.address && other.port === one.port);
      if (first !== index) context.addIssue({ code: "custom", message: "each server once", path: [index] });
    });
  });

const expectedSrv = "the name of SRV records in lower case, such as _billing._tcp.svc.example.com";

const fields = keys({
  srv: text(expectedSrv, SRV_NAME),
  servers: whole(`a number of servers from 1 to ${String(MOST_SERVERS)}`, 1, MOST_SERVERS).default(10),
  nameservers: nameservers.optional(),
  health,
  routes: z
    .array(ownRoute, { error: "a list of {host: NAME, path: PATH}" })
    .min(1, { error: "at least one route, such as {host: NAME}" }),
  balancing,
});

const name = text("a name of lower-case letters, digits and dashes, at most 24", APP_NAME).refine(
  (written) => !RESERVED_NAMES.includes(written),
  { error: `another name (${RESERVED_NAMES.join(", ")} are what drover calls its own parts on a host)` },
);

/** What a balancer set follows by name, sorted. */
export const follow: z.ZodType<readonly FollowFields[]> = z
  .record(name, fields, { error: "a map of services" })
  .transform((services) =>
    Object.entries(services)
      .map(([service, written]): FollowFields => {
        const { probe } = written.health;
        // It has a port: DNS says which.
        return {
          ...written,
          name: service,
          nameservers: written.nameservers ?? null,
          health: { ...written.health, probe: probe ?? { kind: "tcp" } },
        };
      })
      .toSorted((left, right) => (left.name < right.name ? -1 : 1)),
  )
  .prefault({});
