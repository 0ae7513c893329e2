// Carries steps out on the lab's hosts as drover does, from the laptop's fleet folder: real SSH, new connections and all.
// Usage: node firewall-run.ts JSON (FirewallRun); prints FirewallRan as JSON.
import { performance } from "node:perf_hooks";
import { carry } from "../../../src/exec/carry.ts";
import type { ExecDeps } from "../../../src/exec/deps.ts";
import { Relays } from "../../../src/exec/relays.ts";
import { type FirewallFacts, firewallFact } from "../../../src/firewall/facts.ts";
import { operateFirewall } from "../../../src/firewall/operations.ts";
import { reading } from "../../../src/model/command.ts";
import type { FirewallAction } from "../../../src/model/firewall.ts";
import type { Outcome } from "../../../src/model/operation.ts";
import type { Limits, Transport } from "../../../src/model/ports.ts";
import { createSshTransport } from "../../../src/ssh/transport.ts";
import { createDnsClient } from "../../../src/net/dns/client.ts";
import { systemClock } from "../../../src/store/clock.ts";
import { createFiles } from "../../../src/store/files.ts";

/** What is asked of one run. */
export interface FirewallRun {
  /** Carried out side by side. */
  readonly actions: readonly FirewallAction[];
  /** Address by host. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Ends this process, as by kill -9, when each action would ask over a new connection; `late`: waits so many ms before it. */
  readonly dies?: boolean;
  readonly late?: number;
}

/** What came of it, in the order of the actions, and the facts of the hosts in `hosts` afterwards. */
export interface FirewallRan {
  readonly outcomes: readonly Outcome[];
  /** From the first byte to the last outcome; connections were there already. */
  readonly ms: number;
  /** Of each exec by its name, in ms. */
  readonly execs: readonly (readonly [string, number])[];
  readonly facts: Readonly<Record<string, FirewallFacts>>;
}

const input = process.argv[2] ?? "";
// The test that starts this program writes its argument.
const run: FirewallRun = JSON.parse(input);
const execs: [string, number][] = [];
let committed = 0;

function watched(transport: Transport): Transport {
  return {
    ...transport,
    async exec(host, request, limits) {
      if (request.fresh === true && run.dies === true) {
        committed += 1;
        if (committed === run.actions.length) process.kill(process.pid, "SIGKILL");
        await systemClock.sleep(60_000, limits.signal);
      }
      if (request.fresh === true && run.late !== undefined) await systemClock.sleep(run.late, limits.signal);
      const begin = performance.now();
      const result = await transport.exec(host, request, limits);
      execs.push([request.command.name, Math.round(performance.now() - begin)]);
      return result;
    },
  };
}

const directory = process.cwd();
const transport = watched(
  createSshTransport({
    ssh: { user: "drover", port: 22, become: "sudo", knownHosts: ["known_hosts"], identity: "id_ed25519" },
    hosts: Object.entries(run.hosts).map(([name, address]) => ({ name, addresses: [address], tags: {} })),
    places: { directory, home: "/root", agent: null },
  }),
);
const limits: Limits = { deadline: 60_000, signal: new AbortController().signal };

async function gather(host: string): Promise<FirewallFacts> {
  const fact = firewallFact(true);
  const command = reading("facts", fact.text);
  const result = await transport.exec(host, { command, warrant: null, frames: [] }, limits);
  if (result.kind === "failed") throw new Error(result.failure.message);
  if (result.code !== 0) throw new Error(result.stderr);
  return fact.parse(result.stdout);
}

const deps: ExecDeps = {
  transport,
  files: createFiles({ directory, cache: "/tmp", certificates: [] }),
  clock: systemClock,
  dns: createDnsClient({ clock: systemClock }),
  dnsKey: null,
  warrant: { run: "test", epoch: 1 },
  operate: (action) => {
    if (action.kind === "firewall.apply" || action.kind === "firewall.restore" || action.kind === "firewall.remove") {
      return operateFirewall(action);
    }
    throw new Error(`not for ${action.kind}`);
  },
  relay: reading("relay", ""),
  secrets: new Map(),
  edit: () => Promise.reject(new Error("nothing is edited here")),
  emit: () => undefined,
  forks: 10,
};
const relays = new Relays(transport, deps.relay);
await Promise.all(Object.keys(run.hosts).map(gather));
execs.length = 0;
const begin = performance.now();
const outcomes = await Promise.all(
  run.actions.map((action) =>
    carry(
      {
        id: action.host,
        phase: "expand",
        kind: "act",
        host: action.host,
        says: action.kind,
        action,
        deadline: 60_000,
        undo: { kind: "none", reason: "a test" },
      },
      deps,
      relays,
      limits.signal,
    ),
  ),
);
const ms = Math.round(performance.now() - begin);
const facts: Record<string, FirewallFacts> = {};
for (const host of Object.keys(run.hosts)) {
  // A host that nobody gets to any more has no facts.
  try {
    facts[host] = await gather(host);
  } catch {
    continue;
  }
}
await transport.close();
const ran: FirewallRan = { outcomes, ms, execs, facts };
process.stdout.write(JSON.stringify(ran));
