import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { base64Of, BEFORE, SOA, startDnsServer, ZONE } from "./dns-server.ts";
import type { DnsPlace, RealDns } from "./dns-server.ts";

/** The tables as Debian's pdns-backend-sqlite3 brings them. */
const SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";

/** Starts PowerDNS with the zone in SQLite. It knows no permissions by type: the key may write everything. */
export function startPdns(): Promise<RealDns> {
  return startDnsServer({
    name: "pdns",
    prepare: (at) => {
      fill(at);
      const settings = {
        "config-dir": at.directory,
        "local-address": "127.0.0.1",
        "local-port": at.port,
        "socket-dir": at.directory,
        launch: "gsqlite3",
        "gsqlite3-database": join(at.directory, "pdns.sqlite3"),
        "gsqlite3-dnssec": "yes",
        daemon: "no",
        guardian: "no",
        dnsupdate: "yes",
        "allow-dnsupdate-from": "127.0.0.0/8",
        "security-poll-suffix": "",
        "version-string": "anonymous",
      };
      return [
        "/usr/sbin/pdns_server",
        "--no-config",
        ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`),
      ];
    },
  });
}

function fill({ directory, key, denied }: DnsPlace): void {
  const database = new DatabaseSync(join(directory, "pdns.sqlite3"));
  database.exec(readFileSync(SCHEMA, "utf8"));
  database.prepare("insert into domains (id, name, type) values (1, ?, 'NATIVE')").run(ZONE);
  const record = database.prepare(
    "insert into records (domain_id, name, type, content, ttl, prio, auth) values (1, ?, ?, ?, ?, 0, 1)",
  );
  const dotless = (name: string): string => name.replaceAll(/\.(?= |$)/g, "");
  record.run(ZONE, "SOA", SOA, 3600);
  for (const line of BEFORE) {
    const [name = "", ttl = "", , type = "", content = ""] = line.split(" ");
    record.run(dotless(name), type, dotless(content), Number(ttl));
  }
  const tsig = database.prepare("insert into tsigkeys (name, algorithm, secret) values (?, ?, ?)");
  for (const each of [key, denied]) tsig.run(each.name, each.algorithm, base64Of(each));
  const metadata = database.prepare("insert into domainmetadata (domain_id, kind, content) values (1, ?, ?)");
  metadata.run("TSIG-ALLOW-DNSUPDATE", key.name);
  // Without it the serial stays, and no secondary ever hears of a change.
  metadata.run("SOA-EDIT-DNSUPDATE", "INCREASE");
  database.close();
}
