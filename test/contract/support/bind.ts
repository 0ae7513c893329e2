import type { DnsKey } from "../../../src/model/dns.ts";
import { base64Of, BEFORE, SOA, startDnsServer, ZONE } from "./dns-server.ts";
import type { DnsPlace, RealDns } from "./dns-server.ts";

/** Starts BIND with the zone, as drover sets up a primary: the key may write four types of records. */
export function startBind(): Promise<RealDns> {
  return startDnsServer({
    name: "bind",
    prepare: (at) => {
      at.file(`${ZONE}.zone`, [`$TTL 3600`, `${ZONE}. 3600 IN SOA ${SOA}`, ...BEFORE, ""].join("\n"));
      const zone = [
        `zone "${ZONE}" {`,
        "  type primary;",
        `  file "${ZONE}.zone";`,
        "  update-policy { grant drover zonesub SRV A AAAA TXT; };",
        "};",
      ];
      return named(at, [...options(at), keyBlock(at.key), keyBlock(at.denied), ...zone]);
    },
  });
}

/** Starts a BIND that follows another, which has to be told of it: see {@link follow}. */
export function startSecondBind(primary: RealDns): Promise<RealDns> {
  return startDnsServer(
    {
      name: "bind2",
      prepare: (at) => {
        const zone = [
          `zone "${ZONE}" {`,
          "  type secondary;",
          `  primaries { 127.0.0.1 port ${primary.server.port} key drover; };`,
          `  file "${ZONE}.copy";`,
          "};",
        ];
        return named(at, [...options(at), keyBlock(at.key), ...zone]);
      },
    },
    primary,
  );
}

function named(at: DnsPlace, lines: readonly string[]): readonly [string, ...string[]] {
  const config = at.file("named.conf", `${lines.join("\n")}\n`);
  return ["/usr/sbin/named", "-g", "-n", "1", "-c", config];
}

function options({ directory, port }: DnsPlace): readonly string[] {
  return [
    "options {",
    `  directory "${directory}";`,
    `  pid-file "${directory}/named.pid";`,
    `  session-keyfile "${directory}/session.key";`,
    "  lock-file none;",
    `  listen-on port ${port} { 127.0.0.1; };`,
    "  listen-on-v6 { none; };",
    "  recursion no;",
    "  dnssec-validation no;",
    "  allow-transfer { key drover; };",
    "  notify no;",
    "  minimal-responses yes;",
    "};",
    "controls { };",
  ];
}

function keyBlock(key: DnsKey): string {
  return `key "${key.name}" { algorithm ${key.algorithm}; secret "${base64Of(key)}"; };`;
}
