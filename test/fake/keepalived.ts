import { sha256 } from "../../src/model/hash.ts";
import { INSTALL_EXIT } from "../../src/model/installing.ts";
import { addressKey, vipsOf } from "../../src/vip/normalize.ts";
import { CHECK, CONFIG, DROP_IN, MANIFEST, PENDING, PREVIOUS, YIELDED } from "../../src/vip/paths.ts";
import { FakeExit, type FakeHost } from "./host.ts";
import type { FakeCall, FakeFleet, FakeOutput, Interpreter } from "./transport.ts";

/** The keepalived of a fake host: installed, neither running nor started at boot, until something is installed. */
class FakeKeepalived {
  /** The text that runs; null: stopped. */
  running: string | null = null;
  enabled = false;
  /** Has the VIPs of what runs on its host. */
  holds = false;
  /** How often it read its file again. */
  reloads = 0;
}

/** The keepalived of a fake host; null where its package is missing. */
function fakeKeepalived(host: FakeHost): FakeKeepalived | null {
  const known = host.extra.get("keepalived");
  if (known === null) return null;
  if (known instanceof FakeKeepalived) return known;
  const created = new FakeKeepalived();
  host.extra.set("keepalived", created);
  return created;
}

/** Takes the package away from a fake host. */
export function removeKeepalived(host: FakeHost): void {
  host.extra.set("keepalived", null);
}

function write(host: FakeHost, path: string, text: string, mode = "600"): void {
  host.put(path, Buffer.from(text), mode, "root");
}

function word(text: string, key: string): string {
  return new RegExp(`^\\s*${key}\\s+(\\S+)`, "m").exec(text)?.[1] ?? "";
}

/** Whoever holds a VIP keeps it (nopreempt); where nobody does, the highest priority takes it. At once: no timers. */
function elect(fleet: FakeFleet): void {
  const sets = new Map<string, { readonly priority: number; readonly keepalived: FakeKeepalived }[]>();
  for (const host of fleet.hosts.values()) {
    const keepalived = fakeKeepalived(host);
    if (keepalived === null) continue;
    if (keepalived.running === null || host.way.kind !== "open") {
      keepalived.holds = false;
      continue;
    }
    const instance = word(keepalived.running, "vrrp_instance");
    const members = sets.get(instance) ?? [];
    members.push({ priority: Number(word(keepalived.running, "priority")), keepalived });
    sets.set(instance, members);
  }
  for (const members of sets.values()) {
    const [first] = members.toSorted((left, right) => right.priority - left.priority);
    if (first !== undefined && !members.some(({ keepalived }) => keepalived.holds)) first.keepalived.holds = true;
  }
}

/** Addresses as `ip -o addr` prints them: the host's own and, where it holds them, its VIPs. */
function printAddresses(host: FakeHost, own: readonly string[]): string {
  const keepalived = fakeKeepalived(host);
  const vips = keepalived?.holds === true ? vipsOf(keepalived.running ?? "") : [];
  const lines = [...own, ...vips].map((address) => {
    const [family, prefix] = address.includes(":") ? ["inet6", "64"] : ["inet", "24"];
    return `2: eth0    ${family} ${address}/${prefix} scope global eth0\\       valid_lft forever preferred_lft forever\n`;
  });
  return ["1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n", ...lines].join(
    "",
  );
}

function needed(host: FakeHost): FakeKeepalived {
  const keepalived = fakeKeepalived(host);
  if (keepalived === null) throw new FakeExit(INSTALL_EXIT.missing, "keepalived is not installed");
  return keepalived;
}

function refuse(config: string): void {
  if (!/^nonsense/m.test(config)) return;
  throw new FakeExit(INSTALL_EXIT.refused, "keepalived refuses the new keepalived.conf\nUnknown keyword 'nonsense'");
}

interface Files {
  readonly check: string;
  readonly dropIn: string;
  readonly config: string;
  readonly manifest: string | null;
}

function isSame(host: FakeHost, { check, dropIn, config }: Files): boolean {
  return host.text(CONFIG) === config && host.text(CHECK) === check && host.text(DROP_IN) === dropIn;
}

function lay(host: FakeHost, { check, dropIn, config }: Files): void {
  const previous = host.text(CONFIG);
  if (previous !== null) write(host, `${PREVIOUS}/${sha256(previous)}`, previous);
  write(host, PENDING, "");
  write(host, CHECK, check, "755");
  write(host, DROP_IN, dropIn, "644");
  write(host, CONFIG, config, "644");
}

/** Brings a running or stopped keepalived to its file; the word for it. */
function bringUp(host: FakeHost, keepalived: FakeKeepalived, config: string): string {
  const ran = keepalived.running !== null;
  if (ran) keepalived.reloads += 1;
  keepalived.running = config;
  keepalived.enabled = true;
  host.files.delete(YIELDED);
  return ran ? "reloaded" : "started";
}

function change(host: FakeHost, files: Files, ended: "run" | "keep"): FakeOutput {
  const keepalived = needed(host);
  const stays = ended === "keep" && host.files.has(YIELDED);
  let said = "unchanged";
  if (!isSame(host, files) || host.files.has(PENDING) || (keepalived.running === null && !stays)) {
    lay(host, files);
    said = stays ? "laid down, keepalived stays stopped" : bringUp(host, keepalived, files.config);
  }
  if (files.manifest === null) host.files.delete(MANIFEST);
  else write(host, MANIFEST, files.manifest);
  host.files.delete(PENDING);
  return { stdout: `${said}\n` };
}

function texts({ frames }: FakeCall): readonly string[] {
  return frames.map((bytes) => Buffer.from(bytes).toString());
}

function install(call: FakeCall): FakeOutput {
  const [check, dropIn, config, manifest] = texts(call);
  if (check === undefined || dropIn === undefined || config === undefined || manifest === undefined) {
    throw new FakeExit(74, "input ended early");
  }
  needed(call.host);
  refuse(config);
  return change(call.host, { check, dropIn, config, manifest }, "run");
}

function restore(call: FakeCall): FakeOutput {
  const { host, args } = call;
  const [hash = "-"] = args;
  const [check = "", dropIn = "", manifest = null] = texts(call);
  if (hash !== "-") {
    const there = host.text(CONFIG);
    // Refused before anything was changed: then the file is still where it was, and nowhere else.
    const kept = host.text(`${PREVIOUS}/${hash}`) ?? (there !== null && sha256(there) === hash ? there : null);
    if (kept === null) throw new FakeExit(74, `${PREVIOUS}/${hash}: No such file or directory`);
    return change(host, { check, dropIn, config: kept, manifest }, "keep");
  }
  stop(host);
  const text = host.text(CONFIG);
  if (text !== null) write(host, `${PREVIOUS}/${sha256(text)}`, text);
  for (const path of [CONFIG, CHECK, DROP_IN, MANIFEST, PENDING, YIELDED]) host.files.delete(path);
  return { stdout: "keepalived is stopped\n" };
}

function stop(host: FakeHost): void {
  const keepalived = fakeKeepalived(host);
  if (keepalived === null) return;
  keepalived.running = null;
  keepalived.enabled = false;
  keepalived.holds = false;
}

const interpreters: Readonly<Record<string, Interpreter>> = {
  "vip.install": install,
  "vip.restore": restore,
  "vip.check": (call) => {
    needed(call.host);
    refuse(texts(call)[2] ?? "");
    return {};
  },
  "vip.yield": ({ host }) => {
    needed(host);
    write(host, YIELDED, "");
    stop(host);
    return { stdout: "stopped\n" };
  },
  "vip.resume": ({ host }) => {
    const keepalived = needed(host);
    const config = host.text(CONFIG);
    if (config === null) throw new FakeExit(INSTALL_EXIT.stuck, `${CONFIG} is missing`);
    keepalived.running = config;
    keepalived.enabled = true;
    host.files.delete(YIELDED);
    return { stdout: "started\n" };
  },
};

/** Each fake host's own addresses, as its inventory says. */
export type OwnAddresses = Readonly<Record<string, readonly string[]>>;

/** What the fact `vip` prints on this host. */
export function printVipFact(fleet: FakeFleet, host: FakeHost, own: OwnAddresses): string {
  elect(fleet);
  const keepalived = fakeKeepalived(host);
  const config = host.text(CONFIG);
  const found: readonly (readonly [string, string | null])[] = [
    ["active", (keepalived?.running ?? null) === null ? "inactive" : "active"],
    ["enabled", keepalived?.enabled === true ? "enabled" : "disabled"],
    ["installed", keepalived === null ? null : "yes"],
    ["config", config],
    ["sha256", config === null ? null : sha256(config)],
    ["check", host.text(CHECK)],
    ["dropin", host.text(DROP_IN)],
    ["manifest", host.text(MANIFEST)],
    ["pending", host.files.has(PENDING) ? "yes" : null],
    ["yielded", host.files.has(YIELDED) ? "yes" : null],
    ["addresses", printAddresses(host, own[host.name] ?? [])],
    ["alive", "yes"],
    ["end", "yes"],
  ];
  return found
    .flatMap(([key, value]) => (value === null ? [] : [`${key} ${Buffer.from(value).toString("hex")}\n`]))
    .join("");
}

/** Teaches a fake fleet keepalived's commands. The VIP moves at once: a fake has no timers. */
export function addVipCommands(fleet: FakeFleet, own: OwnAddresses): void {
  for (const [name, interpret] of Object.entries(interpreters)) {
    fleet.interpreters.set(name, async (call) => {
      const output = await interpret(call);
      elect(fleet);
      return output;
    });
  }
  fleet.interpreters.set("vip.look", ({ host }) => {
    elect(fleet);
    return { stdout: printAddresses(host, own[host.name] ?? []) };
  });
  // As on a network where protocol 112 is open: everybody who is up is heard.
  fleet.interpreters.set("vip.probe", ({ args }) => {
    const up = [...fleet.hosts.values()].filter(({ way }) => way.kind === "open").map(({ name }) => name);
    const heard = args.slice(2).filter((peer) => {
      return up.some((name) => (own[name] ?? []).some((address) => addressKey(address) === addressKey(peer)));
    });
    return { stdout: [...heard.map((peer) => `heard ${peer}\n`), "end\n"].join("") };
  });
}
