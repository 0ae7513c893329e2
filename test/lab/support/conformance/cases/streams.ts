/** Connections that are open while the fleet changes: which go on, and which are cut. */
import type { Case } from "../case.ts";

const hosts = { db1: "role=db", app1: "role=app", app2: "role=spare" };
const open = "policies: {db: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}}";

export const STREAMS: readonly Case[] = [
  {
    title: "a stream lives on while rules are generated anew, and while others come and go",
    fleet: { hosts, firewall: open },
    probes: `app1 -> db1: 5432 yes`,
    hold: `app1 -> db1: 5432`,
    changes: [
      { what: "the same again", fleet: {}, probes: `app1 -> db1: 5432 yes`, alive: `app1 -> db1: 5432` },
      {
        what: "another host is let in",
        fleet: { hosts: { ...hosts, app2: "role=app" } },
        probes: `app1, app2 -> db1: 5432 yes`,
        alive: `app1 -> db1: 5432`,
      },
    ],
  },
  {
    title: "a stream outlives its permission where nothing says sever",
    fleet: { hosts, firewall: open },
    probes: `app1 -> db1: 5432 yes`,
    hold: `app1 -> db1: 5432`,
    changes: [
      {
        what: "revoked",
        fleet: { firewall: "policies: {}" },
        probes: `app1 -> db1: 5432 no`,
        alive: `app1 -> db1: 5432`,
      },
    ],
  },
  {
    title: "a stream outlives the isolation of its source",
    fleet: { hosts },
    probes: `app1 -> stranger: 443 yes`,
    hold: `app1 -> stranger: 443`,
    changes: [
      {
        what: "isolated",
        fleet: { firewall: "policies: {app: {hosts: role=app, egress: []}}" },
        probes: `app1 -> stranger: 443 no`,
        alive: `app1 -> stranger: 443`,
      },
    ],
  },
  {
    title: "a stream is cut where its policy says sever, and one that may go on is not",
    fleet: {
      hosts,
      firewall: `
        policies:
          a: {hosts: role=db, sever: true, ingress: [{from: [{hosts: role=app}], ports: [5432, 5433]}]}
          b: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5433, 5434]}]}
      `,
    },
    probes: `app1 -> db1: 5432 5433 5434 yes`,
    hold: `
      app1 -> db1: 5432
      app1 -> db1: 5433
      app1 -> db1: 5434
    `,
    changes: [
      {
        what: "a is revoked",
        fleet: {
          firewall: "policies: {b: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5433, 5434]}]}}",
        },
        probes: `app1 -> db1: 5433 5434 yes; 5432 no`,
        alive: `
          app1 -> db1: 5433
          app1 -> db1: 5434
        `,
      },
    ],
  },
  {
    title: "the fleet may say sever for all, and a policy no for itself",
    fleet: {
      hosts,
      firewall: `
        sever: true
        policies:
          a: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}
          b: {hosts: role=db, sever: false, ingress: [{from: [{hosts: role=app}], ports: [5433]}]}
      `,
    },
    probes: `app1 -> db1: 5432 5433 yes`,
    hold: `
      app1 -> db1: 5432
      app1 -> db1: 5433
    `,
    changes: [
      {
        what: "both are revoked",
        fleet: { firewall: "sever: true" },
        probes: `app1 -> db1: 5432 5433 no`,
        alive: `app1 -> db1: 5433`,
      },
    ],
  },
  {
    title: "a stream is cut at the source where what is revoked is to leave",
    fleet: {
      hosts,
      firewall:
        "policies: {app: {hosts: role=app, sever: true, egress: [{to: [{cidr: 203.0.113.0/24}], ports: [443]}, {to: anyone, ports: [80]}]}}",
    },
    probes: `app1 -> stranger v4: 443 80 yes`,
    hold: `
      app1 -> stranger v4: 443
      app1 -> stranger: 80
    `,
    changes: [
      {
        what: "443 is revoked",
        fleet: { firewall: "policies: {app: {hosts: role=app, sever: true, egress: [{to: anyone, ports: [80]}]}}" },
        probes: `app1 -> stranger: 443 no; 80 yes`,
        alive: `app1 -> stranger: 80`,
      },
    ],
  },
  {
    title: "streams from an address that is given away are cut, whatever nobody says about sever",
    fleet: { hosts: { db1: "role=db", app1: "role=app", app2: "role=app 10.0.0.50 fd00::50" }, firewall: open },
    probes: `app1, app2 -> db1: 5432 yes`,
    hold: `app1, app2 -> db1: 5432`,
    changes: [
      {
        what: "app2 leaves",
        fleet: { hosts: { db1: "role=db", app1: "role=app" } },
        probes: `
          app1 -> db1: 5432 yes
          app2 -> db1: 5432 no
        `,
        alive: `app1 -> db1: 5432`,
      },
    ],
  },
  {
    title: "a stream over which only the server talks lives on without sever, and is cut with it",
    fleet: {
      hosts,
      firewall: `
        policies:
          a: {hosts: role=db, ingress: [{from: [{hosts: role=app}], ports: [5432]}]}
          b: {hosts: role=db, sever: true, ingress: [{from: [{hosts: role=app}], ports: [5433]}]}
      `,
    },
    probes: `app1 -> db1: 5432 5433 yes`,
    hold: `
      app1 -> db1: 5432 pushed
      app1 -> db1: 5433 pushed
    `,
    changes: [
      {
        what: "the same again",
        fleet: {},
        probes: `app1 -> db1: 5432 5433 yes`,
        alive: `
          app1 -> db1: 5432 pushed
          app1 -> db1: 5433 pushed
        `,
      },
      {
        what: "both are revoked",
        fleet: { firewall: "policies: {}" },
        probes: `app1 -> db1: 5432 5433 no`,
        alive: `app1 -> db1: 5432 pushed`,
      },
    ],
  },
];
