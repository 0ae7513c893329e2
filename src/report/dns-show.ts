import type { Failure } from "../model/errors.ts";
import type { Told } from "../plan/verify/dns-answers.ts";
import type {
  AppAccount,
  HostAccount,
  OwnerAccount,
  Place,
  Row,
  ServerAccount,
  SetAccount,
  ZoneAccount,
} from "../plan/verify/dns-account.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { table } from "./table.ts";
import { failureLines, printable } from "./words.ts";

/** A zone as it is, and what could not be asked besides its servers. */
export interface DnsShow extends ZoneAccount {
  /** E.g. the state host, which alone knows who is drained. */
  readonly unknown: readonly Failure[];
}

/** 1 where a server or the state host did not tell. */
export function dnsShowCode({ servers, unknown }: DnsShow): number {
  return unknown.length > 0 || servers.some(({ why }) => why !== null) ? EXIT_CODE.failed : EXIT_CODE.done;
}

/** The servers, then every app and every host with what each server says of it. */
export function dnsShowLines(show: DnsShow): readonly string[] {
  const { zone, fleet, servers, apps, hosts, unknown } = show;
  return [
    printable(`zone ${zone} of the fleet ${fleet}`),
    "",
    ...serverTable(servers),
    ...servers.flatMap(serverRemarks),
    ...apps.flatMap((app) => ["", ...appLines(app)]),
    ...(hosts.length === 0 ? [] : ["", ...hostTable(hosts)]),
    ...hosts.flatMap(hostRemarks),
    ...unknown.flatMap(failureLines),
  ];
}

function serverTable(servers: readonly ServerAccount[]): readonly string[] {
  const rows = servers.map((each) => {
    const { server, role, address, port, serial, behind, setUp } = each;
    const at = address.includes(":") ? `[${address}]:${String(port)}` : `${address}:${String(port)}`;
    const told = setUp ? "unknown" : "not set up yet";
    const lag = role === "primary" || !setUp ? "-" : behind === null ? "unknown" : behind === 0 ? "no" : String(behind);
    return [server, role, at, serial === null ? told : String(serial), lag];
  });
  return table(["server", "role", "address", "serial", "behind"], rows);
}

function serverRemarks({ server, otherwise, why }: ServerAccount): readonly string[] {
  if (why !== null) return failureLines(why).map((line) => `  ${line}`);
  return otherwise.map((each) => printable(`  ${server}: ${each}`));
}

function appLines({ app, wanted, owner, sets }: AppAccount): readonly string[] {
  const files = wanted ? "" : "; no file publishes it";
  const isThere = sets.some(({ rows }) => rows.some(({ told }) => told.some(({ kind }) => kind !== "missing")));
  const whose = owner.kind === "none" && !isThere ? "not in DNS" : ownerWords(owner);
  return [
    printable(`${app}: ${whose}${files}`),
    ...sets.flatMap((set) => ["", ...setTable(set), ...set.rows.flatMap(rowRemarks)]),
  ];
}

function ownerWords(owner: OwnerAccount): string {
  switch (owner.kind) {
    case "none":
      return "without an owner record";
    case "unknown":
      return "whose it is, is unknown";
    case "ours":
      return `this fleet's, revision ${String(owner.revision)}, by run ${owner.run} of epoch ${String(owner.epoch)}`;
    case "foreign":
      return owner.owner === null ? "NOT THIS FLEET'S, and nobody's that drover knows" : `THE FLEET ${owner.owner}'S`;
  }
}

/** An exclamation mark stands where a server says otherwise than it should. */
function setTable({ name, rows }: SetAccount): readonly string[] {
  const servers = rows[0]?.told.map(({ server }) => server) ?? [];
  const lines = rows.map((row) => [
    mark(row),
    row.who,
    placeWord(row.place),
    ...row.told.map((told) => cell(row, told)),
  ]);
  return [printable(name), ...table(["", "instance", "wanted", ...servers], lines)];
}

function mark({ place, told }: Row): string {
  return told.some((each) => isOff(place, each)) ? "!" : "";
}

function isOff(place: Place, { kind }: Told): boolean {
  if (kind === "unknown") return false;
  switch (place.kind) {
    case "in":
      return kind !== "same";
    case "drained":
    case "unwanted":
      return kind !== "missing";
    case "open":
    case "unknown":
      return false;
  }
}

function placeWord({ kind }: Place): string {
  switch (kind) {
    case "in":
      return "in";
    case "drained":
      return "out, drained";
    case "open":
      return "open rollout";
    case "unwanted":
      return "out";
    case "unknown":
      return "unknown";
  }
}

function cell({ place }: Pick<Row, "place">, { kind, says }: Told): string {
  switch (kind) {
    case "differs":
      return says;
    case "missing":
      return place.kind === "in" ? "missing" : "out";
    case "same":
      return place.kind === "in" ? "same" : "in";
    case "there":
      return "in";
    case "unknown":
      return "unknown";
  }
}

/** Why somebody is out, or who decides. */
function rowRemarks({ who, place }: Row): readonly string[] {
  if (place.kind === "drained") {
    const { reason, operator, since } = place.drain;
    return [printable(`  ${who} is drained: ${reason} (${operator}, since ${since})`)];
  }
  return place.kind === "open" ? [printable(`  ${who}: the open rollout ${place.rollout} decides`)] : [];
}

function hostTable(hosts: readonly HostAccount[]): readonly string[] {
  const servers = hosts[0]?.told.map(({ server }) => server) ?? [];
  const lines = hosts.map((host) => [
    mark(host),
    host.name,
    host.addresses.length === 0 ? "none" : host.addresses.join(", "),
    ...host.told.map((told) => cell(host, told)),
  ]);
  return table(["", "host", "wanted", ...servers], lines);
}

/** Hosts are this fleet's, as a rule: only what is otherwise is told. */
function hostRemarks({ name, owner }: HostAccount): readonly string[] {
  return owner.kind === "foreign" ? [printable(`  ${name}: ${ownerWords(owner)}`)] : [];
}
