import type { FirewallMatch, FirewallModel, FirewallRule, PortRange } from "../../../src/model/firewall.ts";

type Peers = FirewallRule["peers"];

/** A port is a number, a range two. */
function ports(...each: readonly (number | readonly [number, number])[]): readonly PortRange[] {
  return each.map((port) => (typeof port === "number" ? { from: port, to: port } : { from: port[0], to: port[1] }));
}

/** TCP at these ports. */
export function tcp(...each: readonly (number | readonly [number, number])[]): FirewallMatch {
  return { protocol: "tcp", ports: ports(...each) };
}

/** UDP at these ports. */
export function udp(...each: readonly (number | readonly [number, number])[]): FirewallMatch {
  return { protocol: "udp", ports: ports(...each) };
}

function rule(direction: "in" | "out", source: string, peers: Peers, match: FirewallMatch): FirewallRule {
  return { direction, source, peers, match, apps: [], sever: false };
}

/** Lets these peers in. */
export function incoming(source: string, peers: Peers, match: FirewallMatch): FirewallRule {
  return rule("in", source, peers, match);
}

/** Lets the host out to these peers. */
export function outgoing(source: string, peers: Peers, match: FirewallMatch): FirewallRule {
  return rule("out", source, peers, match);
}

/** A host that lets everything go out. */
export function model(...rules: readonly FirewallRule[]): FirewallModel {
  return { rules, egress: false, log: true };
}

function isolated(...rules: readonly FirewallRule[]): FirewallModel {
  return { ...model(...rules), egress: true };
}

/** So many hosts of 10.0.9.0/24, and as many of fd00:9::/64. */
export function hosts(count: number): readonly string[] {
  const v4 = Array.from({ length: count }, (_, index) => `10.0.9.${String(2 * index + 1)}/32`);
  return [...v4, ...Array.from({ length: count }, (_, index) => `fd00:9::${(2 * index + 1).toString(16)}/128`)];
}

const SSH = incoming("fleet/ssh:0", ["192.168.56.1/32"], tcp(22));

/** One folder beside this file each. */
export const CASES: Readonly<Record<string, FirewallModel>> = {
  empty: model(),
  "without-log": { ...model(SSH), log: false },
  anyone: model(SSH, incoming("fleet/balancer/edge:0", "anyone", tcp(80, 443))),
  "whole-family": model(incoming("public:0", ["0.0.0.0/0"], tcp(80)), incoming("public:1", ["::/0"], tcp(81))),
  "few-peers": model(SSH, incoming("orders-db:0", hosts(2), tcp(5432))),
  "eight-peers": model(incoming("orders-db:0", hosts(8), tcp(5432))),
  "nine-peers": model(SSH, incoming("orders-db:0", hosts(9), tcp(5432)), incoming("orders-db:1", hosts(9), udp(514))),
  // 10.1.0.0/16 without 10.1.9.0/24: eight prefixes.
  except: model(
    incoming(
      "office:0",
      [
        "10.1.0.0/21",
        "10.1.8.0/24",
        "10.1.10.0/23",
        "10.1.12.0/22",
        "10.1.16.0/20",
        "10.1.32.0/19",
        "10.1.64.0/18",
        "10.1.128.0/17",
      ],
      tcp(22),
    ),
  ),
  "sixteen-ports": model(
    incoming("many:0", ["10.0.0.1/32"], tcp(...Array.from({ length: 16 }, (_, index) => 1000 + 2 * index))),
    incoming("many:1", ["10.0.0.2/32"], tcp(...Array.from({ length: 14 }, (_, i) => 2000 + 2 * i), [3000, 3010], 4000)),
  ),
  ranges: model(
    incoming("ranges:0", ["10.0.0.1/32"], tcp([8000, 8010])),
    incoming("ranges:1", ["10.0.0.1/32"], tcp(22, [9000, 9009])),
    incoming("ranges:2", ["10.0.0.2/32"], tcp([0, 65_535])),
    incoming("ranges:3", ["10.0.0.3/32"], tcp([0, 21], [23, 65_535])),
  ),
  udp: model(
    incoming("syslog:0", ["10.0.0.0/24"], udp(5140)),
    incoming("syslog:1", ["10.0.1.0/24"], { protocol: "udp", ports: null }),
    incoming("syslog:2", ["10.0.2.0/24"], { protocol: "any" }),
  ),
  "egress-isolated": isolated(
    SSH,
    outgoing("fleet/dns:0", ["10.0.0.53/32", "fd00::53/128"], tcp(53)),
    outgoing("fleet/dns:0", ["10.0.0.53/32", "fd00::53/128"], udp(53)),
    outgoing("out:0", hosts(9), tcp(443)),
    outgoing("out:1", "anyone", tcp(123)),
  ),
  vrrp: isolated(
    incoming("fleet/vrrp/edge:0", ["192.168.56.12/32", "fd00:56::12/128"], { protocol: "vrrp" }),
    outgoing("fleet/vrrp/edge:0", ["192.168.56.12/32", "fd00:56::12/128"], { protocol: "vrrp" }),
  ),
  "only-ipv4": model(incoming("old:0", ["10.0.0.0/8"], tcp(80))),
  "only-ipv6": model(incoming("new:0", ["2001:db8::/32"], tcp(80))),
  // What is left: the widest of each, of equals the first source, and the second of two that only overlap.
  minimal: model(
    incoming("a:0", ["10.0.0.0/8"], tcp(80)),
    incoming("a:1", ["10.1.0.0/16"], tcp(80)),
    incoming("b:0", ["10.0.0.0/8"], tcp(80)),
    incoming("b:1", ["10.2.0.0/16"], tcp(80, 81)),
    incoming("c:0", ["10.3.0.0/16", "fd00::1/128"], { protocol: "any" }),
    incoming("c:1", ["10.3.1.0/24"], tcp(22)),
    incoming("c:2", ["10.3.1.0/24"], { protocol: "vrrp" }),
    incoming("c:3", ["10.3.1.0/24", "fd00::1/128", "fd00::2/128"], udp(53)),
    incoming("d:0", hosts(10), tcp(9000)),
    incoming("d:1", hosts(2), tcp(9000)),
    incoming("d:2", hosts(9), tcp([9000, 9001])),
    incoming("e:0", ["10.4.0.1/32", "10.4.0.2/32"], tcp(70)),
    incoming("e:1", ["10.4.0.2/32", "10.4.0.3/32"], tcp(70)),
  ),
};
