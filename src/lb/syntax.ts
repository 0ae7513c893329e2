import type { ServerAddress } from "../model/lb.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { ErrorCode } from "../model/errors.ts";

/**
 * What may enter HAProxy's files. The fleet's files were validated before; this is the last edge before HAProxy's own
 * syntax (configuration.txt §2.2: quotes, backslashes, `#`, `$` and white space mean something), so it trusts nothing.
 */

const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
const ROUTE_HOST = /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
// RFC 3986 pchar without the single quote, which would end HAProxy's strong quoting.
const PATH = /^\/[A-Za-z0-9\-._~!$&()*+,;=:@%/]{0,1023}$/;
const PROBE_PATH = /^\/[A-Za-z0-9\-._~!$&()*+,;=:@%/?]{0,1023}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^(?=.*:.*:)[0-9a-f:]{2,39}$/i;
const CERTIFICATE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/;
// RFC 1035 §2.3.4's limits on labels and names; RFC 2782's underscores.
const SRV_NAME = /^(?=.{3,253}$)_[a-z0-9-]{1,62}(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?){2,}$/;
const CIPHER = /^[A-Z0-9][A-Z0-9_-]{0,63}$/;
const SOCKET_PATH = /^\/[A-Za-z0-9._/-]{1,100}$/;

/** Refuses a value: `what` names it in a sentence. */
export function refuse(code: ErrorCode, what: string, value: string): never {
  throw new DroverError(
    failure(code, `${what} ${JSON.stringify(value)} cannot be written into haproxy.cfg`, "run drover validate"),
  );
}

/** A backend's or a server's name, or a DroverError: names come validated, so a bad one is a mistake of ours. */
export function haproxyName(name: string): string {
  return NAME.test(name) ? name : refuse("bug", "the name", name);
}

/** `host` of a route, lower case, maybe with `*.` in front. */
export function routeHost(host: string): string {
  return ROUTE_HOST.test(host) ? host : refuse("files-invalid", "the route host", host);
}

/** `path` of a route without a trailing slash; "/" becomes "". */
export function routePath(path: string): string {
  if (!PATH.test(path)) refuse("files-invalid", "the route path", path);
  return path.replace(/\/+$/, "");
}

/** The path a check asks for. */
export function probePath(path: string): string {
  return PROBE_PATH.test(path) ? path : refuse("files-invalid", "the health path", path);
}

/** An address alone, as maps hold it. */
export function ipAddress(address: string): string {
  return IPV4.test(address) || IPV6.test(address) ? address : refuse("files-invalid", "the address", address);
}

/** The name of SRV records: it starts with an underscore, or HAProxy would ask for an address instead. */
export function srvName(name: string): string {
  return SRV_NAME.test(name) ? name : refuse("files-invalid", "the SRV name", name);
}

/** A TCP port. */
export function tcpPort(port: number): number {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) refuse("files-invalid", "the port", String(port));
  return port;
}

/** `address:port` as a server or bind line takes it; IPv6 in brackets (configuration.txt §11.3). */
export function serverAddress({ address, port }: ServerAddress): string {
  const host = ipAddress(address);
  return `${host.includes(":") ? `[${host}]` : host}:${tcpPort(port)}`;
}

/** `/dev/log`, or `address:port` of a syslog server. */
export function logTarget(target: string): string {
  if (SOCKET_PATH.test(target)) return target;
  const found = /^\[?([0-9A-Fa-f.:]+?)\]?:(\d{1,5})$/.exec(target);
  if (found === null) return refuse("files-invalid", "the log target", target);
  const [, address = "", port = ""] = found;
  return serverAddress({ address, port: Number(port) });
}

/** A duration as HAProxy writes it. */
export function haproxyTime(milliseconds: number): string {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 1 || milliseconds > 2_147_483_647) {
    refuse("files-invalid", "the duration", String(milliseconds));
  }
  return milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${milliseconds}ms`;
}

/** A threshold of checks. */
export function haproxyCount(count: number): string {
  return wholeNumber("the threshold", count, { min: 1, max: 1000 });
}

/** A whole number within limits; `what` names it when it is refused. */
export function wholeNumber(what: string, value: number, { min, max }: { min: number; max: number }): string {
  return Number.isSafeInteger(value) && value >= min && value <= max
    ? String(value)
    : refuse("files-invalid", what, String(value));
}

/** The name of a certificate, which is also the name of its file. */
export function certificateName(name: string): string {
  return CERTIFICATE.test(name) && !name.includes("..") ? name : refuse("files-invalid", "the certificate", name);
}

/** OpenSSL's names of ciphers, joined as its lists are; empty where there are none. */
export function cipherList(names: readonly string[]): string {
  for (const name of names) if (!CIPHER.test(name)) refuse("files-invalid", "the cipher", name);
  return names.join(":");
}
