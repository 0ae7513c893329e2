/** Who may watch: metrics of balancers and apps, and logs. */
import type { Case } from "../case.ts";

const shop = {
  hosts: { lb1: "role=lb", lb2: "role=lb", web1: "role=web", web2: "role=web", other1: "role=other" },
  apps: { shop: "hosts: role=web\nport: 8080\nroutes: [{lb: edge, host: shop.test, tls: none}]" },
  balancers: "edge: {hosts: role=lb}",
};

export const WATCHING: readonly Case[] = [
  {
    title: "balancers' metrics are for those whom the fleet names",
    fleet: {
      ...shop,
      hosts: { ...shop.hosts, mon1: "role=monitor" },
      balancers: `edge: {hosts: role=lb, metrics: {address: "0.0.0.0", port: 9101}}`,
      firewall: "metrics: [{hosts: role=monitor}]",
    },
    probes: `
      mon1 -> lb1, lb2: 9101 yes; 9102 udp/9101 no
      other1, stranger -> lb1: 9101 no
      mon1 -> web1: 9101 no
    `,
  },
  {
    title: "balancers reach the host that they log to, also where they are isolated, and nobody else does",
    fleet: {
      hosts: { log1: "role=log", ...shop.hosts },
      apps: shop.apps,
      balancers: `edge: {hosts: role=lb, log: {target: "10.0.0.10:5514"}}`,
      firewall: `policies: {quiet: {hosts: "@host=lb1", egress: []}}`,
    },
    probes: `
      lb1, lb2 -> log1 v4: udp/5514 yes; 5514 udp/514 no
      lb1 -> log1 v6: udp/5514 no
      web1, stranger -> log1: udp/5514 no
    `,
  },
  {
    title: "metrics that nobody may read are open to nobody",
    fleet: { ...shop, balancers: `edge: {hosts: role=lb, metrics: {address: "0.0.0.0", port: 9101}}` },
    probes: `other1, stranger, operator -> lb1: 9101 no`,
  },
  {
    title: "metrics on the loopback are opened to nobody",
    fleet: { ...shop, firewall: "metrics: [{hosts: role=other}]" },
    probes: `other1 -> lb1: 8404 no`,
  },
  {
    title: "apps' ports called metrics are for those whom the fleet names",
    fleet: {
      hosts: { web1: "role=web", db1: "role=db", mon1: "role=monitor" },
      apps: {
        shop: "hosts: role=web\nports: {metrics: 9100}",
        orders: "hosts: role=db\nport: 5432\nports: {metrics: 9187, stats: 9188}",
      },
      firewall: "metrics: [{hosts: role=monitor}, {cidr: 203.0.113.0/24}]",
    },
    probes: `
      mon1 -> web1: 9100 yes; 9187 no
      mon1 -> db1: 9187 yes; 9100 9188 5432 no
      stranger -> db1 v4: 9187 yes
      stranger -> db1 v6: 9187 no
      web1 -> db1: 9187 no
    `,
  },
  {
    title: "metrics for anyone are so because it is written",
    fleet: {
      hosts: { web1: "role=web" },
      apps: { shop: "hosts: role=web\nport: 8080\nports: {metrics: 9100}" },
      firewall: "metrics: anyone",
    },
    probes: `stranger -> web1: 9100 yes; 8080 no`,
  },
  {
    title: "an isolated host still reads the metrics that it may",
    fleet: {
      hosts: { web1: "role=web", lb1: "role=lb", mon1: "role=monitor", other1: "role=other" },
      apps: { shop: "hosts: role=web\nport: 8080\nports: {metrics: 9100}" },
      balancers: `edge: {hosts: role=lb, metrics: {address: "0.0.0.0", port: 9101}}`,
      firewall: `
        metrics: [{hosts: role=monitor}]
        policies: {closed: {hosts: "role in (monitor, other)", egress: []}}
      `,
    },
    probes: `
      mon1 -> web1: 9100 yes; 8080 9101 no
      mon1 -> lb1: 9101 yes; 9100 443 no
      other1 -> web1: 9100 no
      mon1 -> stranger: 9100 9101 no
    `,
  },
];
