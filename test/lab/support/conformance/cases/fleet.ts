/** What follows from the fleet without any policy: operators, apps that talk, balancers, DNS, ICMP, VRRP. */
import type { Case } from "../case.ts";

const shop = {
  hosts: { lb1: "role=lb", lb2: "role=lb", web1: "role=web", web2: "role=web", other1: "role=other" },
  apps: { shop: "hosts: role=web\nport: 8080\nroutes: [{lb: edge, host: shop.test, tls: none}]" },
  balancers: "edge: {hosts: role=lb}",
};
const withVip = {
  ...shop,
  balancers: `edge: {hosts: role=lb, vip: [10.0.0.100/24, "fd00::100/64"], virtualRouterId: 7}`,
};
const pair = {
  hosts: { web1: "role=web", db1: "role=db", other1: "role=other" },
  apps: { shop: "hosts: role=web\ntalksTo: [orders]", orders: "hosts: role=db\nport: 5432\nports: {stats: 9187}" },
};

export const FLEET: readonly Case[] = [
  {
    title: "an app reaches the port of an app that it talks to, and nobody else does",
    fleet: pair,
    probes: `
      web1 -> db1: 5432 yes; 9187 5433 udp/5432 no
      other1, stranger, operator -> db1: 5432 no
      db1 -> web1: 5432 8080 no
    `,
  },
  {
    title: "to talk opens the isolated source too, and nothing more there",
    fleet: { ...pair, firewall: "policies: {closed: {app: shop, egress: []}}" },
    probes: `
      web1 -> db1: 5432 yes; 5433 no
      web1 -> other1, stranger: 5432 no
    `,
  },
  {
    title: "two apps that talk to each other open both ways",
    fleet: {
      hosts: { web1: "role=web", db1: "role=db" },
      apps: {
        shop: "hosts: role=web\nport: 8080\ntalksTo: [orders]",
        orders: "hosts: role=db\nport: 5432\ntalksTo: [shop]",
      },
    },
    probes: `
      web1 -> db1: 5432 yes; 8080 no
      db1 -> web1: 8080 yes; 5432 no
    `,
  },
  {
    title: "to talk is not handed on: who talks to an app reaches nothing that it talks to",
    fleet: {
      hosts: { web1: "role=web", mid1: "role=mid", db1: "role=db" },
      apps: {
        shop: "hosts: role=web\ntalksTo: [carts]",
        carts: "hosts: role=mid\nport: 8080\ntalksTo: [orders]",
        orders: "hosts: role=db\nport: 5432",
      },
    },
    probes: `
      web1 -> mid1: 8080 yes
      mid1 -> db1: 5432 yes
      web1 -> db1: 5432 no
    `,
  },
  {
    title: "what an app may on a host, every app there may: rules are per host",
    fleet: {
      hosts: { web1: "role=web", db1: "role=db", db2: "role=db2" },
      apps: {
        shop: "hosts: role=web\ntalksTo: [orders]",
        batch: "hosts: role=web\ntalksTo: [stock]",
        orders: "hosts: role=db\nport: 5432",
        stock: "hosts: role=db2\nport: 5433",
      },
    },
    probes: `
      web1 -> db1: 5432 yes; 5433 no
      web1 -> db2: 5433 yes; 5432 no
    `,
  },
  {
    title: "apps on one host keep their own ports for those that talk to them",
    fleet: {
      hosts: { both1: "role=both", web1: "role=web", batch1: "role=batch" },
      apps: {
        orders: "hosts: role=both\nport: 5432",
        stock: "hosts: role=both\nport: 5433",
        shop: "hosts: role=web\ntalksTo: [orders]",
        batch: "hosts: role=batch\ntalksTo: [stock]",
      },
    },
    probes: `
      web1 -> both1: 5432 yes; 5433 no
      batch1 -> both1: 5433 yes; 5432 no
    `,
  },
  {
    title: "an app and what it talks to on one host need no rule",
    fleet: {
      hosts: { both1: "role=both", web1: "role=web" },
      apps: { orders: "hosts: role=both\nport: 5432", shop: "hosts: role=both\ntalksTo: [orders]" },
      firewall: "policies: {closed: {hosts: role=both, ingress: [], egress: []}}",
    },
    probes: `
      both1 -> both1: 5432 yes
      web1 -> both1: 5432 no
    `,
  },
  {
    title: "operators reach SSH on every host, also where policies allow nothing",
    fleet: { hosts: pair.hosts, firewall: `policies: {none: {hosts: "@host=*", ingress: [], egress: []}}` },
    probes: `operator -> web1, db1, other1: 22 yes; 23 5432 udp/22 no`,
  },
  {
    title: "SSH is for operators alone",
    fleet: { hosts: pair.hosts },
    probes: `
      stranger -> web1, db1: 22 no
      web1 -> db1: 22 no
    `,
  },
  {
    title: "SSH at another port closes the usual one",
    fleet: { hosts: pair.hosts, sshPort: 2222 },
    probes: `
      operator -> db1: 2222 yes; 22 no
      stranger -> db1: 2222 22 no
    `,
  },
  {
    title: "operators of one family are none of the other",
    fleet: { hosts: pair.hosts, admin: "10.0.9.0/24, 192.0.2.1" },
    outside: { colleague: "10.0.9.200", beyond: "10.0.10.1", home: "192.0.2.1" },
    probes: `
      operator -> db1 v4: 22 yes
      operator -> db1 v6: 22 no
      colleague, home -> db1: 22 yes
      beyond -> db1: 22 no
    `,
  },
  {
    title: "a host may be where operators come from",
    fleet: { hosts: { bastion1: "role=bastion 10.0.0.50", db1: "role=db", web1: "role=web" }, admin: "10.0.0.50" },
    probes: `
      bastion1 -> db1, web1: 22 yes; 5432 no
      web1 -> db1: 22 no
      operator -> db1: 22 no
    `,
  },
  {
    title: "anyone reaches balancers at 80 and 443, and nothing else there",
    fleet: shop,
    probes: `
      stranger, web1, other1 -> lb1, lb2: 80 443 yes; 8080 8404 81 udp/443 no
    `,
  },
  {
    title: "balancers reach the instances, and nobody else does",
    fleet: shop,
    probes: `
      lb1, lb2 -> web1, web2: 8080 yes; 8081 80 no
      other1, stranger, operator -> web1: 8080 no
      web1 -> web2: 8080 no
      lb1 -> other1: 8080 no
    `,
  },
  {
    title: "a balancer set that carries nothing is closed",
    fleet: { ...shop, apps: { shop: "hosts: role=web\nport: 8080" } },
    probes: `
      stranger -> lb1: 80 443 no
      lb1 -> web1: 8080 no
    `,
  },
  {
    title: "each balancer set reaches its own apps",
    fleet: {
      hosts: { lb1: "role=edge", in1: "role=inner", web1: "role=web", api1: "role=api" },
      apps: {
        shop: "hosts: role=web\nport: 8080\nroutes: [{lb: edge, host: shop.test, tls: none}]",
        api: "hosts: role=api\nport: 8090\nroutes: [{lb: inner, port: 9000, from: fleet}]",
      },
      balancers: "edge: {hosts: role=edge}\ninner: {hosts: role=inner}",
    },
    probes: `
      lb1 -> web1: 8080 yes
      lb1 -> api1: 8090 no
      in1 -> api1: 8090 yes
      in1 -> web1: 8080 no
      stranger -> in1: 80 443 no
    `,
  },
  {
    title: "clients come to the VIP, and balancers speak to instances from it",
    fleet: withVip,
    probes: `
      stranger -> lb1@10.0.0.100: 80 443 yes; 8080 no
      stranger -> lb1@fd00::100: 443 yes; 22 no
      lb1@10.0.0.100 -> web1: 8080 yes; 8081 no
      lb1@fd00::100 -> web1: 8080 yes
      operator -> lb1@10.0.0.100: 22 yes
    `,
  },
  {
    title: "a VIP of one set is nobody to the apps of another",
    fleet: {
      hosts: { lb1: "role=edge", in1: "role=inner", web1: "role=web", api1: "role=api" },
      apps: {
        shop: "hosts: role=web\nport: 8080\nroutes: [{lb: edge, host: shop.test, tls: none}]",
        api: "hosts: role=api\nport: 8090\nroutes: [{lb: inner, host: api.test, tls: none}]",
      },
      balancers: `
        edge: {hosts: role=edge, vip: 10.0.0.100/24, virtualRouterId: 1}
        inner: {hosts: role=inner, vip: 10.0.0.101/24, virtualRouterId: 2}
      `,
    },
    probes: `
      lb1@10.0.0.100 -> web1: 8080 yes
      lb1@10.0.0.100 -> api1: 8090 no
      in1@10.0.0.101 -> api1: 8090 yes
    `,
  },
  {
    title: "a selector that means balancers means their VIP",
    fleet: {
      ...withVip,
      firewall: "policies: {db: {hosts: role=other, ingress: [{from: [{hosts: role=lb}], ports: [5432]}]}}",
    },
    probes: `
      lb1@10.0.0.100 -> other1: 5432 yes; 5433 no
      lb1@fd00::100 -> other1: 5432 yes
      lb2 -> other1: 5432 yes
      web1 -> other1: 5432 no
    `,
  },
  {
    title: "a route with a port of its own is open to anyone",
    fleet: { ...shop, apps: { shop: "hosts: role=web\nport: 8080\nroutes: [{lb: edge, port: 9000}]" } },
    probes: `
      stranger, other1 -> lb1: 9000 yes; 80 443 udp/9000 no
      lb1 -> web1: 8080 yes; 9000 no
      stranger -> web1: 9000 8080 no
    `,
  },
  {
    title: "a route for the fleet is open to its hosts and nobody else",
    fleet: { ...withVip, apps: { shop: "hosts: role=web\nport: 8080\nroutes: [{lb: edge, port: 9000, from: fleet}]" } },
    probes: `
      other1, web1, lb2 -> lb1: 9000 yes; 80 no
      other1 -> lb1@10.0.0.100: 9000 yes
      stranger, operator -> lb1: 9000 no
    `,
  },
  {
    title: "routes of all kinds on one set",
    fleet: {
      hosts: shop.hosts,
      apps: {
        shop: "hosts: role=web\nport: 8080\nroutes: [{lb: edge, host: shop.test, tls: none}]",
        pass: `
          hosts: role=web
          port: 8443
          routes:
            - {lb: edge, host: pass.test, tls: passthrough}
            - {lb: edge, port: 9000, from: fleet}
            - {lb: edge, port: 9001}
        `,
      },
      balancers: shop.balancers,
    },
    probes: `
      stranger -> lb1: 80 443 9001 yes; 9000 9002 no
      other1 -> lb1: 80 443 9000 9001 yes
      lb1 -> web1: 8080 8443 yes; 9000 no
      stranger -> web1: 8080 8443 no
    `,
  },
  {
    title: "a balancer that may send nothing by itself still reaches its instances",
    fleet: { ...shop, firewall: "policies: {lb: {hosts: role=lb, egress: []}}" },
    probes: `
      lb1 -> web1, web2: 8080 yes; 8081 no
      lb1 -> other1, stranger: 8080 no
      stranger -> lb1: 443 yes
    `,
  },
  {
    title: "balancers of a set with a VIP speak VRRP among themselves, and nobody with them",
    fleet: withVip,
    probes: `
      lb1 -> lb2: vrrp yes; other no
      lb2 -> lb1: vrrp yes
      web1, other1, stranger -> lb1: vrrp no
      lb1 -> web1: vrrp no
      lb1@10.0.0.100 -> lb2: vrrp no
    `,
  },
  {
    title: "a set without a VIP speaks no VRRP",
    fleet: shop,
    probes: `lb1 -> lb2: vrrp no`,
  },
  {
    title: "sets with a VIP each speak VRRP among their own",
    fleet: {
      ...shop,
      hosts: { lb1: "role=edge", lb2: "role=edge", in1: "role=inner", in2: "role=inner", web1: "role=web" },
      balancers: `
        edge: {hosts: role=edge, vip: 10.0.0.100/24, virtualRouterId: 1}
        inner: {hosts: role=inner, vip: 10.0.0.101/24, virtualRouterId: 2}
      `,
    },
    probes: `
      lb1 -> lb2: vrrp yes
      in1 -> in2: vrrp yes
      lb1 -> in1: vrrp no
      in2 -> lb2: vrrp no
    `,
  },
  {
    title: "isolated balancers keep VRRP",
    fleet: { ...withVip, firewall: "policies: {lb: {hosts: role=lb, ingress: [], egress: []}}" },
    probes: `
      lb1 -> lb2: vrrp yes; other no
      lb2 -> lb1: vrrp yes
      lb1 -> web1: vrrp no
    `,
  },
  {
    title: "everybody may ping every host, and an isolated host may not ping",
    fleet: { hosts: pair.hosts, firewall: "policies: {db: {hosts: role=db, egress: []}}" },
    probes: `
      stranger, web1, operator -> db1, other1: ping yes
      db1 -> web1, stranger: ping no
    `,
  },
  {
    title: "an isolated host may ping whom it may send anything",
    fleet: {
      hosts: pair.hosts,
      firewall:
        "policies: {db: {hosts: role=db, egress: [{to: [{hosts: role=web}], ports: any}, {to: anyone, ports: [443]}]}}",
    },
    probes: `
      db1 -> web1: ping yes
      db1 -> other1: ping no
      db1 -> stranger: ping no; 443 yes
    `,
  },
  {
    title: "servers of DNS answer the fleet and operators",
    fleet: { hosts: { ...pair.hosts, dns1: "role=dns" }, more: `dns: {servers: "role=dns"}` },
    probes: `
      web1, db1, operator -> dns1: 53 udp/53 yes; 54 udp/54 no
      stranger -> dns1: 53 udp/53 no
      web1 -> db1: 53 udp/53 no
    `,
  },
  {
    title: "isolated hosts still ask the servers of DNS, and no others",
    fleet: {
      hosts: { ...pair.hosts, dns1: "role=dns", dns2: "role=dns" },
      more: `dns: {servers: "role=dns"}`,
      firewall: "policies: {db: {hosts: role=db, egress: []}}",
    },
    probes: `
      db1 -> dns1, dns2: 53 udp/53 yes; 443 no
      db1 -> stranger: 53 udp/53 no
    `,
  },
  {
    title: "policies add to what follows from the fleet",
    fleet: {
      ...pair,
      firewall: "policies: {db: {app: orders, ingress: [{from: [{hosts: role=other}], ports: [stats]}]}}",
    },
    probes: `
      web1 -> db1: 5432 yes; 9187 no
      other1 -> db1: 9187 yes; 5432 no
    `,
  },
  {
    title: "a balancer that runs an instance itself: the other one reaches it, clients do not",
    fleet: {
      hosts: { lb1: "role=lb", lb2: "role=lb", web1: "role=web" },
      apps: { shop: `hosts: "role in (lb, web)"\nport: 8080\nroutes: [{lb: edge, host: shop.test, tls: none}]` },
      balancers: withVip.balancers,
    },
    probes: `
      lb2 -> lb1: 8080 yes
      lb1 -> lb1: 8080 yes
      lb1 -> web1: 8080 yes
      web1, stranger -> lb1: 8080 no; 80 yes
      stranger -> lb1@10.0.0.100: 8080 no; 80 yes
    `,
  },
  {
    title: "an isolated host reaches balancers and their VIP where a policy lets it",
    fleet: {
      ...withVip,
      firewall: `policies: {other: {hosts: role=other, egress: [{to: [{hosts: role=lb}], ports: [443]}]}}`,
    },
    probes: `
      other1 -> lb1, lb2: 443 yes; 80 no
      other1 -> lb1@10.0.0.100: 443 yes; 80 no
      other1 -> lb1@fd00::100: 443 yes
      other1 -> web1: 443 8080 no
    `,
  },
  {
    title: "a fleet without a firewall block is let alone",
    fleet: { ...pair, firewall: null },
    probes: `
      web1, stranger -> db1: 5432 22 udp/53 other yes
      db1 -> stranger: 443 yes
    `,
  },
];
