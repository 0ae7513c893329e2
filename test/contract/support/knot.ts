import { globSync } from "node:fs";
import type { DnsKey } from "../../../src/model/dns.ts";
import { base64Of, BEFORE, SOA, startDnsServer, ZONE } from "./dns-server.ts";
import type { RealDns } from "./dns-server.ts";

/**
 * Starts Knot with the zone; the key may write the same four types of records as with BIND. `skew`: its clock minus the
 * machine's, in seconds.
 */
export function startKnot(skew = 0): Promise<RealDns> {
  return startDnsServer({
    name: "knot",
    prepare: (at) => {
      at.file(`${ZONE}.zone`, [`${ZONE}. 3600 IN SOA ${SOA}`, ...BEFORE, ""].join("\n"));
      const lines = [
        "server:",
        `  rundir: "${at.directory}"`,
        `  listen: 127.0.0.1@${at.port}`,
        "  udp-workers: 1",
        "  tcp-workers: 1",
        "  background-workers: 1",
        "log:",
        "- target: stderr",
        "  any: info",
        "database:",
        `  storage: "${at.directory}"`,
        // What it reserves of the address space at once, for each of them.
        "  journal-db-max-size: 16M",
        "  kasp-db-max-size: 16M",
        "  timer-db-max-size: 1M",
        "key:",
        ...keyLines(at.key),
        ...keyLines(at.denied),
        "acl:",
        "- id: writes",
        `  key: ${at.key.name}`,
        "  action: update",
        "  update-type: [SRV, A, AAAA, TXT]",
        "- id: reads",
        `  key: ${at.denied.name}`,
        "  action: transfer",
        "zone:",
        `- domain: ${ZONE}`,
        `  storage: "${at.directory}"`,
        `  file: "${ZONE}.zone"`,
        "  acl: [writes, reads]",
      ];
      return [...withClock(skew), "/usr/sbin/knotd", "-c", at.file("knot.conf", `${lines.join("\n")}\n`)];
    },
  });
}

/** A clock that is wrong, by libfaketime; timers run on. BIND cannot be told so: its allocator is in the way. */
function withClock(seconds: number): readonly [string, ...string[]] {
  if (seconds === 0) return ["/usr/bin/env"];
  const [library] = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1");
  if (library === undefined) throw new Error("libfaketime is missing: apt-get install faketime");
  const sign = seconds < 0 ? "-" : "+";
  return ["/usr/bin/env", `LD_PRELOAD=${library}`, `FAKETIME=${sign}${Math.abs(seconds)}s`, "DONT_FAKE_MONOTONIC=1"];
}

function keyLines(key: DnsKey): readonly string[] {
  return [`- id: ${key.name}`, `  algorithm: ${key.algorithm}`, `  secret: ${base64Of(key)}`];
}
