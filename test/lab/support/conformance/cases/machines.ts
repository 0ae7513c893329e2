/** What machines bring with them: families, several addresses, and being in no inventory. */
import type { Case } from "../case.ts";

const open = "policies: {db: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432, udp/5432]}]}}";

export const MACHINES: readonly Case[] = [
  {
    title: "hosts of IPv6 alone",
    fleet: { hosts: { db1: "role=db v6", app1: "role=app v6", web1: "role=web v6" }, firewall: open },
    probes: `
      app1 -> db1: 5432 udp/5432 ping yes; 5433 no
      web1, stranger -> db1: 5432 no
      operator -> db1: 22 yes
    `,
  },
  {
    title: "hosts of IPv4 alone",
    fleet: { hosts: { db1: "role=db v4", app1: "role=app v4", web1: "role=web v4" }, firewall: open },
    probes: `
      app1 -> db1: 5432 udp/5432 ping yes; 5433 no
      web1, stranger -> db1: 5432 no
    `,
  },
  {
    title: "a peer of one family opens nothing in the other",
    fleet: { hosts: { db1: "role=db", app1: "role=app v4", web1: "role=web" }, firewall: open },
    probes: `
      app1 -> db1: 5432 yes
      web1, stranger -> db1: 5432 no
    `,
  },
  {
    title: "both families of a pair are open alike, and closed alike",
    fleet: {
      hosts: { db1: "role=db", app1: "role=app", web1: "role=web" },
      firewall: `
        policies:
          in: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}], egress: [{to: [{hosts: role=web}], ports: [80]}]}
          web: {hosts: role=web, ingress: [{from: anyone, ports: [80]}]}
      `,
    },
    probes: `
      app1 -> db1 v4: 5432 yes; 5433 no
      app1 -> db1 v6: 5432 yes; 5433 no
      db1 -> web1 v4: 80 yes
      db1 -> web1 v6: 80 yes
      db1 -> stranger v4: 80 no
      db1 -> stranger v6: 80 no
    `,
  },
  {
    title: "a host with several addresses is itself by each of them",
    fleet: {
      hosts: {
        db1: "role=db 10.0.0.10 192.168.7.10 fd00::10 fd07::10",
        app1: "role=app 10.0.0.11 192.168.7.11 fd00::11 fd07::11",
        web1: "role=web 10.0.0.12 192.168.7.12",
      },
      firewall: open,
    },
    probes: `
      app1@10.0.0.11 -> db1@10.0.0.10: 5432 yes
      app1@192.168.7.11 -> db1@10.0.0.10: 5432 yes
      app1@10.0.0.11 -> db1@192.168.7.10: 5432 udp/5432 yes
      app1@fd07::11 -> db1@fd00::10: 5432 udp/5432 yes; 5433 no
      web1@192.168.7.12 -> db1@192.168.7.10: 5432 no
    `,
  },
  {
    title: "an isolated host with several addresses reaches a destination by each of its addresses",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10 192.168.7.10", app1: "role=app 10.0.0.11 192.168.7.11" },
      apps: { orders: "hosts: role=db\nport: 5432", shop: "hosts: role=app\ntalksTo: [orders]" },
      firewall: "policies: {closed: {hosts: role=app, egress: []}}",
    },
    probes: `
      app1@10.0.0.11 -> db1@10.0.0.10: 5432 yes; 5433 no
      app1@192.168.7.11 -> db1@192.168.7.10: 5432 yes; 5433 no
      app1@192.168.7.11 -> db1@10.0.0.10: 5432 yes
    `,
  },
  {
    title: "one address of a host may be let in without the others",
    fleet: {
      hosts: { db1: "role=db 10.0.0.10", app1: "role=app 10.0.0.11 192.168.7.11" },
      firewall: "policies: {db: {hosts: role=db, ingress: [{from: [{cidr: 192.168.7.0/24}], ports: [5432]}]}}",
    },
    probes: `
      app1@192.168.7.11 -> db1: 5432 yes
      app1@10.0.0.11 -> db1: 5432 no
    `,
  },
  {
    title: "a machine of no inventory has to be let out to, and decides itself whom it lets in",
    fleet: {
      hosts: { app1: "role=app", web1: "role=web" },
      firewall: "policies: {app: {hosts: role=app, egress: [{to: [{cidr: 10.0.0.99/32}], ports: [443]}]}}",
    },
    outside: { box: "10.0.0.99 fd00::99" },
    probes: `
      app1 -> box v4: 443 yes; 80 no
      app1 -> box v6: 443 no
      web1 -> box: 443 80 yes
      box -> app1: 443 no
    `,
  },
  {
    title: "addresses next to a host's are not its own",
    fleet: { hosts: { db1: "role=db 10.0.0.10", app1: "role=app 10.0.0.128 fd00::128" }, firewall: open },
    outside: { before: "10.0.0.127", after: "10.0.0.129" },
    probes: `
      app1 -> db1: 5432 yes
      before, after -> db1: 5432 no
    `,
  },
  {
    title: "neighbouring hosts are let in together, and who is between others is not",
    fleet: {
      hosts: {
        db1: "role=db 10.0.0.10",
        a0: "role=app 10.0.1.0",
        a1: "role=app 10.0.1.1",
        a2: "role=app 10.0.1.2",
        x: "role=x 10.0.1.3",
        a4: "role=app 10.0.1.4",
      },
      firewall: open,
    },
    probes: `
      a0, a1, a2, a4 -> db1: 5432 yes
      x -> db1: 5432 no
    `,
  },
];
