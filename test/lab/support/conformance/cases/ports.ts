/** Ports by number, range, protocol and name. */
import type { Case } from "../case.ts";

const hosts = { db1: "role=db", app1: "role=app" };
const open = (ports: string): string =>
  `policies: {db: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: ${ports}}]}}`;

export const PORTS: readonly Case[] = [
  {
    title: "a number is a port of TCP and not of UDP",
    fleet: { hosts, firewall: open("[5432]") },
    probes: `app1 -> db1: 5432 yes; 5431 5433 udp/5432 other no`,
  },
  {
    title: "a number of UDP is none of TCP",
    fleet: { hosts, firewall: open("[udp/5432]") },
    probes: `app1 -> db1: udp/5432 yes; 5432 udp/5433 no`,
  },
  {
    title: "a range includes both its ends",
    fleet: { hosts, firewall: open("[8000-8010]") },
    probes: `app1 -> db1: 8000 8005 8010 yes; 7999 8011 udp/8005 no`,
  },
  {
    title: "a range of UDP",
    fleet: { hosts, firewall: open("[udp/8000-8010]") },
    probes: `app1 -> db1: udp/8000 udp/8010 yes; udp/7999 udp/8011 8005 no`,
  },
  {
    title: "ranges that touch and overlap are all of their ports and no other",
    fleet: { hosts, firewall: open("[8000-8010, 8005-8020, 8021, 8023]") },
    probes: `app1 -> db1: 8000 8010 8011 8020 8021 8023 yes; 7999 8022 8024 no`,
  },
  {
    title: "every port of TCP and nothing else",
    fleet: { hosts, firewall: open(`["tcp/*"]`) },
    probes: `app1 -> db1: 1 5432 65535 yes; udp/1 udp/65535 other no`,
  },
  {
    title: "every port of UDP and nothing else",
    fleet: { hosts, firewall: open(`["udp/*"]`) },
    probes: `app1 -> db1: udp/1 udp/65535 yes; 1 65535 other no`,
  },
  {
    title: "any port is any protocol too",
    fleet: { hosts, firewall: open("any") },
    probes: `
      app1 -> db1: 1 udp/65535 other yes
      stranger -> db1: 1 udp/65535 other no
    `,
  },
  {
    title: "an empty list of ports is none",
    fleet: { hosts, firewall: `policies: {db: {hosts: role=db, ingress: [{from: anyone, ports: []}]}}` },
    probes: `app1, stranger -> db1: 5432 udp/53 other no`,
  },
  {
    title: "an empty list of ports lets nothing out either",
    fleet: { hosts, firewall: `policies: {app: {hosts: role=app, egress: [{to: anyone, ports: []}]}}` },
    probes: `app1 -> stranger: 443 udp/53 other no`,
  },
  {
    title: "of several ports one has to match, each with its own protocol",
    fleet: { hosts, firewall: open("[5432, udp/514, 9000-9001]") },
    probes: `app1 -> db1: 5432 udp/514 9000 9001 yes; 514 udp/5432 udp/9000 9002 no`,
  },
  {
    title: "more ports than one rule of iptables takes, with gaps between them",
    fleet: {
      hosts,
      firewall: open(
        "[1001, 1003, 1005, 1007, 1009, 1011, 1013, 1015, 1017, 1019, 1021, 1023, 1025, 1027, 1029, 1031, 1033, 1035-1039, 1041]",
      ),
    },
    probes: `app1 -> db1: 1001 1003 1015 1027 1029 1031 1033 1035 1037 1039 1041 yes; 1000 1002 1016 1028 1030 1034 1040 1042 no`,
  },
  {
    title: "more ranges than one rule of iptables takes",
    fleet: {
      hosts,
      firewall: open(
        "[2000-2001, 2010-2011, 2020-2021, 2030-2031, 2040-2041, 2050-2051, 2060-2061, 2070-2071, 2080-2081, 2090]",
      ),
    },
    probes: `app1 -> db1: 2000 2001 2031 2060 2061 2070 2071 2080 2081 2090 yes; 1999 2002 2032 2062 2072 2082 2089 2091 no`,
  },
  {
    title: "the lowest and the highest port",
    fleet: { hosts, firewall: open("[1, 65535, udp/1-65535]") },
    probes: `app1 -> db1: 1 65535 udp/1 udp/30000 udp/65535 yes; 2 65534 other no`,
  },
  {
    title: "a name is the port that each destination calls so",
    fleet: {
      hosts: { a1: "role=a", b1: "role=b", c1: "role=c", mon1: "role=monitor" },
      apps: {
        ants: "hosts: role=a\nports: {stats: 9001}",
        bees: "hosts: role=b\nports: {stats: 9002}",
        cats: "hosts: role=c\nports: {other: 9001}",
      },
      firewall: `policies: {stats: {hosts: "@host=*", ingress: [{from: [{hosts: role=monitor}], ports: [stats]}]}}`,
    },
    probes: `
      mon1 -> a1: 9001 yes; 9002 udp/9001 no
      mon1 -> b1: 9002 yes; 9001 no
      mon1 -> c1: 9001 9002 no
    `,
  },
  {
    title: "a name is resolved at the destination also where the source has a port of that name",
    fleet: {
      hosts: { a1: "role=a", mon1: "role=monitor" },
      apps: { ants: "hosts: role=a\nports: {stats: 9001}", moles: "hosts: role=monitor\nports: {stats: 9009}" },
      firewall: `policies: {stats: {hosts: role=a, ingress: [{from: [{hosts: role=monitor}], ports: [stats]}]}}`,
    },
    probes: `mon1 -> a1: 9001 yes; 9009 no`,
  },
  {
    title: "for what goes out a name is the destination's too",
    fleet: {
      hosts: { a1: "role=a", b1: "role=b", mon1: "role=monitor" },
      apps: {
        ants: "hosts: role=a\nports: {stats: 9001}",
        bees: "hosts: role=b\nports: {stats: 9002}",
        moles: "hosts: role=monitor\nports: {stats: 9009}",
      },
      firewall: `
        policies:
          out: {hosts: role=monitor, egress: [{to: [{hosts: "role in (a, b)"}], ports: [stats]}]}
          in: {hosts: "role in (a, b)", ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `
      mon1 -> a1: 9001 yes; 9002 9009 no
      mon1 -> b1: 9002 yes; 9001 9009 no
      mon1 -> stranger: 9001 9002 9009 no
    `,
  },
  {
    title: "a name has the protocol that its app says",
    fleet: {
      hosts: { log1: "role=log", app1: "role=app" },
      apps: { logger: "hosts: role=log\nports: {syslog: udp/5140, query: 5141}" },
      firewall: `policies: {log: {hosts: role=log, ingress: [{from: [{hosts: role=app}], ports: [syslog, query]}]}}`,
    },
    probes: `app1 -> log1: udp/5140 5141 yes; 5140 udp/5141 no`,
  },
  {
    title: "a name with a protocol picks those ports of that name which have it",
    fleet: {
      hosts: { log1: "role=log", log2: "role=log", app1: "role=app" },
      apps: {
        logger: `hosts: "@host=log1"\nports: {feed: udp/5140}`,
        reader: `hosts: "@host=log2"\nports: {feed: 5150}`,
      },
      firewall: `policies: {log: {hosts: role=log, ingress: [{from: [{hosts: role=app}], ports: [tcp/feed]}]}}`,
    },
    probes: `
      app1 -> log1: 5140 udp/5140 no
      app1 -> log2: 5150 yes; udp/5150 no
    `,
  },
  {
    title: "an app's own port is called as the app",
    fleet: {
      hosts: { a1: "role=a", b1: "role=b", mon1: "role=monitor" },
      apps: { shop: "hosts: role=a\nport: 8080\nports: {stats: 9001}" },
      firewall: `policies: {shop: {hosts: "role in (a, b)", ingress: [{from: [{hosts: role=monitor}], ports: [shop]}]}}`,
    },
    probes: `
      mon1 -> a1: 8080 yes; 9001 udp/8080 no
      mon1 -> b1: 8080 no
    `,
  },
  {
    title: "a name towards a network opens nothing, a number does",
    fleet: {
      hosts: { a1: "role=a 10.3.0.1", app1: "role=app 10.3.0.2" },
      apps: { ants: "hosts: role=a\nports: {stats: 9001}" },
      firewall: `
        policies:
          out: {hosts: role=app, egress: [{to: [{cidr: 10.3.0.0/16}], ports: [stats, 9002]}]}
          in: {hosts: role=a, ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `app1 -> a1: 9002 yes; 9001 no`,
  },
  {
    title: "a name from a network opens what the host that is asked calls so",
    fleet: {
      hosts: { a1: "role=a" },
      apps: { ants: "hosts: role=a\nports: {stats: 9001}" },
      firewall: `policies: {in: {hosts: role=a, ingress: [{from: [{cidr: 203.0.113.0/24}], ports: [stats]}]}}`,
    },
    probes: `
      stranger -> a1 v4: 9001 yes; 9002 no
      stranger -> a1 v6: 9001 no
    `,
  },
  {
    title: "two apps on one host with the same name for a port: both are meant",
    fleet: {
      hosts: { a1: "role=a", mon1: "role=monitor" },
      apps: { ants: "hosts: role=a\nports: {stats: 9001}", bees: "hosts: role=a\nports: {stats: 9002}" },
      firewall: `policies: {in: {hosts: role=a, ingress: [{from: [{hosts: role=monitor}], ports: [stats]}]}}`,
    },
    probes: `mon1 -> a1: 9001 9002 yes; 9003 no`,
  },
  {
    title: "where the policy is for one app, a name is that app's alone",
    fleet: {
      hosts: { a1: "role=a", mon1: "role=monitor" },
      apps: { ants: "hosts: role=a\nports: {stats: 9001}", bees: "hosts: role=a\nports: {stats: 9002}" },
      firewall: `policies: {in: {app: ants, ingress: [{from: [{hosts: role=monitor}], ports: [stats]}]}}`,
    },
    probes: `mon1 -> a1: 9001 yes; 9002 no`,
  },
  {
    title: "where the destination is one app, a name is that app's alone",
    fleet: {
      hosts: { a1: "role=a", mon1: "role=monitor" },
      apps: { ants: "hosts: role=a\nports: {stats: 9001}", bees: "hosts: role=a\nports: {stats: 9002}" },
      firewall: `
        policies:
          out: {hosts: role=monitor, egress: [{to: [{app: bees}], ports: [stats]}]}
          in: {hosts: role=a, ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `mon1 -> a1: 9002 yes; 9001 no`,
  },
  {
    title: "names and numbers in one list",
    fleet: {
      hosts: { a1: "role=a", b1: "role=b", mon1: "role=monitor" },
      apps: { ants: "hosts: role=a\nports: {stats: 9001}", bees: "hosts: role=b\nports: {stats: udp/9002}" },
      firewall: `policies: {in: {hosts: "role in (a, b)", ingress: [{from: [{hosts: role=monitor}], ports: [stats, 7000-7001]}]}}`,
    },
    probes: `
      mon1 -> a1: 9001 7000 7001 yes; udp/9002 udp/7000 no
      mon1 -> b1: udp/9002 7000 7001 yes; 9001 9002 no
    `,
  },
  {
    title: "out to anyone by a name: what each host of the fleet calls so, and nothing beyond",
    fleet: {
      hosts: { a1: "role=a", b1: "role=b", mon1: "role=monitor" },
      apps: { ants: "hosts: role=a\nports: {stats: 9001}", bees: "hosts: role=b\nports: {stats: 9002}" },
      firewall: `
        policies:
          out: {hosts: role=monitor, egress: [{to: anyone, ports: [stats]}]}
          in: {hosts: "role in (a, b)", ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `
      mon1 -> a1: 9001 yes; 9002 no
      mon1 -> b1: 9002 yes; 9001 no
      mon1 -> stranger: 9001 9002 no
    `,
  },
];
