import type { LbApp } from "../model/lb.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { ErrorCode } from "../model/errors.ts";

/**
 * What may enter haproxy.cfg. The files were validated before; this is the last edge before HAProxy's own syntax
 * (configuration.txt §2.2: quotes, backslashes, `#`, `$` and white space mean something), so it trusts nothing.
 */

const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
const ROUTE_HOST = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
// RFC 3986 pchar without the single quote, which would end HAProxy's strong quoting.
const PATH = /^\/[A-Za-z0-9\-._~!$&()*+,;=:@%/]{0,1023}$/;
const PROBE_PATH = /^\/[A-Za-z0-9\-._~!$&()*+,;=:@%/?]{0,1023}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^(?=.*:)[0-9a-f:]{2,39}$/i;

function refuse(code: ErrorCode, what: string, value: string): never {
  throw new DroverError(
    failure(code, `${what} ${JSON.stringify(value)} cannot be written into haproxy.cfg`, "run drover validate"),
  );
}

/** A backend's or a server's name, or a DroverError: names come validated, so a bad one is a mistake of ours. */
export function haproxyName(name: string): string {
  return NAME.test(name) ? name : refuse("bug", "the name", name);
}

/** `host` of a route. */
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

/** `address:port` as a server line takes it; IPv6 in brackets (configuration.txt §11.3). */
export function serverAddress(server: LbApp["servers"][number]): string {
  const { address, port } = server;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) refuse("bug", "the port", String(port));
  if (IPV4.test(address)) return `${address}:${port}`;
  return IPV6.test(address) ? `[${address}]:${port}` : refuse("files-invalid", "the address", address);
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
  return Number.isSafeInteger(count) && count >= 1 && count <= 1000
    ? String(count)
    : refuse("files-invalid", "the threshold", String(count));
}
