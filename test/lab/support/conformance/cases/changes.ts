/** A fleet that changes: labels, places, ports, policies, addresses. Streams that are open meanwhile: streams.ts. */
import type { Case } from "../case.ts";

const hosts = { db1: "role=db", app1: "role=app", app2: "role=spare" };
const open = "policies: {db: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}}";
const talk = {
  hosts: { db1: "role=db", db2: "role=db2", web1: "role=web" },
  apps: { orders: `hosts: "@host=db1"\nport: 5432`, shop: "hosts: role=web\ntalksTo: [orders]" },
};

export const CHANGES: readonly Case[] = [
  {
    title: "a peer that gets the label is let in, one that loses it is not any more",
    fleet: { hosts, firewall: open },
    probes: `
      app1 -> db1: 5432 yes
      app2 -> db1: 5432 no
    `,
    changes: [
      {
        what: "the labels change places",
        fleet: { hosts: { ...hosts, app1: "role=spare", app2: "role=app" } },
        probes: `
          app1 -> db1: 5432 no
          app2 -> db1: 5432 yes
        `,
      },
    ],
  },
  {
    title: "a host that gets the label is isolated, one that loses it is not any more",
    fleet: { hosts, firewall: "policies: {app: {hosts: role=app, egress: []}}" },
    probes: `
      app1 -> stranger: 443 no
      app2 -> stranger: 443 yes
    `,
    changes: [
      {
        what: "the labels change places",
        fleet: { hosts: { ...hosts, app1: "role=spare", app2: "role=app" } },
        probes: `
          app1 -> stranger: 443 yes
          app2 -> stranger: 443 no
        `,
      },
    ],
  },
  {
    title: "a policy is added, updated and removed",
    fleet: { hosts },
    probes: `app1 -> db1: 5432 5433 no`,
    changes: [
      { what: "added", fleet: { firewall: open }, probes: `app1 -> db1: 5432 yes; 5433 no` },
      {
        what: "another port",
        fleet: { firewall: open.replace("5432", "5433") },
        probes: `app1 -> db1: 5433 yes; 5432 no`,
      },
      {
        what: "another peer",
        fleet: { firewall: open.replace("5432", "5433").replace("role=app", "role=spare") },
        probes: `
          app1 -> db1: 5433 no
          app2 -> db1: 5433 yes
        `,
      },
      { what: "removed", fleet: { firewall: "policies: {}" }, probes: `app1, app2 -> db1: 5432 5433 no` },
    ],
  },
  {
    title: "of two policies one is removed, and the other stays",
    fleet: {
      hosts,
      firewall: `
        policies:
          a: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432, 5433]}]}
          b: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5433, 5434]}]}
      `,
    },
    probes: `app1 -> db1: 5432 5433 5434 yes; 5435 no`,
    changes: [
      {
        what: "a is removed",
        fleet: {
          firewall: `policies: {b: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5433, 5434]}]}}`,
        },
        probes: `app1 -> db1: 5433 5434 yes; 5432 no`,
      },
    ],
  },
  {
    title: "isolation for egress ends with the policy",
    fleet: { hosts, firewall: "policies: {app: {hosts: role=app, egress: []}}" },
    probes: `app1 -> stranger: 443 udp/53 no`,
    changes: [{ what: "removed", fleet: { firewall: "" }, probes: `app1 -> stranger: 443 udp/53 yes` }],
  },
  {
    title: "an exception is added and taken back",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10" },
      firewall: "policies: {db: {hosts: role=db, ingress: [{from: [{cidr: 203.0.113.0/24}], ports: [5432]}]}}",
    },
    probes: `stranger -> db1: 5432 yes`,
    changes: [
      {
        what: "excepted",
        fleet: {
          firewall:
            "policies: {db: {hosts: role=db, ingress: [{from: [{cidr: 203.0.113.0/24, except: [203.0.113.0/28]}], ports: [5432]}]}}",
        },
        probes: `stranger -> db1: 5432 no`,
      },
      {
        what: "taken back",
        fleet: {
          firewall: "policies: {db: {hosts: role=db, ingress: [{from: [{cidr: 203.0.113.0/24}], ports: [5432]}]}}",
        },
        probes: `stranger -> db1: 5432 yes`,
      },
    ],
  },
  {
    title: "an instance moves, and what was open moves along",
    fleet: talk,
    probes: `
      web1 -> db1: 5432 yes
      web1 -> db2: 5432 no
    `,
    changes: [
      {
        what: "to db2",
        fleet: { apps: { ...talk.apps, orders: `hosts: "@host=db2"\nport: 5432` } },
        probes: `
          web1 -> db1: 5432 no
          web1 -> db2: 5432 yes
        `,
      },
    ],
  },
  {
    title: "an instance is added, and the first stays reachable",
    fleet: talk,
    probes: `web1 -> db2: 5432 no`,
    changes: [
      {
        what: "on db2",
        fleet: { apps: { ...talk.apps, orders: `hosts: "@host in (db1, db2)"\nport: 5432` } },
        probes: `web1 -> db1, db2: 5432 yes; 5433 no`,
      },
    ],
  },
  {
    title: "the app that talks moves, and its old host is not let in any more",
    fleet: { ...talk, hosts: { ...talk.hosts, web2: "role=web2" } },
    probes: `
      web1 -> db1: 5432 yes
      web2 -> db1: 5432 no
    `,
    changes: [
      {
        what: "to web2",
        fleet: { apps: { ...talk.apps, shop: "hosts: role=web2\ntalksTo: [orders]" } },
        probes: `
          web1 -> db1: 5432 no
          web2 -> db1: 5432 yes
        `,
      },
    ],
  },
  {
    title: "an app changes its port",
    fleet: talk,
    probes: `web1 -> db1: 5432 yes; 6432 no`,
    changes: [
      {
        what: "to 6432",
        fleet: { apps: { ...talk.apps, orders: `hosts: "@host=db1"\nport: 6432` } },
        probes: `web1 -> db1: 6432 yes; 5432 no`,
      },
    ],
  },
  {
    title: "a port keeps its name and changes its number",
    fleet: {
      hosts,
      apps: { orders: "hosts: role=db\nports: {stats: 9001}" },
      firewall: open.replace("5432", "stats"),
    },
    probes: `app1 -> db1: 9001 yes; 9002 no`,
    changes: [
      {
        what: "to 9002",
        fleet: { apps: { orders: "hosts: role=db\nports: {stats: 9002}" } },
        probes: `app1 -> db1: 9002 yes; 9001 no`,
      },
    ],
  },
  {
    title: "an app stops talking to another, and then there is no such app",
    fleet: talk,
    probes: `web1 -> db1: 5432 yes`,
    changes: [
      {
        what: "stops talking",
        fleet: { apps: { ...talk.apps, shop: "hosts: role=web" } },
        probes: `web1 -> db1: 5432 no`,
      },
      { what: "gone", fleet: { apps: {} }, probes: `web1, stranger -> db1: 5432 no` },
    ],
  },
  {
    title: "a host that left the inventory is let in no more",
    fleet: { hosts: { ...hosts, app2: "role=app" }, firewall: open },
    probes: `app1, app2 -> db1: 5432 yes`,
    changes: [
      {
        what: "app2 leaves",
        fleet: { hosts: { db1: hosts.db1, app1: hosts.app1 } },
        probes: `
          app1 -> db1: 5432 yes
          app2 -> db1: 5432 22 no
        `,
      },
    ],
  },
  {
    title: "who gets the address of somebody else does not get what that one had",
    fleet: { hosts: { db1: "role=db", app1: "role=app", app2: "role=app 10.0.0.50 fd00::50" }, firewall: open },
    probes: `app2 -> db1: 5432 yes`,
    changes: [
      {
        what: "app2 leaves, and its address is a monitor's",
        fleet: { hosts: { db1: "role=db", app1: "role=app", mon1: "role=monitor 10.0.0.50 fd00::50" } },
        probes: `
          app1 -> db1: 5432 yes
          mon1 -> db1: 5432 no
        `,
      },
    ],
  },
  {
    title: "a host gets another address",
    fleet: { hosts: { db1: "role=db", app1: "role=app 10.0.0.50 fd00::50" }, firewall: open },
    outside: { nobody: "10.0.0.99" },
    probes: `app1 -> db1: 5432 yes`,
    changes: [
      {
        what: "another address",
        fleet: { hosts: { db1: "role=db", app1: "role=app 10.0.0.51 fd00::51" } },
        probes: `app1 -> db1: 5432 yes`,
      },
      {
        what: "the old one is another host's",
        fleet: { hosts: { db1: "role=db", app1: "role=app 10.0.0.51 fd00::51", x1: "role=x 10.0.0.50 fd00::50" } },
        probes: `
          app1 -> db1: 5432 yes
          x1 -> db1: 5432 no
        `,
      },
    ],
  },
  {
    title: "two hosts swap their addresses, and each is who it is",
    fleet: {
      hosts: { db1: "role=db", app1: "role=app 10.0.0.50 fd00::50", x1: "role=x 10.0.0.51 fd00::51" },
      firewall: open,
    },
    probes: `
      app1 -> db1: 5432 yes
      x1 -> db1: 5432 no
    `,
    changes: [
      {
        what: "swapped",
        fleet: { hosts: { db1: "role=db", app1: "role=app 10.0.0.51 fd00::51", x1: "role=x 10.0.0.50 fd00::50" } },
        probes: `
          app1 -> db1: 5432 yes
          x1 -> db1: 5432 no
        `,
      },
    ],
  },
  {
    title: "a new host is let in where its label is, and lets in nobody by itself",
    fleet: { hosts, firewall: open },
    probes: `app1 -> db1: 5432 yes`,
    changes: [
      {
        what: "app3 and db2 arrive",
        fleet: { hosts: { ...hosts, app3: "role=app", db2: "role=db" } },
        probes: `
          app1, app3 -> db1, db2: 5432 yes; 5433 no
          app1 -> app3: 5432 no
        `,
      },
    ],
  },
  {
    title: "a group grows beyond what rules name one by one, and shrinks again",
    fleet: {
      hosts: group(8),
      firewall: "policies: {db: {hosts: role=db, ingress: [{from: [{hosts: role=w}], ports: [5432]}]}}",
    },
    probes: `w0, w7 -> db1: 5432 yes`,
    changes: [
      { what: "ten", fleet: { hosts: group(10) }, probes: `w0, w8, w9 -> db1: 5432 yes; 5433 no` },
      {
        what: "nine",
        fleet: { hosts: group(9) },
        probes: `
          w0, w8 -> db1: 5432 yes
          w9 -> db1: 5432 no
        `,
      },
      {
        what: "seven",
        fleet: { hosts: group(7) },
        probes: `
          w0, w6 -> db1: 5432 yes
          w7, w8, w9 -> db1: 5432 no
        `,
      },
    ],
  },
  {
    title: "a balancer is replaced by another",
    fleet: {
      hosts: { lb1: "role=lb", lb2: "role=spare", web1: "role=web" },
      apps: { shop: "hosts: role=web\nport: 8080\nroutes: [{lb: edge, host: shop.test, tls: none}]" },
      balancers: "edge: {hosts: role=lb}",
    },
    probes: `
      lb1 -> web1: 8080 yes
      lb2 -> web1: 8080 no
      stranger -> lb1: 443 yes
      stranger -> lb2: 443 no
    `,
    changes: [
      {
        what: "lb2 takes over",
        fleet: { hosts: { lb1: "role=spare", lb2: "role=lb", web1: "role=web" } },
        probes: `
          lb2 -> web1: 8080 yes
          lb1 -> web1: 8080 no
          stranger -> lb2: 443 yes
          stranger -> lb1: 443 no
        `,
      },
    ],
  },
  {
    title: "operators come from elsewhere",
    fleet: { hosts },
    outside: { office: "198.51.100.5" },
    probes: `
      operator -> db1: 22 yes
      office -> db1: 22 no
    `,
    changes: [
      {
        what: "from the office",
        fleet: { admin: "198.51.100.0/24" },
        probes: `
          operator -> db1: 22 no
          office -> db1: 22 yes
        `,
      },
    ],
  },
  {
    title: "a firewall comes to a fleet that had none, and goes again",
    fleet: { hosts, firewall: null },
    probes: `app1, stranger -> db1: 5432 22 yes`,
    changes: [
      {
        what: "it comes",
        fleet: { firewall: open },
        probes: `
          app1 -> db1: 5432 yes; 22 no
          stranger -> db1: 5432 22 no
        `,
      },
      { what: "it goes", fleet: { firewall: null }, probes: `app1, stranger -> db1: 5432 22 yes` },
    ],
  },
];

function group(size: number): Readonly<Record<string, string>> {
  const members = Array.from({ length: size }, (_, index) => [
    `w${String(index)}`,
    `role=w 10.5.${String(index)}.1 fd05:${String(index)}::1`,
  ]);
  return Object.fromEntries([["db1", "role=db"], ...members]) as Readonly<Record<string, string>>;
}
