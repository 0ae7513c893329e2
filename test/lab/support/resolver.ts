// A host that learns where a zone is answered, and two real named on dns1: `ours` (IPv4) has the zone and asks `theirs`
// (IPv6) for all else, which does not know the zone.
import type { Outcome } from "../../../src/model/operation.ts";
import type { ResolverAction, ResolverModel } from "../../../src/model/resolver.ts";
import { diffResolver, type ResolverDiff } from "../../../src/resolver/diff.ts";
import { resolverFact } from "../../../src/resolver/facts.ts";
import { operateResolver } from "../../../src/resolver/operations.ts";
import { driver, type DriveOptions, type Driver } from "./drive.ts";
import { until, type Lab } from "./lab.ts";

export const HOST = "app1";
export const OURS = "192.168.56.31";
export const THEIRS = "fd00:56::31";
export const ZONE = "svc.lab.internal";
export const MODEL: ResolverModel = { zone: ZONE, servers: [OURS], recursive: true };
/** Where the servers have the zone alone, only systemd-resolved can be told. */
export const ROUTED: ResolverModel = { zone: ZONE, servers: [OURS], recursive: false };

/** A resolv.conf as a provider leaves it, for a host that has never heard of the zone. */
export const PLAIN: string = `# of the provider
search lab.internal example.test
nameserver ${THEIRS}
options ndots:1 rotate edns0
`;

/** What a test does to the host. */
export interface ResolverBench {
  readonly lab: Lab;
  readonly sh: Driver["sh"];
  readonly go: (action: ResolverAction, options?: DriveOptions) => Promise<Outcome>;
  readonly install: (model?: ResolverModel) => Promise<Outcome>;
  readonly restore: (model?: ResolverModel | null) => Promise<Outcome>;
  readonly diff: (model?: ResolverModel | null) => Promise<ResolverDiff>;
  /** Everything that tells how the host resolves names, and all that drover would leave behind. */
  readonly state: () => Promise<string>;
  /** The host as drover has never seen it, with PLAIN, of a group and mode of its own; gives its state. */
  readonly plain: () => Promise<string>;
  /** The host as drover has never seen it, where systemd-resolved runs and every program asks it; gives its state. */
  readonly resolved: () => Promise<string>;
}

const STATE = `cd /etc; stat -c '%N %a %u:%g %h' resolv.conf*; sha256sum resolv.conf; ls -la systemd/resolved.conf.d 2>&1 | grep -v total;
  cat systemd/resolved.conf.d/* 2>/dev/null; ls /var/lib/drover/manifest/resolver* /var/lib/drover/resolver* 2>/dev/null; true`;
/** As Debian's libnss-resolve has it where it is installed by hand. */
const NAMED_BY = "sed -i 's/^hosts:.*/hosts: files resolve [!UNAVAIL=return] dns/' /etc/nsswitch.conf";
const ANEW = "rm -rf /var/lib/drover /etc/resolv.conf*";

/** Brings the lab up with both servers. */
export async function raiseResolver(lab: Lab): Promise<ResolverBench> {
  await lab.down();
  await lab.up("--only", `${HOST},dns1`);
  const elsewhere = "www IN A 192.0.2.80\n";
  await startNamed(lab, {
    name: "theirs",
    address: THEIRS,
    zone: "elsewhere.test",
    records: elsewhere,
    more: "recursion no;",
  });
  const records = `app2 IN A 192.168.56.22\n_orders._tcp IN SRV 0 1 8080 app2\n`;
  const more = `recursion yes; allow-recursion { any; }; forward only; forwarders { ${THEIRS}; };`;
  await startNamed(lab, { name: "ours", address: OURS, zone: ZONE, records, more });
  const { drive, gather, sh } = driver(lab);
  const go: ResolverBench["go"] = (action, options) => drive(operateResolver(action), options);
  return {
    lab,
    sh,
    go,
    install: (model = MODEL) => go({ kind: "resolver.install", host: HOST, model }),
    restore: (model = null) => go({ kind: "resolver.restore", host: HOST, model }),
    diff: async (model = MODEL) => diffResolver(HOST, model, await gather(HOST, resolverFact)),
    state: () => sh(HOST, STATE),
    plain: async () => {
      const lay = "cat > /etc/resolv.conf; chgrp adm /etc/resolv.conf; chmod 664 /etc/resolv.conf";
      const { stdout } = await lab.exec(HOST, ["sh", "-c", `${ANEW}; ${lay}; ${STATE}`], { stdin: PLAIN });
      return stdout;
    },
    resolved: () =>
      sh(
        HOST,
        `${ANEW}; systemctl start systemd-resolved; ${NAMED_BY}; ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf; ${STATE}`,
      ),
  };
}

interface Served {
  readonly name: string;
  readonly address: string;
  readonly zone: string;
  readonly records: string;
  readonly more: string;
}

const CONF = ({ name, address, zone, more }: Served): string => `
options {
  directory "/run/${name}"; pid-file "/run/${name}/pid"; session-keyfile "/run/${name}/session.key";
  listen-on { ${address.includes(":") ? "none" : address}; }; listen-on-v6 { ${address.includes(":") ? address : "none"}; };
  dnssec-validation no; empty-zones-enable no; ${more}
};
controls {};
zone "${zone}" { type primary; file "zone"; };
`;
const RECORDS = (records: string): string => `$TTL 5
@ IN SOA dns1 hostmaster 1 3600 600 86400 5
@ IN NS dns1
dns1 IN A ${OURS}
${records}`;

async function startNamed(lab: Lab, served: Served): Promise<void> {
  const { name, address, zone } = served;
  const files = `mkdir -p /run/${name}; cd /run/${name}; printf %s "$1" > named.conf; printf %s "$2" > zone; chown -R bind .`;
  const run = `systemd-run -q --unit=${name} /usr/sbin/named -f -u bind -c /run/${name}/named.conf`;
  const started = await lab.exec("dns1", ["sh", "-c", `${files}; ${run}`, "sh", CONF(served), RECORDS(served.records)]);
  if (started.code !== 0) throw new Error(started.stderr);
  await until(`${name} answers`, async () => {
    const { stdout } = await lab.exec("dns1", ["dig", "+short", "+time=1", `@${address}`, zone, "SOA"]);
    return stdout.includes("hostmaster");
  });
}
