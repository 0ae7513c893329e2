import { describe, expect, test } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import { holdingHint, holdingOf, holdingSentence } from "../../../src/plan/verify/holding.ts";
import type { ServerShow, SetShow } from "../../../src/report/lb-show.ts";
import { showLines, statesDiffer } from "../../../src/report/lb-show.ts";

const VIP = { address: "192.168.56.10", prefix: 24 };

describe("the holder of a VIP", () => {
  test.for([
    [[true, false], "one", "VIP 192.168.56.10/24 is held by lb1"],
    [[false, false], "none", "VIP 192.168.56.10/24 IS HELD BY NO BALANCER: nobody answers on it"],
    [[true, true], "several", "VIP 192.168.56.10/24 IS HELD BY 2 BALANCERS: lb1, lb2; clients reach either"],
    [[true, null], "unknown", "VIP 192.168.56.10/24 is held by lb1, BUT NOT EVERY BALANCER TOLD: not lb2"],
    [[false, null], "unknown", "VIP 192.168.56.10/24: HOLDER UNKNOWN, lb2 could not tell"],
    [[true, true, null], "several", "VIP 192.168.56.10/24 IS HELD BY 2 BALANCERS: lb1, lb2; clients reach either"],
  ] as const)("by accounts %j is %s", ([accounts, kind, sentence]) => {
    const holding = holdingOf(
      VIP,
      accounts.map((holds, index) => ({ balancer: `lb${String(index + 1)}`, holds })),
    );
    expect(holding.kind).toBe(kind);
    expect(holdingSentence(holding)).toBe(sentence);
    expect(holdingHint(holding) === "").toBe(kind === "one");
  });
});

function server(name: string, states: readonly string[]): ServerShow {
  const numbers = {
    check: "L7OK 200 in 2 ms",
    sessions: 12,
    total: 340_123,
    rate: 40,
    errors5xx: 0,
    connectionErrors: 1,
    queue: 0,
  };
  const balancers = states.map((state, index) => ({
    balancer: `lb${String(index + 1)}`,
    state,
    numbers: state === "unknown" ? null : numbers,
  }));
  return { app: "shop", server: name, differs: statesDiffer(states), balancers };
}

function set(over: Partial<SetShow>): SetShow {
  const accounts = [
    { balancer: "lb1", holds: true },
    { balancer: "lb2", holds: false },
  ];
  const haproxy = {
    version: "2.6.12",
    since: "2026-11-21T18:20:01.000Z",
    running: true,
    reloads: 3,
    failedReloads: 0,
    oldWorkers: [],
  };
  const told = { haproxy, config: "as drover wrote it", keepalived: "active", drained: [] };
  return {
    set: "edge",
    vips: [holdingOf(VIP, accounts)],
    balancers: [
      { balancer: "lb1", told, why: null },
      { balancer: "lb2", told, why: null },
    ],
    servers: [server("app1", ["UP", "UP"]), server("app2", ["UP", "DRAIN"])],
    follow: [],
    ...over,
  };
}

describe("lb show", () => {
  test("tells each set: VIP, balancers, servers, and marks where balancers disagree", () => {
    expect(showLines([set({})])).toEqual([
      "edge: VIP 192.168.56.10/24 is held by lb1",
      "",
      "balancer  haproxy  since             config              reloads  failed  keepalived  drained",
      "lb1       2.6.12   2026-11-21 18:20  as drover wrote it  3        0       active      -",
      "lb2       2.6.12   2026-11-21 18:20  as drover wrote it  3        0       active      -",
      "",
      "app   server     balancer  state  check             now  total   /s  5xx  errors  queue",
      "shop  app1       lb1       UP     L7OK 200 in 2 ms  12   340123  40  0    1       0",
      "                 lb2       UP     L7OK 200 in 2 ms  12   340123  40  0    1       0",
      "      app2    !  lb1       UP     L7OK 200 in 2 ms  12   340123  40  0    1       0",
      "              !  lb2       DRAIN  L7OK 200 in 2 ms  12   340123  40  0    1       0",
    ]);
  });

  test("lists what is followed by name, balancer by balancer, with the servers that DNS names", () => {
    const head = { service: "billing", srv: "_billing._tcp.svc.example.com" };
    const one = { target: "vm1.svc.example.com:8080", state: "UP", sessions: 2, total: 340 };
    const follow = [
      { ...head, balancer: "lb1", places: { all: 1, filled: 1 }, servers: [one] },
      { ...head, balancer: "lb2", places: { all: 1, filled: 0 }, servers: [] },
      { ...head, balancer: "lb3", places: null, servers: [] },
    ];
    expect(showLines([set({ follow })]).slice(-6)).toEqual([
      "",
      "billing on lb1 follows _billing._tcp.svc.example.com: 1 server, room for 1; every place is taken: more than these get no traffic",
      "  server                    state  now  total",
      "  vm1.svc.example.com:8080  UP     2    340",
      "billing on lb2 follows _billing._tcp.svc.example.com: DNS NAMES NO SERVER",
      "billing on lb3 follows _billing._tcp.svc.example.com: unknown",
    ]);
  });

  test("fits into 100 columns", () => {
    expect(Math.max(...showLines([set({})]).map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test("says what old workers carry, what is drained and why, and why a balancer is unknown", () => {
    const [first] = set({}).balancers;
    if (first?.told === undefined || first.told === null) throw new Error("lb1 told");
    const haproxy = {
      ...first.told.haproxy,
      oldWorkers: [
        { pid: 4312, age: 185_000, carries: { requests: 1, tunnels: 2 } },
        { pid: 4400, age: 2000, carries: null },
      ],
    };
    const drained = [
      { server: "shop/app1", reason: "new disk (ann@desk, 2026-11-21T18:20:01Z)" },
      { server: "shop/app2", reason: null },
    ];
    const why = failure("host-timeout", "lb2 did not answer", "ping it");
    const shown = showLines([
      set({
        balancers: [
          { balancer: "lb1", told: { ...first.told, haproxy, drained }, why: null },
          { balancer: "lb2", told: null, why },
        ],
        servers: [server("app1", ["UP", "unknown"])],
      }),
    ]);
    expect(shown.slice(3, 11)).toEqual([
      "lb1       2.6.12   2026-11-21 18:20  as drover wrote it  3        0       active      2",
      "lb2       unknown",
      "  lb1: worker 4312 from before a reload, 3 m 05 s old, still carries 1 request and 2 tunnels",
      "  lb1: worker 4400 from before a reload, 2.0 s old, does not tell what it carries",
      "  lb1: shop/app1 gets no traffic: new disk (ann@desk, 2026-11-21T18:20:01Z)",
      "  lb1: shop/app2 gets no traffic: nobody says why",
      "  lb2 did not answer [host-timeout]",
      "    hint: ping it",
    ]);
    expect(shown.at(-1)).toMatch(/^ +lb2 +unknown$/);
  });

  test("tells several sets, one of them without VIP and servers", () => {
    const shown = showLines([set({}), set({ set: "inner", vips: [], servers: [] })]);
    expect(shown.filter((line) => line.includes("inner"))).toEqual(["inner: no VIP"]);
    expect(shown.at(-1)).toContain("lb2");
  });

  test("sees a difference in states, not in how far a check has come, nor in silence", () => {
    expect(statesDiffer(["UP", "UP 2/3"])).toBe(false);
    expect(statesDiffer(["UP", "unknown"])).toBe(false);
    expect(statesDiffer(["UP", "absent"])).toBe(true);
    expect(statesDiffer(["DOWN 1/2", "UP"])).toBe(true);
  });
});
