import type { Balancing, LbSettings } from "../../model/fleet.ts";

/**
 * What a balancer set does unless drover.yaml says otherwise. Ciphers: Mozilla's "intermediate" configuration 6.0 without
 * its DHE suites (https://wiki.mozilla.org/Security/Server_Side_TLS).
 */
export const DEFAULT_SETTINGS: LbSettings = {
  // Two descriptors per connection: stays below the hard limit of 20000 that some machines hand down.
  maxConnections: 8000,
  timeouts: {
    connect: 3_000,
    client: 30_000,
    server: 60_000,
    queue: 5_000,
    httpRequest: 10_000,
    httpKeepAlive: 10_000,
    tunnel: 3_600_000,
    clientFin: 5_000,
  },
  hardStopAfter: 300_000,
  tls: {
    minVersion: "TLSv1.2",
    ciphers: [
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305",
      "ECDHE-RSA-CHACHA20-POLY1305",
    ],
    cipherSuites: ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
    hsts: 63_072_000,
    http2: true,
  },
  metrics: { address: "127.0.0.1", port: 8404 },
  log: { target: "/dev/log", requests: true },
  responseHeaders: {},
};

/** How balancers treat an app unless its file says otherwise. */
export const DEFAULT_BALANCING: Balancing = {
  algorithm: "roundrobin",
  maxConnections: 4000,
  slowStart: 0,
  timeouts: { connect: null, server: null, queue: null, tunnel: null },
  headers: { request: {}, response: {} },
  hsts: null,
  log: true,
};
