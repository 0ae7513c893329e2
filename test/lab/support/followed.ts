// A service that drover does not roll out, and the DNS zone that names it: 90 instances in one process on app2, and a
// named of the test's own on dns1, on a port of its own.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";

export const COUNT = 90;
export const SRV = "_billing._tcp.svc.other.internal";
const ZONE = "svc.other.internal";
const BASE = 9000;
const HOST = "192.168.56.22";
export const NAMESERVER = "192.168.56.31:5353";

const CONF = `options { directory "/run/follow"; listen-on port 5353 { any; }; listen-on-v6 { none; }; pid-file "/run/follow/pid";
  recursion no; minimal-responses yes; session-keyfile none; notify no; };
controls { };
zone "${ZONE}" { type primary; file "/run/follow/zone"; allow-update { 127.0.0.1; }; };
`;

/** Every second one says weight 0, as records that do not care do. */
function record(number: number): string {
  return `SRV 0 ${String(number % 2)} ${String(BASE + number)} b${String(number)}.${ZONE}.`;
}

function zone(): string {
  const numbers = Array.from({ length: COUNT }, (_, index) => index + 1);
  const lines = numbers.flatMap((n) => [`b${String(n)} A ${HOST}`, `_billing._tcp ${record(n)}`]);
  return ["$TTL 15", "@ SOA ns root 1 60 60 600 5", "@ NS ns", "ns A 192.168.56.31", ...lines, ""].join("\n");
}

/** What a test does to the service and its names. */
export interface Followed {
  /** Starts named, or starts it again. */
  startDns(): Promise<void>;
  /** Ends named at once: its address refuses connections. */
  killDns(): Promise<void>;
  /** Changes the zone; when the server acknowledged it, in milliseconds since the epoch. */
  withdraw(number: number): Promise<number>;
  publish(number: number): Promise<number>;
  /** Ends one instance as kill -9 would, or starts it. */
  stop(number: number): Promise<void>;
  start(number: number): Promise<void>;
  /** Requests that an instance has had since it was asked last, health checks aside. */
  requests(number: number): Promise<number>;
}

/** Brings the service and its zone up, outside of everything that drover looks after. */
export async function raiseFollowed(lab: Lab): Promise<Followed> {
  const sh = async (host: string, line: string, stdin = ""): Promise<string> => {
    const { code, stdout, stderr } = await lab.exec(host, ["sh", "-c", line], { stdin });
    if (code !== 0) throw new Error(`${host}: ${line}\n${stderr}`);
    return stdout;
  };
  const program = readFileSync(join(import.meta.dirname, "endpoints.py"), "utf8");
  const startDns = async (): Promise<void> => {
    const line =
      "named -u bind -c /run/follow/named.conf && until dig +short -p 5353 @127.0.0.1 SRV $0 | grep -q .; do sleep 0.05; done";
    await sh("dns1", line.replace("$0", SRV));
  };
  const update = async (...lines: readonly string[]): Promise<number> => {
    const text = ["server 127.0.0.1 5353", `zone ${ZONE}`, ...lines, "send", ""].join("\n");
    return Number(await sh("dns1", "nsupdate && date +%s%3N", text));
  };
  const order = async (verb: string, number: number): Promise<number> =>
    Number(await sh("app2", `curl -sf http://127.0.0.1:${String(BASE)}/${verb}/${String(number)}`));
  await sh("dns1", "mkdir -p /run/follow && cat > /run/follow/named.conf", CONF);
  await sh("dns1", "cat > /run/follow/zone && chown -R bind /run/follow", zone());
  await startDns();
  await sh("app2", "mkdir -p /run/follow && cat > /run/follow/endpoints.py", program);
  const run = `systemd-run --unit=billing -p LimitNOFILE=20000 python3 /run/follow/endpoints.py ${String(BASE)} ${String(COUNT)}`;
  await sh("app2", `${run} && until curl -sf http://127.0.0.1:${String(BASE + COUNT)}/healthz; do sleep 0.05; done`);
  return {
    startDns,
    killDns: async () => void (await sh("dns1", "kill -9 $(cat /run/follow/pid)")),
    withdraw: (number) => update(`update delete ${SRV}. ${record(number)}`),
    publish: (number) => update(`update add ${SRV}. 15 ${record(number)}`),
    stop: async (number) => void (await order("stop", number)),
    start: async (number) => void (await order("start", number)),
    requests: (number) => order("count", number),
  };
}

/** Polls HAProxy: until `$found` of the servers of billing is as wanted; prints when, in milliseconds since the epoch. */
const watching = (found: string): string => String.raw`
use strict; use warnings; use IO::Socket::UNIX; use Time::HiRes qw(time sleep);
my ($what, $wanted, $limit) = @ARGV; my $until = time + $limit;
while (time < $until) {
  my $s = IO::Socket::UNIX->new("/run/haproxy/admin.sock"); print {$s} "show servers state billing\n";
  my $count = 0;
  while (<$s>) { my @c = split / /; $count++ if @c > 19 && (${found}) }
  if ($count == $wanted) { printf "%d\n", time * 1000; exit 0 }
  sleep 0.02;
}
exit 1;
`;
/** Servers of an instance that are not out of service because DNS does not name them. */
const NAMED = watching('$c[17] eq $what && $c[4] ne "-" && !($c[6] & 0x20)');
/** Servers that health checks call up. */
const UP = watching("$c[5] == 2 && !($c[6] & 0x20)");

async function watched(lab: Lab, balancer: string, argv: readonly string[]): Promise<number> {
  const { code, stdout } = await lab.exec(balancer, ["perl", "-e", ...argv]);
  return code === 0 ? Number(stdout) : Number.NaN;
}

/** When a balancer has an instance, or has it no more, in milliseconds since the epoch. */
export async function seenBy(lab: Lab, balancer: string, number: number, wanted: boolean): Promise<number> {
  const target = `b${String(number)}.${ZONE}`;
  const at = await watched(lab, balancer, [NAMED, target, wanted ? "1" : "0", "10"]);
  if (Number.isNaN(at)) throw new Error(`${balancer} ${wanted ? "does not get" : "keeps"} ${target}`);
  return at;
}

/** Waits until so many instances are up for a balancer. */
export async function areUp(lab: Lab, balancer: string, count: number): Promise<void> {
  const at = await watched(lab, balancer, [UP, "", String(count), "20"]);
  if (Number.isNaN(at)) throw new Error(`${balancer} does not come to have ${String(count)} instances up`);
}
