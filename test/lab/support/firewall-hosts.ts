// Firewalls of a lab's hosts: what tests of them ask for, and what they look at.
import { join } from "node:path";
import type { FirewallAction, FirewallModel, FirewallRule } from "../../../src/model/firewall.ts";
import { operateFirewall } from "../../../src/firewall/operations.ts";
import { renderFirewall } from "../../../src/firewall/render.ts";
import { driver } from "./drive.ts";
import type { FirewallRan, FirewallRun } from "./firewall-run.ts";
import { checkout, until, type Lab } from "./lab.ts";

/** The lab's hosts that firewalls are tested on. */
const ADDRESS: Readonly<Record<string, string>> = {
  app1: "192.168.56.21",
  app2: "192.168.56.22",
  app3: "192.168.56.23",
};
/** The lab's network, in both families. */
const EVERYBODY: readonly string[] = ["192.168.56.0/24", "fd00:56::/64"];

/** One rule for what comes in. */
export function letIn(protocol: "tcp" | "udp", from: number, to: number = from): FirewallRule {
  const source = `test-${protocol}-${String(from)}:0`;
  return {
    direction: "in",
    peers: EVERYBODY,
    match: { protocol, ports: [{ from, to }] },
    source,
    apps: [],
    sever: false,
  };
}

/** SSH from everywhere in the lab, and what else is given. */
export function model(...rules: readonly FirewallRule[]): FirewallModel {
  return { egress: false, log: true, rules: [letIn("tcp", 22), ...rules] };
}

/** Lets nobody in, not even us. */
export const SHUT: FirewallModel = { egress: false, log: true, rules: [] };

/** Applies a model; 5 s to confirm it, and nothing to cut, where nothing else is said. */
export function applying(
  host: string,
  generation: number,
  wanted: FirewallModel,
  more: Partial<Extract<FirewallAction, { kind: "firewall.apply" }>> = {},
): FirewallAction {
  const texts = renderFirewall(wanted, generation);
  return { kind: "firewall.apply", host, generation, model: wanted, texts, confirm: 5000, cuts: [], ...more };
}

/** What a test does to the firewalls of a lab. */
export interface Firewalls {
  /** Carries actions out from the laptop, over SSH; the process may die on the way, then there is nothing to tell. */
  readonly carry: (
    actions: readonly FirewallAction[],
    more?: Pick<FirewallRun, "dies" | "late">,
  ) => Promise<FirewallRan>;
  /** As drover does up to the commit, and no further. */
  readonly commit: (action: FirewallAction) => Promise<void>;
  /** All rules, chains of ours and sets of a host, in the words of iptables and ipset, without counters and limits. */
  readonly rules: (host: string) => Promise<string>;
  /** Where INPUT leads to: a generation, or nothing of ours. */
  readonly leads: (host: string) => Promise<string>;
  /** A new SSH connection from the laptop comes through. */
  readonly reachable: (host: string) => Promise<boolean>;
  /** Waits until nothing is unconfirmed on a host, and no timer is left. */
  readonly settled: (host: string) => Promise<void>;
  readonly reboot: (host: string) => Promise<void>;
}

/** The firewalls of one lab. */
export function firewallsOf(lab: Lab): Firewalls {
  const { drive, sh } = driver(lab);
  return {
    async carry(actions, more = {}) {
      const hosts = Object.fromEntries(actions.map(({ host }) => [host, ADDRESS[host] ?? ""]));
      const program = join(checkout, "test/lab/support/firewall-run.ts");
      const input: FirewallRun = { actions, hosts, ...more };
      const ran = await lab.run(["node", program, JSON.stringify(input)]);
      if (more.dies === true) return { outcomes: [], ms: 0, execs: [], facts: {} };
      if (ran.code !== 0) throw new Error(ran.stderr);
      return JSON.parse(ran.stdout);
    },
    async commit(action) {
      const committing = operateFirewall(action).next();
      if (committing.done === true) throw new Error("nothing was asked");
      const only = (function* (): ReturnType<typeof operateFirewall> {
        const answer = yield committing.value;
        if (answer.kind !== "exec" || answer.code !== 0) throw new Error(JSON.stringify(answer));
        return { kind: "done", note: "" };
      })();
      await drive(only);
    },
    rules: (host) =>
      sh(
        host,
        "for f in iptables ip6tables; do $f-save 2>/dev/null | sed -n 's/^:DRV/&/p; s/^-A/&/p' | sed 's/ \\[[0-9:]*\\]$//'; done; ipset save | sort | sed 's/ hashsize .*//'",
      ),
    async leads(host) {
      const [v4, v6] = await Promise.all(
        ["iptables", "ip6tables"].map((program) =>
          sh(host, `${program} -S 2>/dev/null | sed -n 's/^-A DRV-INPUT -j DRV-I-//p; s/^-A INPUT -j DRV-INPUT/in/p'`),
        ),
      );
      if (v4 !== v6) throw new Error(`${host} is of two minds: ${String(v4)} and ${String(v6)}`);
      return (v4 ?? "").trim().split("\n").join(" ");
    },
    async reachable(host) {
      const options = "-i id_ed25519 -o UserKnownHostsFile=known_hosts -o BatchMode=yes -o ConnectTimeout=2";
      const ran = await lab.run(["sh", "-c", `ssh ${options} drover@${ADDRESS[host] ?? ""} true`]);
      return ran.code === 0;
    },
    async settled(host) {
      const left =
        "ls /var/lib/drover/firewall/pending; systemctl list-units --all --no-legend 'drover-firewall-revert*'";
      await until(
        `the firewall of ${host} settles`,
        async () => (await sh(host, `(${left}) 2>/dev/null || true`)) === "",
      );
    },
    async reboot(host) {
      await lab.kill(host);
      // It says that a unit has failed; whether one should is the test's business.
      await lab.start(host).catch(() => undefined);
      await sh(host, "systemctl is-system-running --wait || true");
    },
  };
}
