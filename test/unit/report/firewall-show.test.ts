import { describe, expect, test } from "vitest";
import { failure } from "../../../src/model/errors.ts";
import type { FirewallShow, FirewallTold } from "../../../src/report/firewall-show.ts";
import { firewallShowCode, firewallShowLines } from "../../../src/report/firewall-show.ts";

const TOLD: FirewallTold = {
  generation: 12,
  active: { v4: 12, v6: 12 },
  unconfirmed: null,
  enabled: true,
  egress: false,
  rules: [
    {
      direction: "in",
      peers: ["lb1", "lb2", "VIP of edge"],
      ports: ["tcp/8080"],
      source: "app/shop/routes:0",
      place: "apps/shop.yaml:8:3",
    },
    {
      direction: "in",
      peers: ["192.168.56.1/32"],
      ports: ["tcp/22"],
      source: "fleet/ssh:0",
      place: "drover.yaml:9:11",
    },
  ],
  pending: [],
  drift: [],
  rivals: [],
  missing: [],
  ahead: [],
  published: [],
};

function shown(over: Partial<FirewallTold>, managed = true): FirewallShow {
  return { host: "app1", managed, told: { ...TOLD, ...over }, why: null };
}

/** What follows the table, and the exit code. */
function notes(over: Partial<FirewallTold>): readonly [number, ...(readonly string[])] {
  const show = shown({ rules: [], ...over });
  return [firewallShowCode(show), ...firewallShowLines(show).slice(3)];
}

describe("firewall show", () => {
  test("says what is in force, the rules in words, and where they are written", () => {
    const show = shown({});
    expect(firewallShowLines(show)).toEqual([
      "app1: generation 12 in force, IPv4 and IPv6, confirmed, loaded at boot",
      "everything else that comes in is dropped, but for answers and pings; what goes out is open",
      "",
      "    peer                   ports     because of         written at",
      "in  lb1, lb2, VIP of edge  tcp/8080  app/shop/routes:0  apps/shop.yaml:8:3",
      "in  192.168.56.1/32        tcp/22    fleet/ssh:0        drover.yaml:9:11",
    ]);
    expect(firewallShowCode(show)).toBe(0);
  });

  test.for([
    [["a", "b", "c", "d"], "a, b, c, d"],
    [["a", "b", "c", "d", "e"], "a, b, c and 2 more"],
  ] as const)("%j are told as %s", ([peers, words]) => {
    const rules = [{ direction: "in", peers, ports: ["any"], source: "x:0", place: null } as const];
    expect(firewallShowLines(shown({ rules })).at(-1)).toBe(`in  ${words}  any    x:0         not in the files`);
  });

  test("says when a generation is not confirmed, and that the host goes back by itself", () => {
    const show = shown({ active: { v4: 13, v6: 13 }, unconfirmed: 13 });
    expect(firewallShowLines(show)[0]).toBe("app1: generation 13 in force, IPv4 and IPv6, NOT CONFIRMED");
    expect(firewallShowLines(show).at(-1)).toBe(
      "not confirmed: generation 13; the host goes back to generation 12 by itself",
    );
    expect(firewallShowCode(show)).toBe(2);
    const first = shown({ generation: null, egress: null, rules: [], active: { v4: 1, v6: 1 }, unconfirmed: 1 });
    expect(firewallShowLines(first).at(-1)).toBe("not confirmed: generation 1; the host goes back to none by itself");
  });

  test("tells families apart where they differ", () => {
    const show = shown({ active: { v4: 12, v6: null } });
    expect(firewallShowLines(show)[0]).toBe(
      "app1: IPv4: generation 12 in force; IPv6: NOTHING IN FORCE, but CONFIRMED IS 12, loaded at boot",
    );
    expect(firewallShowLines(show)[1]).toBe("the rules of generation 12, NOT IN FORCE for IPv6:");
    expect(firewallShowCode(show)).toBe(2);
  });

  test.for<[Partial<FirewallTold>, number, string]>([
    [{ pending: ["app1 logs what it refuses"] }, 2, "pending: app1 logs what it refuses → drover apply"],
    [{ drift: ["a rule of DRV-I-g12 is gone"] }, 2, "drift: a rule of DRV-I-g12 is gone"],
    [{ enabled: false }, 2, "drift: the firewall is not loaded at boot → drover apply"],
    [{ rivals: ["ufw is active"] }, 2, "in the way: ufw is active"],
    [{ missing: ["conntrack", "ipset"] }, 2, "missing packages: conntrack ipset → apt-get install"],
    [
      { ahead: ["-A INPUT -s 10.9.9.9/32 -j DROP"] },
      0,
      "decides before drover's rules: -A INPUT -s 10.9.9.9/32 -j DROP",
    ],
    [{ published: ["tcp/5000"] }, 0, "published by Docker, past these rules: tcp/5000"],
  ])("%j ends with %i", ([over, code, line]) => {
    expect(notes(over)).toEqual([code, line]);
  });

  test("tells a host without drover's firewall from one that did not answer", () => {
    const none = { generation: null, active: { v4: null, v6: null }, enabled: false, egress: null, rules: [] };
    expect(firewallShowLines(shown(none, false))).toEqual([
      "app1: no firewall of drover's",
      "drover.yaml has no firewall: block, so drover does not manage firewalls here",
    ]);
    expect(firewallShowCode(shown(none, false))).toBe(0);
    const why = failure("host-timeout", "app1 did not answer", "ping it");
    const silent: FirewallShow = { host: "app1", managed: true, told: null, why };
    expect(firewallShowLines(silent)).toEqual([
      "app1: unknown",
      "  app1 did not answer [host-timeout]",
      "    hint: ping it",
    ]);
    expect(firewallShowCode(silent)).toBe(1);
  });

  test("lets no control character of a host reach the terminal", () => {
    const evil = "\u001b]0;owned\u0007\n";
    const rule = { direction: "in", peers: [evil], ports: [evil], source: evil, place: evil } as const;
    const lines = firewallShowLines(
      shown({
        rules: [rule],
        drift: [evil],
        pending: [evil],
        rivals: [evil],
        missing: [evil],
        ahead: [evil],
        published: [evil],
      }),
    );
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(lines.filter((line) => /[\u0000-\u001f]/.test(line))).toEqual([]);
    expect(lines.join("\n")).toContain("\\x1b]0;owned\\x07\\x0a");
  });
});
