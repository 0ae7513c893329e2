import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firewallFact } from "../../src/firewall/facts.ts";
import { operateFirewall } from "../../src/firewall/operations.ts";
import type { Outcome } from "../../src/model/operation.ts";
import { driver } from "./support/drive.ts";
import { applying, firewallsOf, letIn, model, SHUT } from "./support/firewall-hosts.ts";
import { lab } from "./support/lab.ts";

const real = lab("test-firewall-host");
const { drive, gather, sh } = driver(real);
const { carry, commit, rules, leads, reachable, settled, reboot } = firewallsOf(real);
const HOSTS = ["app1", "app2", "app3"];
const DONE: Outcome = { kind: "done", note: "" };
const facts = (host: string) => gather(host, firewallFact(true));

async function apply(host: string, generation: number, ...more: Parameters<typeof letIn>[]): Promise<void> {
  const action = applying(host, generation, model(...more.map((each) => letIn(...each))));
  expect(await drive(operateFirewall(action))).toEqual(DONE);
}

async function afresh(host: string): Promise<void> {
  expect(await drive(operateFirewall({ kind: "firewall.remove", host }))).toEqual(DONE);
}

// What others have on a host: bans first, a chain of Docker's in nat, an admin's own rule, all of them counting.
const FOREIGN = `
  iptables -N f2b-sshd; iptables -I INPUT -p tcp --dport 22 -j f2b-sshd
  iptables -A f2b-sshd -s 10.66.0.1 -j REJECT; iptables -A f2b-sshd -j RETURN
  iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
  iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
  iptables -N DOCKER; iptables -A FORWARD -j DOCKER
  ip6tables -I INPUT -p udp --dport 9999 -j DROP
  iptables -Z INPUT; ping -c1 -W1 127.0.0.1 >/dev/null`;
const foreign = (host: string): Promise<string> =>
  sh(host, `for f in iptables ip6tables; do $f-save -c 2>/dev/null | grep -v -e '^#' -e DRV- -e '^:'; done`);

beforeAll(async () => {
  await real.up("--only", HOSTS.join());
}, 240_000);

afterAll(async () => {
  await real.down();
});

describe("a firewall on a host", () => {
  test("is applied over SSH, confirmed over a new connection, and leaves what others have alone", async () => {
    await sh("app1", FOREIGN);
    const before = await foreign("app1");
    const ran = await carry([applying("app1", 1, model(letIn("tcp", 8080)))]);
    expect(ran.outcomes).toEqual([DONE]);
    expect(ran.facts["app1"]).toMatchObject({
      stable: {
        missing: [],
        rivals: [],
        active: { v4: 1, v6: 1 },
        newest: 1,
        unconfirmed: null,
        enabled: true,
        drift: [],
      },
      live: {
        ahead: ["-A INPUT -p udp -m udp --dport 9999 -j DROP"],
        published: ["tcp/8080, to 172.17.0.2:80"],
        operator: { from: "192.168.56.1", to: "192.168.56.21", port: 22 },
      },
    });
    // Counters of rules that packets passed meanwhile may only have grown: those of a rule for no packet stand still.
    const still = (text: string): readonly string[] =>
      text.split("\n").filter((line) => !/--dport 22 |-j RETURN|PREROUTING/.test(line));
    expect(still(await foreign("app1"))).toEqual(still(before));
    await commit(applying("app1", 2, SHUT, { confirm: 1000 }));
    await settled("app1");
    expect(await leads("app1")).toBe("in g1");
    expect(still(await foreign("app1"))).toEqual(still(before));
    await afresh("app1");
    expect(await rules("app1")).not.toContain("DRV");
    expect(still(await foreign("app1"))).toEqual(still(before));
    expect(await sh("app1", "ls -A /var/lib/drover /etc/systemd/system/sysinit.target.wants")).not.toContain(
      "firewall",
    );
  });

  test("that shuts drover out is put back at once over the old connection", async () => {
    await apply("app1", 1);
    const before = await rules("app1");
    const ran = await carry([applying("app1", 2, SHUT, { confirm: 60_000 })]);
    expect(ran.outcomes).toMatchObject([{ kind: "failed", failure: { code: "firewall-reverted" } }]);
    expect(JSON.stringify(ran.outcomes)).toContain("in force again: generation 1");
    expect(await rules("app1")).toBe(before);
    expect(await reachable("app1")).toBe(true);
  }, 60_000);

  test("goes back by itself where drover was killed between commit and confirmation", async () => {
    await Promise.all([apply("app1", 3), afresh("app2"), afresh("app3")]);
    await sh("app2", FOREIGN);
    const before = await Promise.all(HOSTS.map(rules));
    // app3 has rules that would do: unconfirmed all the same.
    const actions = [applying("app1", 4, SHUT), applying("app2", 4, SHUT), applying("app3", 4, model())];
    await carry(actions, { dies: true });
    expect(await leads("app1")).toBe("in g4");
    expect((await facts("app1")).stable).toMatchObject({ unconfirmed: 4, active: { v4: 4 }, drift: [] });
    expect(await reachable("app1")).toBe(false);
    await Promise.all(HOSTS.map(settled));
    expect(await Promise.all(HOSTS.map(rules))).toEqual(before);
    expect(await reachable("app1")).toBe(true);
    expect(await sh("app1", "journalctl -q -o cat -u 'drover-firewall-revert*'")).toContain(
      "in force again: generation 3",
    );
  }, 60_000);

  test("is after a reboot what was confirmed, and nothing else", async () => {
    await apply("app1", 5, ["tcp", 7005]);
    await sh("app1", "iptables -A INPUT -p tcp --dport 1 -j DROP");
    const ours = (text: string): readonly string[] => text.split("\n").filter((line) => /DRV-(IN|OUT|.-g5)/.test(line));
    const before = ours(await rules("app1"));
    await Promise.all([
      commit(applying("app1", 6, model(letIn("tcp", 7006)), { confirm: 600_000 })),
      commit(applying("app2", 5, model(letIn("tcp", 7006)), { confirm: 600_000 })),
    ]);
    await Promise.all([reboot("app1"), reboot("app2")]);
    // What nobody has persisted is gone, an unconfirmed generation with it.
    const after = await rules("app1");
    expect(ours(after)).toEqual(before);
    expect(after).not.toMatch(/g6|f2b|--dport 1 /);
    expect(await leads("app1")).toBe("in g5");
    expect(await leads("app2")).toBe("");
    expect((await facts("app1")).stable).toMatchObject({ active: { v4: 5, v6: 5 }, unconfirmed: null, drift: [] });
    await apply("app1", 7, ["tcp", 7007]);
    await reboot("app1");
    expect(await leads("app1")).toBe("in g7");
    const order = await sh(
      "app1",
      "systemctl show -p Before,ActiveState drover-firewall.service; systemctl show -p After network-pre.target",
    );
    expect(order).toMatch(
      /ActiveState=active[^]*Before=.*network-pre\.target|Before=.*network-pre\.target[^]*ActiveState=active/,
    );
  }, 60_000);

  test("that cannot be loaded at boot is followed by the one before, and the unit fails", async () => {
    await apply("app1", 8);
    await sh("app1", "echo nonsense > /var/lib/drover/firewall/g8/v6");
    await reboot("app1");
    expect(await leads("app1")).toBe("in g7");
    expect(await sh("app1", "systemctl is-failed drover-firewall.service || true")).toBe("failed\n");
    expect((await facts("app1")).stable).toMatchObject({ manifest: { generation: 8 }, active: { v4: 7, v6: 7 } });
    await apply("app1", 9);
    expect((await facts("app1")).stable).toMatchObject({ active: { v4: 9, v6: 9 }, drift: [] });
  }, 60_000);
});
