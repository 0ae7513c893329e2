import Handlebars from "handlebars";
import { DroverError, failure } from "../model/errors.ts";
import type { NamedModel } from "../model/named.ts";
import { CACHE, KEY, ZONES } from "./paths.ts";
import { algorithm, dnsName, fleetName, nameIn, network, plainAddress, seconds, shortFingerprint } from "./syntax.ts";

/** What named.conf's template sees: every value valid in BIND's syntax. */
interface NamedView {
  readonly zone: string;
  readonly primary: boolean;
  readonly file: string;
  readonly keyFile: string;
  readonly key: { readonly name: string; readonly algorithm: string; readonly fingerprint: string };
  readonly peers: readonly string[];
  readonly clients: readonly string[];
  readonly forwarders: readonly string[];
}

/** What the zone's template sees. */
interface ZoneView {
  readonly zone: string;
  readonly primary: string;
  readonly mailbox: string;
  readonly ttl: string;
  readonly negativeTtl: string;
  readonly servers: readonly {
    readonly name: string;
    readonly ownerName: string;
    readonly owner: string;
    readonly addresses: readonly { readonly type: "A" | "AAAA"; readonly address: string }[];
  }[];
}

/** What is replaced on the host by the time at which the zone is created. */
const SERIAL = "0 ; drover-serial";

function namedView(model: NamedModel): NamedView {
  const zone = dnsName("the zone", model.zone);
  const primary = model.role === "primary";
  if (!primary && model.peers.length === 0) {
    throw new DroverError(failure("bug", `a secondary of ${zone} was made without the primary's addresses`));
  }
  return {
    zone,
    primary,
    file: primary ? `${ZONES}/${zone}.zone` : `${CACHE}/drover-${zone}.zone`,
    keyFile: KEY,
    key: {
      name: dnsName("the key", model.key.name),
      algorithm: algorithm(model.key.algorithm),
      fingerprint: shortFingerprint(model.key.fingerprint),
    },
    peers: model.peers.map(plainAddress),
    clients: model.clients.map(network),
    forwarders: model.forwarders.map(plainAddress),
  };
}

/**
 * The text of named.conf: pure and byte-stable. Throws a DroverError where a value would not be safe in its syntax, and where
 * a template of the fleet's own cannot be filled in or leaves out what the zone depends on: named would take such a file.
 */
export function renderNamed(template: string, model: NamedModel): string {
  const view = namedView(model);
  const { key } = view;
  const text = filled("named.conf.hbs", template, view);
  keepsLines("named.conf", text, [
    `// Key ${key.name}, ${key.algorithm}, fingerprint ${key.fingerprint}.`,
    `include "${view.keyFile}";`,
    "allow-recursion { drover_clients; };",
    `zone "${view.zone}" {`,
    `file "${view.file}";`,
    `allow-transfer { key "${key.name}"; };`,
    ...view.peers.map((peer) => `${peer} key "${key.name}";`),
    ...(view.primary
      ? ["type primary;", `grant "${key.name}" zonesub SRV A AAAA TXT;`]
      : ["type secondary;", "primaries {"]),
    ...(view.primary && view.peers.length > 0 ? ["notify-delay 0;", "also-notify {"] : []),
  ]);
  return text;
}

/** The texts of a host's owner record (one per key), by which later updates know its addresses as this fleet's. */
function ownerTexts(fleet: string): string {
  const texts = ["heritage=drover", `owner=${fleetName(fleet)}`, "rev=1", "epoch=0", "run=zone"];
  return texts.map((text) => `"${text}"`).join(" ");
}

function zoneView(model: NamedModel): ZoneView {
  const zone = dnsName("the zone", model.zone);
  const { initial } = model;
  const [primary] = initial?.servers ?? [];
  if (initial === null || primary === undefined) {
    throw new DroverError(failure("bug", `a zone file of ${zone} was asked for on a server that is not its primary`));
  }
  const owner = ownerTexts(initial.owner);
  return {
    zone: `${zone}.`,
    primary: nameIn(zone, primary.host),
    mailbox: nameIn(zone, "hostmaster"),
    ttl: seconds("the TTL", initial.addressTtl),
    negativeTtl: seconds("the negative TTL", initial.negativeTtl),
    servers: initial.servers.map(({ host, addresses }) => ({
      name: nameIn(zone, host),
      ownerName: nameIn(zone, `_drover.${host}`),
      owner,
      addresses: addresses.map((address) => ({
        type: address.includes(":") ? "AAAA" : "A",
        address: plainAddress(address),
      })),
    })),
  };
}

/** What the zone is created with on its primary: SOA, name servers, their addresses and owner records. Pure, byte-stable. */
export function renderZone(template: string, model: NamedModel): string {
  const view = zoneView(model);
  const text = filled("zone.hbs", template, view);
  keepsLines("the zone file", text, [
    SERIAL,
    ...view.servers.flatMap(({ name, ownerName, owner, addresses }) => [
      `${view.zone} IN NS ${name}`,
      ...addresses.map(({ type, address }) => `${name} IN ${type} ${address}`),
      `${ownerName} IN TXT ${owner}`,
    ]),
  ]);
  return text;
}

function filled(file: string, template: string, view: NamedView | ZoneView): string {
  try {
    // An own environment: nobody else's helpers or partials reach this template.
    const text = Handlebars.create().compile(template, { strict: true, noEscape: true })(view);
    return text.endsWith("\n") ? text : `${text}\n`;
  } catch (error) {
    const detail = (error instanceof Error ? error.message : String(error)).split("\n");
    const hint = `start from drover's own templates/${file}`;
    throw new DroverError(failure("files-invalid", `the template ${file} cannot be filled in`, hint, detail));
  }
}

function keepsLines(file: string, text: string, needed: readonly string[]): void {
  const lines = new Set(text.split("\n").map((line) => line.trim().replaceAll(/[ \t]+/g, " ")));
  const missing = needed.find((line) => !lines.has(line));
  if (missing === undefined) return;
  const hint = "put back into the template what it left out of drover's own";
  throw new DroverError(failure("files-invalid", `${file} would not work: it has no line "${missing}"`, hint));
}
