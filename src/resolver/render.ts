import { DroverError, failure } from "../model/errors.ts";
import type { ResolverModel } from "../model/resolver.ts";
import { MOST_SERVERS } from "./desired.ts";
import { HEADER, nameserversOf, optionsOf } from "./normalize.ts";

const ZONE = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ADDRESS = /^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?=.*:)[0-9a-f:]{2,39})$/;

/** The files were validated before; this is the last edge before two syntaxes in which a space or a line end means something. */
function checked({ zone, servers }: ResolverModel): void {
  const bad = ZONE.test(zone) ? servers.find((address) => !ADDRESS.test(address)) : zone;
  if (bad === undefined && servers.length > 0 && servers.length <= MOST_SERVERS) return;
  throw new DroverError(failure("bug", `${JSON.stringify(bad ?? servers)} cannot be written into resolv.conf`));
}

/** systemd-resolved's drop-in: these servers for the zone, and for nothing else (resolved.conf(5), `Domains=`). */
export function renderDropIn(model: ResolverModel): string {
  checked(model);
  const { zone, servers } = model;
  return `${HEADER}: names of ${zone} are asked of the fleet's own DNS servers, all others as before.
[Resolve]
DNS=${servers.join(" ")}
Domains=~${zone}
`;
}

/**
 * resolv.conf with the fleet's servers before those it had, up to three altogether; all else is kept. `rotate` goes: it
 * would ask the others in turn, and they do not know the zone. A server that is away costs a second, not five.
 */
export function renderResolvConf(model: ResolverModel, original: string): string {
  checked(model);
  const { zone, servers } = model;
  const theirs = nameserversOf(original).filter((address) => !servers.includes(address));
  const kept = optionsOf(original).filter((option) => !/^(?:timeout:|attempts:|rotate$)/.test(option));
  const others = original
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^(?:nameserver|options)(?:[ \t\r]|$)/.test(line));
  const lines = [
    `${HEADER}: the fleet's own DNS servers first, for names of ${zone}.`,
    ...others,
    ...[...servers, ...theirs].slice(0, MOST_SERVERS).map((address) => `nameserver ${address}`),
    ["options", ...new Set(kept), "timeout:1", "attempts:2"].join(" "),
  ];
  return `${lines.join("\n")}\n`;
}
