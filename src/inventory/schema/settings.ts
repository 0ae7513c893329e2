import { z } from "zod";
import type { LbSettings } from "../../model/fleet.ts";
import { CIPHER } from "../names.ts";
import { formatDuration } from "../durations.ts";
import { listenAddress, logTarget } from "./addresses.ts";
import { DEFAULT_SETTINGS } from "./defaults.ts";
import { headers } from "./headers.ts";
import { duration, keys, oneOf, text, whole } from "./values.ts";

/** Ports of every balancer that no route, app or metrics may take; 8405 is where keepalived asks whether HAProxy lives. */
export const BALANCER_PORTS: readonly number[] = [80, 443, 8405];

const { timeouts, hardStopAfter, tls, metrics, log } = DEFAULT_SETTINGS;

/** A time that is more than none, with its default. */
function time(milliseconds: number): z.ZodPrefault<ReturnType<typeof duration>> {
  return duration(1).prefault(formatDuration(milliseconds));
}

/** Connections at once. */
export function connections(count: number): z.ZodDefault<z.ZodInt> {
  return whole("a whole number of connections from 1 to 1000000", 1, 1_000_000).default(count);
}

/** Strict-Transport-Security's max-age. */
export function maxAge(): z.ZodInt {
  return whole("a whole number of seconds, 0 or more", 0, 2_147_483_647);
}

/** True or false. */
export function yesOrNo(usual: boolean): z.ZodDefault<z.ZodBoolean> {
  return z.boolean({ error: "true or false" }).default(usual);
}

function ciphers(what: string, usual: readonly string[]): z.ZodDefault<z.ZodArray<z.ZodString>> {
  return z
    .array(text(`the name of ${what} as OpenSSL has it`, CIPHER), { error: `a list with ${what} or more` })
    .min(1, { error: `${what} or more` })
    .default([...usual]);
}

/** A port of the balancers that is free for the fleet's files to give. */
export function freePort(): z.ZodInt {
  const expected = "a port from 1 to 65535";
  return whole(expected, 1, 65_535).refine((port) => !BALANCER_PORTS.includes(port), {
    error: `another port than ${BALANCER_PORTS.join(", ")}, which the balancers need themselves`,
  });
}

const metricsKeys = keys({
  address: listenAddress.default(metrics?.address ?? ""),
  port: freePort().default(metrics?.port ?? 0),
});

/** What a balancer set does for all its apps; the keys beside `hosts` and `vip`. */
export const settingsShape: { readonly [Key in keyof LbSettings]: z.ZodType<LbSettings[Key]> } = {
  maxConnections: connections(DEFAULT_SETTINGS.maxConnections),
  timeouts: keys({
    connect: time(timeouts.connect),
    client: time(timeouts.client),
    server: time(timeouts.server),
    queue: time(timeouts.queue),
    httpRequest: time(timeouts.httpRequest),
    httpKeepAlive: time(timeouts.httpKeepAlive),
    tunnel: time(timeouts.tunnel),
    clientFin: time(timeouts.clientFin),
  }).prefault({}),
  hardStopAfter: time(hardStopAfter),
  tls: keys({
    minVersion: oneOf(["TLSv1.2", "TLSv1.3"]).default(tls.minVersion),
    ciphers: ciphers("a cipher", tls.ciphers),
    cipherSuites: ciphers("a cipher suite", tls.cipherSuites),
    hsts: maxAge().default(tls.hsts),
    http2: yesOrNo(tls.http2),
  }).prefault({}),
  metrics: z
    .union([z.literal(false).transform(() => null), metricsKeys], { error: "{address: ADDRESS, port: PORT} or false" })
    .prefault({}),
  log: keys({
    target: logTarget.prefault(log.target),
    requests: yesOrNo(log.requests),
  }).prefault({}),
  responseHeaders: headers.default({}),
};
