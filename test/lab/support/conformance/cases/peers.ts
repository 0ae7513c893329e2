/** Who is at the other end: selectors, apps, networks and what is taken out of them. */
import type { Case } from "../case.ts";

const hosts = { db1: "role=db", app1: "role=app zone=a", app2: "role=app zone=b", web1: "role=web zone=a" };
const open = (peers: string): string => `policies: {db: {hosts: role=db, ingress: [{from: ${peers}, ports: [5432]}]}}`;

export const PEERS: readonly Case[] = [
  {
    title: "the parts of one selector all have to match",
    fleet: { hosts, firewall: open(`[{hosts: "role=app,zone=a"}]`) },
    probes: `
      app1 -> db1: 5432 yes
      app2, web1, stranger -> db1: 5432 no
    `,
  },
  {
    title: "of several peers one has to match",
    fleet: { hosts, firewall: open(`[{hosts: "zone=b"}, {hosts: role=web}, {cidr: 203.0.113.0/24}]`) },
    probes: `
      app2, web1 -> db1: 5432 yes
      app1 -> db1: 5432 no
      stranger -> db1 v4: 5432 yes
      stranger -> db1 v6: 5432 no
    `,
  },
  {
    title: "a selector may list values",
    fleet: { hosts: { ...hosts, mon1: "role=monitor" }, firewall: open(`[{hosts: "role in (web, monitor)"}]`) },
    probes: `
      web1, mon1 -> db1: 5432 yes
      app1, app2 -> db1: 5432 no
    `,
  },
  {
    title: "a selector may exclude, and a host without the tag is not excluded",
    fleet: { hosts: { ...hosts, bare1: "" }, firewall: open(`[{hosts: "role notin (app)"}, {hosts: "!role"}]`) },
    probes: `
      web1, bare1 -> db1: 5432 yes
      app1, app2, stranger -> db1: 5432 no
    `,
  },
  {
    title: "a selector may ask whether a tag is there",
    fleet: { hosts, firewall: open(`[{hosts: zone}]`) },
    probes: `
      app1, app2, web1 -> db1: 5432 yes
      stranger -> db1: 5432 no
    `,
  },
  {
    title: "all hosts are those of the inventory and nobody else",
    fleet: { hosts, firewall: open(`[{hosts: "@host=*"}]`) },
    outside: { neighbour: "10.0.0.99 fd00::99" },
    probes: `
      app1, app2, web1 -> db1: 5432 yes
      stranger, operator, neighbour -> db1: 5432 no
    `,
  },
  {
    title: "anyone is everybody, of no inventory too",
    fleet: { hosts, firewall: open("anyone") },
    probes: `app1, stranger, operator -> db1: 5432 yes; 5433 udp/5432 no`,
  },
  {
    title: "an empty list of peers is nobody, whatever the ports",
    fleet: { hosts, firewall: `policies: {db: {hosts: role=db, ingress: [{from: [], ports: any}]}}` },
    probes: `app1, stranger -> db1: 5432 udp/53 other no`,
  },
  {
    title: "an empty list of destinations is nowhere",
    fleet: { hosts, firewall: `policies: {app: {hosts: role=app, egress: [{to: [], ports: any}]}}` },
    probes: `
      app1 -> stranger: 443 udp/53 other no
      web1 -> stranger: 443 yes
    `,
  },
  {
    title: "a network is whoever has an address in it",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10", app1: "10.1.0.5", app2: "10.1.255.255", web1: "10.2.0.1" },
      firewall: open(`[{cidr: 10.1.0.0/16}]`),
    },
    outside: { inside: "10.1.3.4" },
    probes: `
      app1, app2, inside -> db1: 5432 yes
      web1, stranger -> db1: 5432 no
    `,
  },
  {
    title: "what is excepted from a network is not let in by it",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10", app1: "10.1.8.5", app2: "10.1.9.5", web1: "10.1.10.1" },
      firewall: open(`[{cidr: 10.1.0.0/16, except: [10.1.9.0/24]}]`),
    },
    probes: `
      app1, web1 -> db1: 5432 yes
      app2 -> db1: 5432 no
    `,
  },
  {
    title: "an exception denies nothing that another policy allows",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10", app2: "10.1.9.5", app3: "10.1.9.6" },
      firewall: `
        policies:
          wide: {hosts: role=db, ingress: [{from: [{cidr: 10.1.0.0/16, except: [10.1.9.0/24]}], ports: [5432]}]}
          narrow: {hosts: role=db, ingress: [{from: [{hosts: "@host=app2"}], ports: [5432]}]}
      `,
    },
    probes: `
      app2 -> db1: 5432 yes
      app3 -> db1: 5432 no
    `,
  },
  {
    title: "an exception is one of its own peer only",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10", app1: "10.1.9.5", app2: "10.1.9.100" },
      firewall: open(`[{cidr: 10.1.0.0/16, except: [10.1.9.0/24]}, {cidr: 10.1.9.0/28}]`),
    },
    probes: `
      app1 -> db1: 5432 yes
      app2 -> db1: 5432 no
    `,
  },
  {
    title: "a single address may be excepted, and its neighbours on both sides stay",
    fleet: { hosts: { db1: "role=db 10.0.0.10" }, firewall: open(`[{cidr: 10.1.0.0/16, except: [10.1.9.7]}]`) },
    outside: { below: "10.1.9.6", out: "10.1.9.7", above: "10.1.9.8", first: "10.1.0.0", last: "10.1.255.255" },
    probes: `
      below, above, first, last -> db1: 5432 yes
      out -> db1: 5432 no
    `,
  },
  {
    title: "several exceptions, some within each other",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10" },
      firewall: open(`[{cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.1.2.0/24, 10.3.0.0/16]}]`),
    },
    outside: { one: "10.1.2.3", two: "10.2.2.3", three: "10.3.2.3", four: "10.4.2.3" },
    probes: `
      two, four -> db1: 5432 yes
      one, three -> db1: 5432 no
    `,
  },
  {
    title: "networks that overlap keep their own ports",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10" },
      firewall: `
        policies:
          wide: {hosts: role=db, ingress: [{from: [{cidr: 10.1.0.0/16}], ports: [5432]}]}
          narrow: {hosts: role=db, ingress: [{from: [{cidr: 10.1.9.0/24}], ports: [5433]}]}
      `,
    },
    outside: { wide: "10.1.1.1", narrow: "10.1.9.1" },
    probes: `
      wide -> db1: 5432 yes; 5433 no
      narrow -> db1: 5432 5433 yes; 5434 no
    `,
  },
  {
    title: "a network of IPv6 with an exception, and IPv4 is no part of it",
    fleet: {
      hosts: { db1: "role=db" },
      firewall: open(`[{cidr: "2001:db8:1::/48", except: ["2001:db8:1:ff::/64"]}]`),
    },
    outside: { in: "10.1.0.1 2001:db8:1::1", out: "10.1.0.2 2001:db8:1:ff::1", by: "10.1.0.3 2001:db8:2::1" },
    probes: `
      in -> db1 v6: 5432 yes
      out, by -> db1 v6: 5432 no
      in, out, by -> db1 v4: 5432 no
    `,
  },
  {
    title: "all of IPv4 is none of IPv6",
    fleet: { hosts: { db1: "role=db" }, firewall: open(`[{cidr: 0.0.0.0/0}]`) },
    probes: `
      stranger -> db1 v4: 5432 yes; udp/5432 no
      stranger -> db1 v6: 5432 no
    `,
  },
  {
    title: "all of IPv6 but a part is none of IPv4",
    fleet: { hosts: { db1: "role=db" }, firewall: open(`[{cidr: "::/0", except: ["fd00::/8"]}]`) },
    probes: `
      stranger -> db1 v6: 5432 yes
      operator -> db1 v6: 5432 no
      stranger, operator -> db1 v4: 5432 no
    `,
  },
  {
    title: "a bare address is a network of one",
    fleet: { hosts: { db1: "role=db 10.0.0.10" }, firewall: open(`[{cidr: 10.1.0.5}]`) },
    outside: { four: "10.1.0.4", five: "10.1.0.5", six: "10.1.0.6" },
    probes: `
      five -> db1: 5432 yes
      four, six -> db1: 5432 no
    `,
  },
  {
    title: "a network means hosts of the inventory too",
    fleet: { hosts, firewall: open(`[{cidr: 10.0.0.0/24}]`) },
    probes: `
      app1, web1 -> db1 v4: 5432 yes
      app1, web1 -> db1 v6: 5432 no
    `,
  },
  {
    title: "an app as a peer means the hosts that run it, for as many as there are",
    fleet: {
      hosts: { db1: "role=db", a1: "role=web", a2: "role=web", b1: "role=batch" },
      apps: { shop: "hosts: role=web\nport: 8080", nightly: "hosts: role=batch" },
      firewall: open("[{app: shop}]"),
    },
    probes: `
      a1, a2 -> db1: 5432 yes
      b1 -> db1: 5432 no
    `,
  },
  {
    title: "peers of one rule do not get the ports of another",
    fleet: {
      hosts,
      firewall: `
        policies:
          db:
            hosts: role=db
            ingress:
              - {from: [{hosts: role=app}], ports: [5432]}
              - {from: [{hosts: role=web}], ports: [9187]}
      `,
    },
    probes: `
      app1, app2 -> db1: 5432 yes; 9187 no
      web1 -> db1: 9187 yes; 5432 no
    `,
  },
  {
    title: "destinations of one rule do not get the ports of another",
    fleet: {
      hosts: { app1: "role=app", db1: "role=db", mq1: "role=mq" },
      firewall: `
        policies:
          app:
            hosts: role=app
            egress:
              - {to: [{hosts: role=db}], ports: [5432]}
              - {to: [{hosts: role=mq}], ports: [5672]}
          open: {hosts: "role in (db, mq)", ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `
      app1 -> db1: 5432 yes; 5672 no
      app1 -> mq1: 5672 yes; 5432 no
    `,
  },
  {
    title: "each peer of a rule gets each of its ports",
    fleet: {
      hosts,
      firewall: `policies: {db: {hosts: role=db, ingress: [{from: [{hosts: role=app}, {hosts: role=web}], ports: [5432, udp/9187]}]}}`,
    },
    probes: `app1, app2, web1 -> db1: 5432 udp/9187 yes; udp/5432 9187 no`,
  },
  {
    title: "more peers than rules should name one by one, in both families",
    fleet: {
      hosts: Object.fromEntries([
        ["db1", "role=db"],
        ...Array.from({ length: 10 }, (_, index) => [
          `w${String(index)}`,
          `role=w 10.5.${String(index)}.1 fd05:${String(index)}::1`,
        ]),
        ["other", "role=other 10.5.10.1 fd05:a::1"],
      ]) as Readonly<Record<string, string>>,
      firewall: open("[{hosts: role=w}]"),
    },
    probes: `
      w0, w1, w2, w3, w4, w5, w6, w7, w8, w9 -> db1: 5432 yes
      w0, w9 -> db1: 5433 no
      other, stranger -> db1: 5432 no
    `,
  },
  {
    title: "two large groups with some members in common",
    fleet: {
      hosts: Object.fromEntries([
        ["db1", "role=db"],
        ...Array.from({ length: 12 }, (_, index) => [
          `w${String(index)}`,
          `${index < 9 ? "x=1" : ""} ${index > 2 ? "y=1" : ""} 10.5.${String(index)}.1 fd05:${String(index)}::1`,
        ]),
      ]) as Readonly<Record<string, string>>,
      firewall: `
        policies:
          x: {hosts: role=db, ingress: [{from: [{hosts: x=1}], ports: [5432]}]}
          y: {hosts: role=db, ingress: [{from: [{hosts: y=1}], ports: [5433]}]}
      `,
    },
    probes: `
      w0, w2 -> db1: 5432 yes; 5433 no
      w3, w8 -> db1: 5432 5433 yes
      w9, w11 -> db1: 5433 yes; 5432 no
    `,
  },
  {
    title: "egress to a network without a part of it",
    fleet: {
      hosts: { app1: "role=app" },
      firewall: `policies: {app: {hosts: role=app, egress: [{to: [{cidr: 10.0.0.0/8, except: [10.7.0.0/16]}], ports: [443]}]}}`,
    },
    outside: { api: "10.8.0.1", bad: "10.7.0.1" },
    probes: `
      app1 -> api: 443 yes; 80 no
      app1 -> bad: 443 no
      app1 -> stranger: 443 no
    `,
  },
  {
    title: "egress to the hosts of an app, and to no other",
    fleet: {
      hosts: { app1: "role=app", db1: "role=db", db2: "role=db2" },
      apps: { orders: "hosts: role=db\nport: 5432" },
      firewall: `
        policies:
          app: {hosts: role=app, egress: [{to: [{app: orders}], ports: [5432]}]}
          open: {hosts: "@host=*", ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `
      app1 -> db1: 5432 yes; 5433 no
      app1 -> db2: 5432 no
    `,
  },
];
