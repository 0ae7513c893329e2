import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firewallFact } from "../../src/firewall/facts.ts";
import { operateFirewall } from "../../src/firewall/operations.ts";
import { renderFirewall } from "../../src/firewall/render.ts";
import type { FirewallModel, FirewallTexts } from "../../src/model/firewall.ts";
import type { Outcome } from "../../src/model/operation.ts";
import { driver, type DriveOptions } from "./support/drive.ts";
import { applying, firewallsOf, letIn, model } from "./support/firewall-hosts.ts";
import { lab } from "./support/lab.ts";

const real = lab("test-firewall-mishaps");
const { drive, gather, sh } = driver(real);
const { carry, commit, rules, leads, settled } = firewallsOf(real);
const HOSTS = ["app1", "app2", "app3"];
const DONE: Outcome = { kind: "done", note: "" };
const facts = (host: string) => gather(host, firewallFact(true));
const stable = async (host: string) => (await facts(host)).stable;

// Ten prefixes are a set.
const PREFIXES = Array.from({ length: 10 }, (_, index) => `10.${String(2 * index)}.0.0/16`);
const withSet = (port: number): FirewallModel =>
  model({ ...letIn("tcp", port), peers: PREFIXES, source: "orders-db:0" });

async function apply(host: string, generation: number, wanted: FirewallModel = model()): Promise<void> {
  expect(await drive(operateFirewall(applying(host, generation, wanted)))).toEqual(DONE);
}

const attempt = (
  host: string,
  generation: number,
  wanted: FirewallModel,
  more: { texts?: FirewallTexts; options?: DriveOptions } = {},
): Promise<Outcome> => {
  const texts = more.texts ?? renderFirewall(wanted, generation);
  return drive(operateFirewall(applying(host, generation, wanted, { texts, confirm: 2000 })), more.options);
};

beforeAll(async () => {
  await real.up("--only", HOSTS.join());
}, 240_000);

afterAll(async () => {
  await real.down();
});

describe("what goes wrong on the way", () => {
  test.for([
    [
      "a set that ipset refuses",
      (texts: FirewallTexts) => ({ ...texts, sets: `${texts.sets}add drv4.nowhere 10.0.0.0/8\n` }),
    ],
    [
      "IPv4 that iptables refuses",
      (texts: FirewallTexts) => ({ ...texts, v4: texts.v4.replace("-j DROP", "-j NOWHERE") }),
    ],
    [
      "IPv6 that is refused when IPv4 is in force",
      (texts: FirewallTexts) => ({ ...texts, v6: texts.v6.replace("-j DROP", "-j NOWHERE") }),
    ],
    ["a file that came cut off", (texts: FirewallTexts) => ({ ...texts, v6: texts.v6.slice(0, -8) })],
  ] as const)("changes nothing: %s", async ([, spoil]) => {
    const wanted = withSet(7001);
    // The first change of a host, and a later one.
    await drive(operateFirewall({ kind: "firewall.remove", host: "app2" }));
    await apply("app1", (await stable("app1")).newest + 1, withSet(7000));
    for (const host of ["app1", "app2"]) {
      const [before, { newest, manifest }] = [await rules(host), await stable(host)];
      const outcome = await attempt(host, newest + 1, wanted, { texts: spoil(renderFirewall(wanted, newest + 1)) });
      expect(outcome).toMatchObject({ kind: "failed", failure: { code: "firewall-refused" } });
      const inForce = host === "app1" ? `generation ${String(newest)}` : "no rules of drover";
      expect(JSON.stringify(outcome)).toContain(`nothing was changed; in force: ${inForce}`);
      expect(await rules(host)).toBe(before);
      expect(await stable(host)).toMatchObject({ unconfirmed: null, manifest, drift: [] });
      await settled(host);
    }
  });

  test("changes nothing where the way back cannot be armed", async () => {
    await apply("app1", 100);
    await sh("app1", "mv /usr/bin/systemd-run /usr/bin/systemd-run.aside");
    const before = await rules("app1");
    expect(await attempt("app1", 101, withSet(7001))).toMatchObject({
      kind: "failed",
      failure: { code: "firewall-refused" },
    });
    await sh("app1", "mv /usr/bin/systemd-run.aside /usr/bin/systemd-run");
    expect(await rules("app1")).toBe(before);
    expect(await stable("app1")).toMatchObject({ unconfirmed: null, active: { v4: 100 } });
  });

  test("ends in the old or the new rules, wherever a change is killed", async () => {
    await Promise.all(HOSTS.map((host) => apply(host, 200, withSet(7000))));
    const seen = new Set<string>();
    const rounds = HOSTS.flatMap((host, lane) =>
      Array.from({ length: 5 }, (_, index) => [host, lane + 3 * index] as const),
    );
    await Promise.all(
      HOSTS.map(async (host) => {
        for (const [, step] of rounds.filter(([each]) => each === host)) {
          const { newest, manifest } = await stable(host);
          const under = ["timeout", "-s", "KILL", `0.${String(15 + 12 * step).padStart(3, "0")}`];
          const outcome = await attempt(host, newest + 1, withSet(7001 + step), { options: { under } });
          await settled(host);
          const after = await stable(host);
          const isNew = after.manifest?.generation === newest + 1;
          seen.add(isNew ? "new" : outcome.kind);
          expect(after.active).toEqual({ v4: after.manifest?.generation, v6: after.manifest?.generation });
          expect([newest + 1, manifest?.generation]).toContain(after.manifest?.generation);
          expect(after.drift).toEqual([]);
        }
      }),
    );
    expect([...seen]).toContain("failed");
    await Promise.all(HOSTS.map(async (host) => apply(host, (await stable(host)).newest + 1)));
  }, 120_000);

  test("is the timer or the confirmation, never half of both", async () => {
    await Promise.all(HOSTS.map((host) => apply(host, 300)));
    const ends: string[] = [];
    for (const late of [200, 2600, 2900, 3100]) {
      const first = (await stable("app1")).newest + 1;
      const generation = Math.max(first, 301 + ends.length);
      const actions = HOSTS.map((host) => applying(host, generation, withSet(7000 + ends.length), { confirm: 3000 }));
      const { outcomes } = await carry(actions, { late });
      await Promise.all(HOSTS.map(settled));
      for (const [index, host] of HOSTS.entries()) {
        const outcome = outcomes[index];
        const { active, manifest } = await stable(host);
        const isNew = outcome?.kind === "done";
        if (!isNew) expect(outcome).toMatchObject({ failure: { code: "firewall-reverted" } });
        expect(manifest?.generation === generation).toBe(isNew);
        expect(active).toEqual({ v4: manifest?.generation, v6: manifest?.generation });
        ends.push(isNew ? "confirmed" : "put back");
      }
    }
    expect(new Set(ends)).toEqual(new Set(["confirmed", "put back"]));
  }, 120_000);

  test("is told to whoever loses: a confirmation that waits behind the timer", async () => {
    await apply("app1", 400);
    // Somebody holds the lock until the timer has fired: it stands in front of the confirmation.
    const held = sh(
      "app1",
      "flock /var/lib/drover/firewall/.lock sleep 0.1; until [ -e /var/lib/drover/firewall/pending ]; do sleep 0.02; done; flock /var/lib/drover/firewall/.lock sleep 3",
    );
    const { outcomes } = await carry([applying("app1", 401, model(), { confirm: 1000 })], { late: 1500 });
    await held;
    expect(outcomes).toMatchObject([{ kind: "failed", failure: { code: "firewall-reverted" } }]);
    expect(JSON.stringify(outcomes)).toContain("put its previous rules back by itself; in force: generation 400");
    expect(await leads("app1")).toBe("in g400");
  }, 60_000);
});

describe("what somebody changed by hand", () => {
  const rule = "-s 192.168.56.0/24 -p tcp -m tcp --dport 7000 -m comment --comment drv:x -j ACCEPT";
  test.for([
    [
      "edited",
      "n=$(grep -n 'dport 22 ' | head -1 | cut -d: -f1); iptables -R $1 $n -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT",
      /deleted|edited/,
    ],
    ["deleted", "iptables -D $1 1", /INPUT: the rule -i lo -j ACCEPT was deleted/],
    ["moved", "iptables -D $1 1; iptables -I $1 3 -i lo -j ACCEPT", /moved/],
    ["added", `iptables -I $1 1 ${rule}`, /INPUT: (a rule was added by hand|the rule of)/],
    [
      "a set changed",
      "ipset add $2 99.0.0.0/8; ipset del $2 10.0.0.0/16",
      /the set drv4\S+ of orders-db:0 (was given|has lost)/,
    ],
    ["a jump lost", "iptables -D INPUT -j DRV-INPUT", /INPUT: the jump to DRV-INPUT is missing/],
    ["IPv6 emptied", "ip6tables -F $1", /INPUT of IPv6: the chain \S+ was emptied/],
    ["all of it flushed", "iptables -F; ip6tables -F", /jump to DRV-INPUT is missing/],
  ] as const)("is named, and put right by the next change: %s", async ([, script, words]) => {
    const { newest } = await stable("app1");
    const wanted = withSet(7000);
    await apply("app1", newest + 1, wanted);
    expect((await stable("app1")).drift).toEqual([]);
    const chain = `DRV-I-g${String(newest + 1)}`;
    await sh("app1", `set -- ${chain} $(ipset list -n | head -1); iptables -S ${chain} | sed 1d | { ${script}; }`);
    expect((await stable("app1")).drift.join("\n")).toMatch(words);
    await apply("app1", newest + 2, wanted);
    expect(await stable("app1")).toMatchObject({ drift: [], active: { v4: newest + 2, v6: newest + 2 } });
  });

  test("goes back to what was confirmed by restoring it, and off the host by removing it", async () => {
    const { newest } = await stable("app2");
    await apply("app2", newest + 1, withSet(7000));
    await apply("app2", newest + 2, model());
    const restore = (generation: number | null): Promise<Outcome> =>
      drive(operateFirewall({ kind: "firewall.restore", host: "app2", generation, confirm: 5000 }));
    expect(await restore(newest + 1)).toEqual(DONE);
    expect(await stable("app2")).toMatchObject({
      manifest: { generation: newest + 1 },
      active: { v4: newest + 1 },
      drift: [],
    });
    expect(await restore(newest + 1)).toMatchObject({ kind: "done" });
    expect(await restore(9999)).toMatchObject({ kind: "failed", failure: { code: "firewall-refused" } });
    await restore(null);
    expect(await rules("app2")).not.toMatch(/DRV|drv/);
    expect(await stable("app2")).toMatchObject({ manifest: null, newest: 0, enabled: false });
  });

  test.for([
    ["the rules of the generation", "truncate -s 100 current/v4"],
    ["its sets", "rm current/sets"],
    ["the program", "truncate -s 300 tool"],
  ] as const)("is seen before the next boot finds it: %s cut off or gone", async ([, script]) => {
    const { newest } = await stable("app1");
    await apply("app1", newest + 1, withSet(7000));
    expect(await stable("app1")).toMatchObject({ enabled: true });
    await sh("app1", `cd /var/lib/drover/firewall; ${script}`);
    expect(await stable("app1")).toMatchObject({ enabled: false, active: { v4: newest + 1 } });
    await apply("app1", newest + 2, withSet(7000));
    expect(await stable("app1")).toMatchObject({ enabled: true, drift: [] });
  });

  test("is not a rule of somebody else, whatever its comment says", async () => {
    const foreign = '-A INPUT -s 10.99.0.1/32 -m comment --comment "ahead of -j DRV-INPUT" -j DROP';
    await sh("app1", `iptables ${foreign.replace("-A", "-I")}`);
    const { newest } = await stable("app1");
    await apply("app1", newest + 1);
    expect(await stable("app1")).toMatchObject({ drift: [], active: { v4: newest + 1 } });
    expect(await rules("app1")).toContain(foreign);
    await sh("app1", `iptables ${foreign.replace("-A", "-D")}`);
  });

  test("keeps rules that would shut everybody out by going", async () => {
    const { newest } = await stable("app1");
    await apply("app1", newest + 1);
    await sh("app1", "iptables -P INPUT DROP");
    const outcome = await drive(operateFirewall({ kind: "firewall.remove", host: "app1" }));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "firewall-refused" } });
    expect(JSON.stringify(outcome)).toContain("iptables -P INPUT ACCEPT");
    expect(await stable("app1")).toMatchObject({ drift: [], active: { v4: newest + 1 }, enabled: true });
    await sh("app1", "iptables -P INPUT ACCEPT");
  });

  test("keeps the newest four generations", async () => {
    for (const generation of [1, 2, 3, 4, 5, 6]) await apply("app2", generation, withSet(7000 + generation));
    const kept = await sh(
      "app2",
      "cd /var/lib/drover/firewall; flock .lock true; ls | grep '^g'; iptables -S | grep -o '^-N DRV-I-g.*'; ipset list -n",
    );
    expect(kept).toMatch(/^g3\ng4\ng5\ng6\n-N DRV-I-g3\n-N DRV-I-g4\n-N DRV-I-g5\n-N DRV-I-g6\ndrv4\.[0-9a-f]{12}\n$/);
  });
});

describe("what keeps a host from being managed", () => {
  const rivals = async (): Promise<string> => (await stable("app3")).rivals.join("\n");

  test("is seen: the other backend, ufw, firewalld, nftables", async () => {
    expect(await rivals()).toBe("");
    await sh("app3", "iptables-legacy -A INPUT -p tcp --dport 7 -j DROP");
    expect(await rivals()).toBe("rules of iptables-legacy beside those of iptables-nft");
    await sh("app3", "iptables-legacy -F; ip6tables-legacy -P INPUT DROP");
    expect(await rivals()).toBe("rules of ip6tables-legacy beside those of ip6tables-nft");
    await sh("app3", "ip6tables-legacy -P INPUT ACCEPT");
    expect(await rivals()).toBe("");
    await sh("app3", "mkdir -p /etc/ufw; echo ENABLED=yes > /etc/ufw/ufw.conf; ln -s /bin/true /usr/sbin/ufw");
    expect(await rivals()).toBe("ufw is active");
    await sh("app3", "echo ENABLED=no > /etc/ufw/ufw.conf; systemd-run -q --unit=firewalld sleep 600");
    expect(await rivals()).toBe("firewalld is active");
    await sh("app3", "systemctl stop firewalld; rm /usr/sbin/ufw");
    // nft itself is not among the lab's packages: what it prints is.
    await sh(
      "app3",
      `printf '#!/bin/sh\\ncat /run/nft\\n' > /usr/sbin/nft; chmod +x /usr/sbin/nft; cat > /run/nft <<'END'
table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
	}
}
table inet site {
	chain inbound {
		type filter hook input priority filter; policy drop;
	}
}
END`,
    );
    expect(await rivals()).toBe("an nftables chain that drops what it does not know: table inet site, chain inbound");
    await sh("app3", "rm /usr/sbin/nft");
  });

  test("is seen: packages that are missing, which change nothing", async () => {
    const before = await rules("app3");
    await sh("app3", "mv /usr/sbin/ipset /usr/sbin/ipset.aside");
    expect((await stable("app3")).missing).toEqual(["ipset"]);
    expect(await attempt("app3", 900, model())).toMatchObject({
      kind: "failed",
      failure: { code: "package-missing", hint: "install it there: apt-get install ipset" },
    });
    await sh("app3", "mv /usr/sbin/ipset.aside /usr/sbin/ipset");
    expect(await rules("app3")).toBe(before);
  });

  test("is not the older backend, where it is the one in use", async () => {
    await drive(operateFirewall({ kind: "firewall.remove", host: "app3" }));
    await sh("app3", "for f in iptables ip6tables; do update-alternatives --quiet --set $f /usr/sbin/$f-legacy; done");
    await apply("app3", 1, withSet(7000));
    expect(await stable("app3")).toMatchObject({ active: { v4: 1, v6: 1 }, drift: [], rivals: [] });
    await commit(applying("app3", 2, model(), { confirm: 1000 }));
    await settled("app3");
    expect(await leads("app3")).toBe("in g1");
    await sh("app3", "iptables -D DRV-I-g1 1");
    expect((await stable("app3")).drift).toEqual(["INPUT: the rule -i lo -j ACCEPT was deleted"]);
    await apply("app3", 3, withSet(7000));
    await sh("app3", "iptables-nft -A INPUT -p tcp --dport 7 -j DROP");
    expect(await stable("app3")).toMatchObject({
      drift: [],
      rivals: ["rules of iptables-nft beside those of iptables-legacy"],
    });
    await sh("app3", "iptables-nft -F INPUT");
    await drive(operateFirewall({ kind: "firewall.remove", host: "app3" }));
    expect(await rules("app3")).not.toMatch(/DRV|drv/);
    await sh("app3", "for f in iptables ip6tables; do update-alternatives --quiet --auto $f; done");
  });

  test("nothing is looked at where the fleet has no firewall, and no table is made by looking", async () => {
    await drive(operateFirewall({ kind: "firewall.remove", host: "app3" }));
    expect(await gather("app3", firewallFact(false))).toMatchObject({
      stable: { manifest: null, newest: 0 },
      live: { operator: null },
    });
  });
});
