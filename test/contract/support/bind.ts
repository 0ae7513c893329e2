import type { DnsKey } from "../../../src/model/dns.ts";
import { base64Of, BEFORE, SOA, startDnsServer, ZONE } from "./dns-server.ts";
import type { DnsPlace, DnsProgram, RealDns } from "./dns-server.ts";
import { freePort } from "./sshd.ts";

/**
 * Starts BIND with the zone, as drover sets up a primary: the key may write four types of records. `notify`: the port of a
 * secondary that it tells of changes, with the key.
 */
export function startBind(notify?: number): Promise<RealDns> {
  return startDnsServer({
    name: "bind",
    prepare: (at) => {
      at.file(`${ZONE}.zone`, [`$TTL 3600`, `${ZONE}. 3600 IN SOA ${SOA}`, ...BEFORE, ""].join("\n"));
      const zone = [
        `zone "${ZONE}" {`,
        "  type primary;",
        `  file "${ZONE}.zone";`,
        "  update-policy { grant drover zonesub SRV A AAAA TXT; };",
        ...(notify === undefined ? ["  notify no;"] : notifying(notify)),
        "};",
      ];
      return named(at, [...options(at), keyBlock(at.key), keyBlock(at.denied), ...zone]);
    },
  });
}

/** Without delay: by default BIND gathers changes for five seconds. */
function notifying(port: number): readonly string[] {
  return ["  notify explicit;", "  notify-delay 0;", `  also-notify { 127.0.0.1 port ${port} key drover; };`];
}

/** A primary that tells a secondary of changes at once. */
export async function startBindPair(): Promise<{ readonly primary: RealDns; readonly secondary: RealDns }> {
  const port = await freePort();
  const primary = await startBind(port);
  const { key, denied, server } = primary;
  const program: DnsProgram = {
    name: "bind2",
    prepare: (at) => {
      const zone = [
        `zone "${ZONE}" {`,
        "  type secondary;",
        `  primaries { 127.0.0.1 port ${server.port} key drover; };`,
        `  file "${ZONE}.copy";`,
        "  notify no;",
        "};",
      ];
      return named(at, [...options(at), keyBlock(at.key), ...zone]);
    },
  };
  return { primary, secondary: await startDnsServer(program, { key, denied, port }) };
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
    `  listen-on-v6 port ${port} { ::1; };`,
    "  recursion no;",
    "  dnssec-validation no;",
    "  allow-transfer { key drover; };",
    "  minimal-responses yes;",
    // Twenty a second, its default, means ten every half second: a secondary would be behind by that much, twice over.
    "  notify-rate 1000;",
    "  serial-query-rate 1000;",
    "};",
    "controls { };",
  ];
}

function keyBlock(key: DnsKey): string {
  return `key "${key.name}" { algorithm ${key.algorithm}; secret "${base64Of(key)}"; };`;
}
