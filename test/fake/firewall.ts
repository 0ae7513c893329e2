import { allowanceOf, permits } from "../../src/firewall/regions.ts";
import { FIREWALL_EXIT } from "../../src/firewall/script-change.ts";
import { failure } from "../../src/model/errors.ts";
import type { FirewallModel } from "../../src/model/firewall.ts";
import type { Clock } from "../../src/model/ports.ts";
import { FakeExit, type FakeHost, type Way } from "./host.ts";
import type { FakeCall, FakeFleet, FakeOutput, Interpreter } from "./transport.ts";

/** A generation on a fake host: the files it was sent with. */
export interface FakeGeneration {
  readonly sets: string;
  readonly v4: string;
  readonly v6: string;
  readonly manifest: string;
  readonly model: FirewallModel;
}

/** Committed, and not confirmed; taken back once the clock says `due`. */
interface Pending {
  readonly target: number;
  readonly previous: number | null;
  readonly token: string;
  readonly due: number;
}

/** What goes wrong on a host at its next changes, until it is set back to `none`. */
export type FirewallTrouble =
  | "none"
  /** Commits are refused; what was in force stays. */
  | "refuses"
  /** Whatever the rules say, no new connection comes through while a change waits to be confirmed. */
  | "shuts-out"
  /** The timer runs out just before the confirmation arrives. */
  | "reverts";

/** The packet filter of a fake host, as far as drover rules it. There are no packets: what passes is what the model says. */
export class FakeFirewall {
  readonly generations: Map<number, FakeGeneration> = new Map();
  /** Of what was confirmed last; null: nothing. */
  current: number | null = null;
  /** What is in force. */
  active: number | null = null;
  newest = 0;
  pending: Pending | null = null;
  trouble: FirewallTrouble = "none";
  /** Somebody has changed the rules by hand; the next change of drover's puts that right. */
  edited = false;
  /** What it found itself in at every moment that something changed, oldest first. */
  readonly history: (number | null)[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The timer: looked at before anything else is. */
  settle(): void {
    const { pending } = this;
    if (pending === null || this.#clock.now() < pending.due) return;
    this.revert();
  }

  revert(): void {
    const { pending } = this;
    if (pending === null) return;
    this.pending = null;
    this.put(pending.previous);
  }

  put(generation: number | null): void {
    this.active = generation;
    this.edited = false;
    this.history.push(generation);
  }

  commit(target: number, confirm: number): Pending {
    const token = `g${String(target)}-${String(this.history.length)}`;
    this.pending = { target, previous: this.current, token, due: this.#clock.now() + confirm };
    this.put(target);
    return this.pending;
  }

  /** What is let pass now; null: everything. */
  model(): FirewallModel | null {
    this.settle();
    return this.active === null ? null : (this.generations.get(this.active)?.model ?? null);
  }

  /** As a power cut and a start: what was not confirmed is gone. */
  reboot(): void {
    this.pending = null;
    this.put(this.current);
  }
}

const firewalls = new WeakMap<FakeFleet, { readonly operator: string; readonly port: number }>();

/** The packet filter of a fake host of a fleet that has been taught them. */
export function fakeFirewall(fleet: FakeFleet, host: FakeHost): FakeFirewall {
  const known = host.extra.get("firewall");
  if (known instanceof FakeFirewall) {
    known.settle();
    return known;
  }
  const created = new FakeFirewall(fleet.clock);
  host.extra.set("firewall", created);
  host.newcomers = () => newcomers(fleet, created);
  return created;
}

const DROPPED: Way = { kind: "refused", failure: failure("host-timeout", "no answer within 10 s") };

/** Whether drover's next connection comes through. Dropped packets: said at once, where a real one takes ten seconds. */
function newcomers(fleet: FakeFleet, firewall: FakeFirewall): Way {
  const model = firewall.model();
  const operator = firewalls.get(fleet);
  if (firewall.trouble === "shuts-out" && firewall.pending !== null) return DROPPED;
  if (model === null || operator === undefined) return { kind: "open" };
  const attempt = { protocol: "tcp", port: operator.port, address: operator.operator } as const;
  return permits(allowanceOf(model.rules, "in"), attempt) ? { kind: "open" } : DROPPED;
}

function quit(code: number, words: string): never {
  throw new FakeExit(code, words);
}

function readModel(manifest: string): FirewallModel {
  const value: { readonly model: FirewallModel } = JSON.parse(manifest);
  return value.model;
}

function commit(firewall: FakeFirewall, target: number, confirm: number): FakeOutput {
  if (firewall.current === target && firewall.active === target) return { stdout: "already\n" };
  if (firewall.trouble === "refuses") quit(FIREWALL_EXIT.refused, "IPv4: iptables-restore: line 7 failed");
  return { stdout: `committed ${firewall.commit(target, confirm).token}\n` };
}

type Work = (firewall: FakeFirewall, call: FakeCall) => FakeOutput;

const apply: Work = (firewall, { args, frames }) => {
  const [, generation = "", confirm = ""] = args;
  const [sets, v4, v6, manifest] = frames.map((bytes) => Buffer.from(bytes).toString());
  if (sets === undefined || v4 === undefined || v6 === undefined || manifest === undefined)
    quit(74, "input ended early");
  const target = Number(generation);
  firewall.revert();
  if (firewall.current !== target) {
    firewall.generations.set(target, { sets, v4, v6, manifest, model: readModel(manifest) });
  }
  firewall.newest = Math.max(firewall.newest, target);
  return commit(firewall, target, Number(confirm));
};

const restore: Work = (firewall, { args }) => {
  const [, generation = "", confirm = ""] = args;
  firewall.revert();
  if (!firewall.generations.has(Number(generation))) {
    quit(FIREWALL_EXIT.gone, `generation ${generation} is not on this host any more`);
  }
  return commit(firewall, Number(generation), Number(confirm));
};

const confirm: Work = (firewall, { args }) => {
  const [, generation = "", token = ""] = args;
  const target = Number(generation);
  if (firewall.trouble === "reverts") firewall.revert();
  if (firewall.pending?.token !== token) {
    if (firewall.current === target) return { stdout: "already\n" };
    quit(FIREWALL_EXIT.putBack, "the host has put its previous rules back by itself");
  }
  firewall.pending = null;
  firewall.current = target;
  const old = [...firewall.generations.keys()].filter((each) => each !== target).toSorted((a, b) => b - a);
  for (const each of old.slice(3)) firewall.generations.delete(each);
  return { stdout: "confirmed\n" };
};

const revert: Work = (firewall, { args }) => {
  if (firewall.pending?.token !== args[1]) {
    const meant = Number(/^g(\d+)-/.exec(args[1] ?? "")?.[1]);
    return { stdout: firewall.current === meant ? "confirmed already\n" : "put back already; in force: another\n" };
  }
  firewall.revert();
  return { stdout: "not confirmed in time; in force again: the rules from before\n" };
};

const remove: Work = (firewall) => {
  firewall.pending = null;
  firewall.current = null;
  firewall.put(null);
  firewall.generations.clear();
  firewall.newest = 0;
  return { stdout: "removed\n" };
};

const WORK: Readonly<Record<string, Work>> = {
  "firewall.apply": apply,
  "firewall.restore": restore,
  "firewall.confirm": confirm,
  "firewall.revert": revert,
  "firewall.remove": remove,
};

/** Rules as text are not what a fake holds: the jumps are there, and that is all there is to differ. */
const PRINTED = ["v4", "v6"]
  .map((family) => `# ${family}\n-A INPUT -j DRV-INPUT\n-A OUTPUT -j DRV-OUTPUT\n-N DRV-INPUT\n-N DRV-OUTPUT\n`)
  .concat("# sets\n")
  .join("");

/** What the fact `firewall` prints on this host. */
export function printFirewallFact(fleet: FakeFleet, host: FakeHost): string {
  const firewall = fakeFirewall(fleet, host);
  const { current, active, newest, pending, edited } = firewall;
  const operator = firewalls.get(fleet);
  const found: readonly (readonly [string, string | null])[] = [
    ["manifest", current === null ? null : (firewall.generations.get(current)?.manifest ?? null)],
    ["active.v4", active === null ? null : String(active)],
    ["active.v6", active === null ? null : String(active)],
    ["newest", String(newest)],
    ["pending", pending === null ? null : String(pending.target)],
    ["enabled", current === null ? null : "yes"],
    ["loaded", current === null || edited ? "" : PRINTED],
    ["live", current === null ? null : PRINTED],
    ["operator", operator === undefined ? null : `${operator.operator} 50000 10.0.0.254 ${String(operator.port)}`],
    ["end", "yes"],
  ];
  return found
    .flatMap(([key, value]) => (value === null ? [] : [`${key} ${Buffer.from(value).toString("hex")}\n`]))
    .join("");
}

/** Where drover comes from in a fake fleet, and sshd's port there. */
export interface FakeOperator {
  readonly operator: string;
  readonly port: number;
}

/** Teaches a fake fleet the firewall's commands. */
export function addFirewallCommands(fleet: FakeFleet, operator: FakeOperator): void {
  firewalls.set(fleet, operator);
  for (const host of fleet.hosts.values()) fakeFirewall(fleet, host);
  for (const [name, work] of Object.entries(WORK)) {
    const interpret: Interpreter = (call) => work(fakeFirewall(fleet, call.host), call);
    fleet.interpreters.set(name, interpret);
  }
}

/** From this command on, before or after its work, nothing of the host is heard any more. */
export function loseFrom(fleet: FakeFleet, name: string, command: string, when: "before" | "after"): void {
  const host = fleet.host(name);
  const before = fleet.intercept;
  fleet.intercept = (at, request) => {
    if (at !== host || request.command.name !== command) return before(at, request);
    fleet.intercept = before;
    host.way = { kind: "refused", failure: failure("host-timeout", `${name} did not answer in time`) };
    return when === "before" ? "lose-before" : "lose-after";
  };
}
