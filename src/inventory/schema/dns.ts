import { z } from "zod";
import type { SecretSource } from "../../model/fleet.ts";
import type { DnsServers, DnsSettings, DnsZone } from "../../model/zone.ts";
import type { DnsAlgorithm } from "../../model/dns.ts";
import { canonicalServer } from "../addresses.ts";
import { KEY_NAME, ZONE } from "../names.ts";
import { address } from "./addresses.ts";
import { secretSource } from "./secrets.ts";
import { keys, oneOf, secondsWithin, text, understood } from "./values.ts";

/** Where DNS is unless something else is written. */
export const DNS_PORT = 53;

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
/** RFC 2308 §5 lets them be remembered for hours; an app's first instance would be missing for as long. */
const LONGEST_NEGATIVE = 10_000;

const USUAL = { ttl: 15_000, addressTtl: 60_000, negativeTtl: 5_000, onSilent: "stop" } as const;

const expectedServer = 'an address such as 192.0.2.53, "192.0.2.53:5353" or "[2001:db8::53]:5353"';
const expectedServers = 'a selector such as "role=dns", or a list of addresses';

const USUAL_KEY = { name: "drover", algorithm: "hmac-sha256" } as const;

type Servers = DnsServers<{ readonly selector: string }>;

const server = understood(expectedServer, (written) => {
  const value = canonicalServer(written, DNS_PORT);
  return value === null ? { expected: expectedServer } : { value };
});

const selector = z
  .string({ error: expectedServers })
  .transform((written) => ({ kind: "hosts" as const, selector: written }));

const addresses = z
  .array(server, { error: expectedServers })
  .min(1, { error: "at least one server" })
  .superRefine((list, context) => {
    list.forEach((one, index) => {
      const first = list.findIndex((other) => other.address === one.address && other.port === one.port);
      if (first !== index) context.addIssue({ code: "custom", message: "each server once", path: [index] });
    });
  })
  .transform((list) => ({ kind: "addresses" as const, addresses: list }));

const servers: z.ZodType<Servers> = z.union([selector, addresses], { error: expectedServers });

const expectedZone = 'a zone of two labels or more, of letters, digits and dashes, such as "svc.example.com"';

const zone = z
  .string({ error: expectedZone })
  .meta({ pattern: ZONE.source })
  .transform((written, context): string => {
    if (ZONE.test(written)) return written;
    const plain = written.toLowerCase().replace(/\.$/, "");
    const message =
      plain !== written && ZONE.test(plain) ? `the zone in lower case without a final dot, ${plain}` : expectedZone;
    context.issues.push({ code: "custom", message, input: written });
    return z.NEVER;
  });

const key = keys({
  name: text("the name of a key in lower case: letters, digits, dots, dashes and underscores", KEY_NAME).default(
    USUAL_KEY.name,
  ),
  algorithm: oneOf(["hmac-sha256", "hmac-sha384", "hmac-sha512"]).default(USUAL_KEY.algorithm),
  secret: secretSource.optional(),
});

const forwarders = z.array(address, { error: "a list of addresses" }).superRefine((list, context) => {
  list.forEach((one, index) => {
    if (list.indexOf(one) !== index) context.addIssue({ code: "custom", message: "each address once", path: [index] });
  });
});

/** The keys beside `servers`. Each means something by being there at all, so none is filled in here. */
const shape = {
  zone: zone.optional(),
  key: key.optional(),
  ttl: secondsWithin(SECOND, HOUR, USUAL.ttl).optional(),
  addressTtl: secondsWithin(SECOND, DAY, USUAL.addressTtl).optional(),
  negativeTtl: secondsWithin(SECOND, LONGEST_NEGATIVE, USUAL.negativeTtl).optional(),
  onSilent: oneOf(["stop", "skip"]).optional().meta({ default: USUAL.onSilent }),
  resolver: z.boolean({ error: "true or false" }).optional(),
  forwarders: forwarders.optional(),
};

/** What is written in the block, whether it makes sense together or not. */
interface Written {
  readonly servers: Servers;
  readonly zone?: string | undefined;
  readonly key?:
    | { readonly name: string; readonly algorithm: DnsAlgorithm; readonly secret?: SecretSource | undefined }
    | undefined;
  readonly ttl?: number | undefined;
  readonly addressTtl?: number | undefined;
  readonly negativeTtl?: number | undefined;
  readonly onSilent?: "stop" | "skip" | undefined;
  readonly resolver?: boolean | undefined;
  readonly forwarders?: readonly string[] | undefined;
}

/** One thing that does not fit the others: what is expected, where. */
interface Misfit {
  readonly path: readonly (keyof Written | "secret")[];
  readonly message: string;
}

const OF_ZONE = ["key", "ttl", "addressTtl", "negativeTtl", "onSilent", "resolver", "forwarders"] as const;
const OF_HOSTS = ["negativeTtl", "forwarders"] as const;

function misfitsOf(written: Written): readonly Misfit[] {
  const present = <Key extends keyof Written>(names: readonly Key[], why: string): readonly Misfit[] =>
    names.filter((name) => written[name] !== undefined).map((name) => ({ path: [name], message: `no ${name} ${why}` }));
  if (written.zone === undefined) return present(OF_ZONE, "without a zone");
  if (written.servers.kind === "hosts") return [];
  return [
    ...present(OF_HOSTS, "with servers that drover does not set up"),
    ...missingKey(written),
    ...unreachable(written, written.servers.addresses),
  ];
}

/** Servers of somebody else take updates with a key of theirs. */
function missingKey({ key: own }: Written): readonly Misfit[] {
  if (own === undefined)
    return [
      { path: ["key"], message: "the key that the servers take updates with: {name: NAME, secret: {file: PATH}}" },
    ];
  if (own.secret !== undefined) return [];
  return [{ path: ["key", "secret"], message: "the secret that the servers have: {file: PATH} or {command: […]}" }];
}

/** resolv.conf(5) has no place for a port: hosts are told of the servers on the usual one alone. */
function unreachable({ resolver }: Written, list: readonly { readonly port: number }[]): readonly Misfit[] {
  if (resolver !== true || list.some(({ port }) => port === DNS_PORT)) return [];
  return [{ path: ["resolver"], message: `no resolver where no server is on port ${String(DNS_PORT)}` }];
}

function zoneOf({ servers: { kind }, zone: name, ...written }: Written): DnsZone | null {
  if (name === undefined) return null;
  return {
    name,
    key: keyOf(written.key),
    ttl: written.ttl ?? USUAL.ttl,
    addressTtl: written.addressTtl ?? USUAL.addressTtl,
    negativeTtl: written.negativeTtl ?? USUAL.negativeTtl,
    onSilent: written.onSilent ?? USUAL.onSilent,
    resolver: written.resolver ?? kind === "hosts",
    forwarders: written.forwarders ?? [],
  };
}

function keyOf(written: Written["key"]): DnsZone["key"] {
  return {
    name: written?.name ?? USUAL_KEY.name,
    algorithm: written?.algorithm ?? USUAL_KEY.algorithm,
    secret: written?.secret ?? null,
  };
}

/** The `dns:` block; null where there is none. */
export const dns: z.ZodType<DnsSettings | null> = keys({ servers, ...shape })
  .transform((written, context): DnsSettings => {
    for (const { path, message } of misfitsOf(written))
      context.issues.push({ code: "custom", message, input: undefined, path: [...path] });
    return { servers: written.servers, zone: zoneOf(written) };
  })
  .optional()
  .transform((written) => written ?? null);
