/** Who is isolated in which direction, and how policies add up. */
import type { Case } from "../case.ts";

const hosts = { db1: "role=db", app1: "role=app", mon1: "role=monitor" };

export const ISOLATION: readonly Case[] = [
  {
    title: "a host is isolated for ingress before any policy speaks of it",
    fleet: { hosts },
    probes: `
      app1, stranger -> db1: 5432 udp/5432 other no
      app1 -> mon1: 9090 no
    `,
  },
  {
    title: "a policy for ingress alone leaves egress open",
    fleet: {
      hosts,
      firewall: `policies: {in: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}}`,
    },
    probes: `
      db1 -> stranger: 443 udp/123 other yes
      app1 -> db1: 5432 yes; 5433 no
    `,
  },
  {
    title: "an empty ingress list isolates and lets nothing in",
    fleet: { hosts, firewall: `policies: {in: {hosts: role=db, ingress: []}}` },
    probes: `
      app1, mon1, stranger -> db1: 5432 udp/5432 other no
      db1 -> stranger: 443 yes
    `,
  },
  {
    title: "an empty egress list lets nothing out",
    fleet: {
      hosts,
      firewall: `
        policies:
          closed: {hosts: role=db, egress: []}
          open: {hosts: role=app, ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `
      db1 -> app1, stranger: 443 udp/123 other ping no
      mon1, stranger -> app1: 443 udp/123 other yes
    `,
  },
  {
    title: "isolation for egress is none for ingress, and opens none",
    fleet: {
      hosts,
      firewall: `
        policies:
          out: {hosts: role=db, egress: [{to: [{hosts: role=app}], ports: [8080]}]}
          in: {hosts: role=app, ingress: [{from: [{hosts: role=db}], ports: [8080]}]}
      `,
    },
    probes: `
      db1 -> app1: 8080 yes; 8081 no
      app1 -> db1: 8080 5432 no
      db1 -> mon1: 8080 no
    `,
  },
  {
    title: "a policy with both directions says each for itself",
    fleet: {
      hosts,
      firewall: `
        policies:
          both:
            hosts: role=app
            ingress: [{from: [{hosts: role=monitor}], ports: [9100]}]
            egress: [{to: [{hosts: role=db}], ports: [5432]}]
          db: {hosts: role=db, ingress: [{from: anyone, ports: any}]}
          mon: {hosts: role=monitor, ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `
      mon1 -> app1: 9100 yes; 5432 no
      app1 -> db1: 5432 yes; 9100 no
      app1 -> mon1: 9100 5432 no
      db1 -> app1: 9100 5432 no
    `,
  },
  {
    title: "what may leave does not therefore arrive",
    fleet: {
      hosts,
      firewall: `policies: {out: {hosts: role=app, egress: [{to: [{hosts: role=db}], ports: [5432]}]}}`,
    },
    probes: `app1 -> db1: 5432 no`,
  },
  {
    title: "what may arrive does not therefore leave",
    fleet: {
      hosts,
      firewall: `
        policies:
          in: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}
          out: {hosts: role=app, egress: [{to: [{hosts: role=monitor}], ports: [9090]}]}
      `,
    },
    probes: `app1 -> db1: 5432 no`,
  },
  {
    title: "a flow passes when both ends allow it, each by a policy of its own",
    fleet: {
      hosts,
      firewall: `
        policies:
          in: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432, 5433]}]}
          out: {hosts: role=app, egress: [{to: [{hosts: role=db}], ports: [5432, 5434]}]}
      `,
    },
    probes: `app1 -> db1: 5432 yes; 5433 5434 no`,
  },
  {
    title: "policies for one host add up",
    fleet: {
      hosts,
      firewall: `
        policies:
          a: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}
          b: {hosts: role=db, ingress: [{from: [{hosts: role=monitor}], ports: [9187]}]}
      `,
    },
    probes: `
      app1 -> db1: 5432 yes; 9187 no
      mon1 -> db1: 9187 yes; 5432 no
    `,
  },
  {
    title: "a policy that allows nothing takes nothing from another, whichever comes first",
    fleet: {
      hosts,
      firewall: `
        policies:
          a-nothing: {hosts: role=db, ingress: []}
          b-something: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}
          c-nothing: {hosts: role=db, ingress: [{from: [], ports: any}]}
      `,
    },
    probes: `
      app1 -> db1: 5432 yes; 5433 no
      mon1 -> db1: 5432 no
    `,
  },
  {
    title: "policies of different subjects add up where both mean a host",
    fleet: {
      hosts: { db1: "role=db zone=a", db2: "role=db zone=b", app1: "role=app" },
      firewall: `
        policies:
          dbs: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}
          zone: {hosts: zone=a, ingress: [{from: [{hosts: role=app}], ports: [9000]}]}
      `,
    },
    probes: `
      app1 -> db1: 5432 9000 yes; 9001 no
      app1 -> db2: 5432 yes; 9000 no
    `,
  },
  {
    title: "policies for egress add up too",
    fleet: {
      hosts,
      firewall: `
        policies:
          isolated: {hosts: role=app, egress: []}
          db: {hosts: role=app, egress: [{to: [{hosts: role=db}], ports: [5432]}]}
          web: {hosts: role=app, egress: [{to: anyone, ports: [443]}]}
          in: {hosts: role=db, ingress: [{from: anyone, ports: any}]}
      `,
    },
    probes: `
      app1 -> db1: 5432 443 yes; 80 no
      app1 -> stranger: 443 yes; 5432 udp/443 no
    `,
  },
  {
    title: "a policy says nothing about hosts that it does not select",
    fleet: {
      hosts: { db1: "role=db", db2: "role=spare", app1: "role=app" },
      firewall: `
        policies:
          db: {hosts: role=db, ingress: [{from: anyone, ports: [5432]}], egress: []}
      `,
    },
    probes: `
      app1 -> db1: 5432 yes
      app1 -> db2: 5432 no
      db1 -> stranger: 443 no
      db2 -> stranger: 443 yes
    `,
  },
  {
    title: "a policy for every host is one",
    fleet: {
      hosts,
      firewall: `
        policies:
          all: {hosts: "@host=*", ingress: [{from: [{hosts: role=monitor}], ports: [9100]}], egress: [{to: [{hosts: role=app}], ports: [9100]}]}
      `,
    },
    probes: `
      mon1 -> app1: 9100 yes; 9101 no
      mon1 -> db1: 9100 no
      app1 -> db1: 9100 no
      db1 -> stranger: 443 no
    `,
  },
  {
    title: "everything is let in where a policy says so for anyone and any",
    fleet: { hosts, firewall: `policies: {open: {hosts: role=app, ingress: [{from: anyone, ports: any}]}}` },
    probes: `
      db1, stranger, operator -> app1: 1 65535 udp/9 other vrrp ping yes
      stranger -> db1: 1 no
    `,
  },
  {
    title: "everything is let out where a policy says so, and egress is as open as without isolation",
    fleet: { hosts, firewall: `policies: {open: {hosts: role=app, egress: [{to: anyone, ports: any}]}}` },
    probes: `
      app1 -> stranger: 1 udp/9 other ping yes
      app1 -> db1: 5432 no; ping yes
      stranger -> app1: 1 no
    `,
  },
  {
    title: "an app as the subject means the hosts that run it",
    fleet: {
      hosts: { a1: "role=web", a2: "role=web", b1: "role=other" },
      apps: { shop: `hosts: "@host=a1"\nport: 8080` },
      firewall: `policies: {shop: {app: shop, ingress: [{from: [{hosts: role=other}], ports: [8080]}], egress: []}}`,
    },
    probes: `
      b1 -> a1: 8080 yes; 8081 no
      b1 -> a2: 8080 no
      a1 -> stranger: 443 no
      a2 -> stranger: 443 yes
    `,
  },
  {
    title: "replies leave a host that may send nothing by itself",
    fleet: {
      hosts,
      firewall: `policies: {db: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432, udp/5432]}], egress: []}}`,
    },
    probes: `
      app1 -> db1: 5432 udp/5432 ping yes
      db1 -> app1: 5432 udp/5432 ping no
    `,
  },
  {
    title: "replies reach a host that lets nobody in",
    fleet: { hosts, firewall: `policies: {closed: {hosts: role=app, ingress: []}}` },
    probes: `
      app1 -> stranger: 443 udp/53 ping yes
      stranger -> app1: 443 udp/53 no
    `,
  },
  {
    title: "a host that is isolated both ways still talks to itself",
    fleet: { hosts, firewall: `policies: {closed: {hosts: role=db, ingress: [], egress: []}}` },
    probes: `
      db1 -> db1: 5432 udp/53 ping other yes
      db1 -> app1: 5432 no
      app1 -> db1: 5432 no
    `,
  },
  {
    title: "isolation for egress refuses at the source, whatever the destination allows",
    fleet: {
      hosts,
      firewall: `
        policies:
          open: {hosts: "@host=*", ingress: [{from: anyone, ports: any}]}
          closed: {hosts: role=db, egress: [{to: [{hosts: role=app}], ports: []}]}
      `,
    },
    probes: `
      db1 -> app1, mon1: 80 udp/80 other no
      mon1 -> app1: 80 udp/80 other yes
      app1 -> db1: 80 udp/80 yes
    `,
  },
];
