import { sha256 } from "../../src/model/hash.ts";
import { INSTALL_EXIT } from "../../src/model/installing.ts";
import { BEFORE, CACHE, CONFIG, KEY, MANIFEST, PREVIOUS, ZONES } from "../../src/named/paths.ts";
import { FakeExit, type FakeHost } from "./host.ts";
import type { FakeCall, FakeFleet, FakeOutput } from "./transport.ts";

/** named.conf as the package brings it. */
const PACKAGED = 'include "/etc/bind/named.conf.options";\n';

/** A host's BIND beyond its files. Fields are there to be changed by tests. */
export interface FakeBind {
  installed: boolean;
  active: boolean;
  enabled: boolean;
  /** Takes nothing new: as with a configuration that named-checkconf lets pass and named does not. */
  stubborn: boolean;
}

/** A host's BIND; the first look installs it, not started, as the lab's hosts have it. */
export function fakeBind(host: FakeHost): FakeBind {
  const found = host.extra.get("bind");
  if (isBind(found)) return found;
  const bind: FakeBind = { installed: true, active: false, enabled: false, stubborn: false };
  host.extra.set("bind", bind);
  write(host, CONFIG, PACKAGED, "644");
  return bind;
}

function isBind(value: unknown): value is FakeBind {
  return typeof value === "object" && value !== null && "stubborn" in value;
}

function write(host: FakeHost, path: string, text: string, mode: string): void {
  host.put(path, Buffer.from(text), mode, mode === "600" ? "root" : "root:bind");
}

function sumOf(host: FakeHost, path: string): string {
  return sha256(host.text(path) ?? "");
}

/** Zones by the names of files in a folder. */
function zonesIn(host: FakeHost, folder: string, prefix: string): readonly string[] {
  const start = `${folder}/${prefix}`;
  return [...host.files.keys()]
    .filter((path) => path.startsWith(start) && path.endsWith(".zone"))
    .map((path) => path.slice(start.length, -".zone".length))
    .toSorted();
}

/** What the fact `named` prints on this host. */
export function printNamedFact(host: FakeHost): string {
  const bind = fakeBind(host);
  const found: Readonly<Record<string, string | null>> = {
    manifest: host.text(MANIFEST),
    installed: bind.installed ? "yes" : null,
    version: bind.installed ? "9.18.49" : null,
    active: bind.active ? "active" : "inactive",
    enabled: bind.enabled ? "enabled" : "disabled",
    sha256: host.files.has(CONFIG) ? sumOf(host, CONFIG) : null,
    key: host.files.has(KEY) ? "right" : null,
    zones: zonesIn(host, ZONES, "").join(" "),
    copies: zonesIn(host, CACHE, "drover-").join(" "),
    end: "yes",
  };
  return Object.entries(found)
    .flatMap(([key, value]) => (value === null ? [] : [`${key} ${Buffer.from(value).toString("hex")}\n`]))
    .join("");
}

/** Told of what a host has come to answer for: a test's DNS world follows. `key` is the key's file. */
export type Serves = (
  host: string,
  zone: { readonly name: string; readonly role: string; readonly text: string; readonly key: string } | null,
) => void;

function keep(host: FakeHost): void {
  const sum = sumOf(host, CONFIG);
  const key = host.text(KEY);
  write(host, `${PREVIOUS}/${sum}`, host.text(CONFIG) ?? "", "600");
  if (key !== null) write(host, `${PREVIOUS}/${sum}.key`, key, "600");
  const bind = fakeBind(host);
  if (host.text(BEFORE) === null) write(host, BEFORE, `${sum} ${String(bind.active)} ${String(bind.enabled)}`, "600");
}

/** A secondary gets the zone where some host is its primary, runs, and has the same key. */
function transferred(fleet: FakeFleet, zone: string, key: string): string | null {
  const primary = [...fleet.hosts.values()].find(
    (host) => host.way.kind === "open" && fakeBind(host).active && host.files.has(`${ZONES}/${zone}.zone`),
  );
  return primary?.text(KEY) === key ? primary.text(`${ZONES}/${zone}.zone`) : null;
}

function settle(host: FakeHost, own: string): void {
  for (const path of host.files.keys()) {
    const isZone = path.endsWith(".zone") && (path.startsWith(`${ZONES}/`) || path.startsWith(`${CACHE}/drover-`));
    const file = host.files.get(path);
    if (!isZone || path === own || file === undefined) continue;
    if (path.startsWith(ZONES)) host.files.set(`${path}.gone`, file);
    host.files.delete(path);
  }
}

interface Wanted {
  readonly zone: string;
  readonly role: string;
  readonly config: string;
  readonly key: string;
  readonly manifest: string;
  readonly zoneText: string | null;
}

/** What a host would answer with. What was put aside comes back on the way back alone, where nothing is sent. */
function contents(fleet: FakeFleet, host: FakeHost, { zone, role, key, zoneText }: Wanted): string {
  const file = `${ZONES}/${zone}.zone`;
  const kept = host.text(file) ?? host.text(`${CACHE}/drover-${zone}.zone`) ?? zoneText ?? host.text(`${file}.gone`);
  const text = role === "primary" ? kept : transferred(fleet, zone, key);
  if (text !== null) return text;
  const why = role === "primary" ? "its file is gone" : "it did not come from its primary within 15 s";
  throw new FakeExit(INSTALL_EXIT.putBack, `the zone ${zone}: ${why}; the previous files are back`);
}

function change(fleet: FakeFleet, serves: Serves, host: FakeHost, wanted: Wanted): FakeOutput {
  const { zone, role, config, key, manifest } = wanted;
  const bind = fakeBind(host);
  const own = role === "primary" ? `${ZONES}/${zone}.zone` : `${CACHE}/drover-${zone}.zone`;
  const isSame = host.text(CONFIG) === config && host.text(KEY) === key && host.files.has(own);
  if (isSame && bind.active && host.text(MANIFEST) === manifest) return { stdout: "unchanged\n" };
  if (bind.stubborn) {
    throw new FakeExit(INSTALL_EXIT.putBack, "BIND does not take the new files; the previous files are back");
  }
  const text = contents(fleet, host, wanted);
  keep(host);
  write(host, own, text, "644");
  write(host, KEY, key, "640");
  write(host, CONFIG, config, "644");
  write(host, MANIFEST, manifest, "600");
  settle(host, own);
  const said = bind.active ? "reconfigured\n" : "started\n";
  bind.active = true;
  bind.enabled = true;
  serves(host.name, { name: zone, role, text, key });
  return { stdout: said };
}

function install(fleet: FakeFleet, serves: Serves, { host, args, frames }: FakeCall): FakeOutput {
  const [zone = "", role = "", name = "", algorithm = ""] = args;
  const [secret, config, manifest, zoneText] = frames.map((bytes) => Buffer.from(bytes).toString());
  if (!fakeBind(host).installed) throw new FakeExit(INSTALL_EXIT.missing, "BIND is not installed");
  if (secret === undefined || config === undefined || manifest === undefined) {
    throw new FakeExit(74, "input ended early");
  }
  const key = `key "${name}" { algorithm ${algorithm}; secret "${secret.trim()}"; };\n`;
  return change(fleet, serves, host, { zone, role, config, key, manifest, zoneText: zoneText ?? null });
}

function remove(serves: Serves, host: FakeHost): FakeOutput {
  const before = host.text(BEFORE);
  if (before === null) return { stdout: "nothing of drover is there\n" };
  keep(host);
  const [sum = "", active, enabled] = before.split(" ");
  write(host, CONFIG, host.text(`${PREVIOUS}/${sum}`) ?? PACKAGED, "644");
  settle(host, "");
  for (const path of [KEY, MANIFEST, BEFORE]) host.files.delete(path);
  const bind = fakeBind(host);
  bind.active = active === "true";
  bind.enabled = enabled === "true";
  serves(host.name, null);
  return { stdout: `BIND is as it was before, and ${bind.active ? "runs" : "stopped"}\n` };
}

function restore(fleet: FakeFleet, serves: Serves, { host, args, frames }: FakeCall): FakeOutput {
  const [hash = "-", , zone = "-", role = "-"] = args;
  const [manifest] = frames.map((bytes) => Buffer.from(bytes).toString());
  if (manifest === undefined) return remove(serves, host);
  const kept = hash === sumOf(host, CONFIG) ? CONFIG : `${PREVIOUS}/${hash}`;
  const [config, key] = [host.text(kept), host.text(kept === CONFIG ? KEY : `${kept}.key`)];
  if (config === null || key === null) throw new FakeExit(74, `the previous named.conf is lost: ${kept}`);
  // What a secondary has is good enough on the way back: its primary may not be there yet.
  const copy = host.text(`${CACHE}/drover-${zone}.zone`) ?? "";
  if (role === "secondary" && transferred(fleet, zone, key) === null) {
    write(host, CONFIG, config, "644");
    write(host, KEY, key, "640");
    write(host, MANIFEST, manifest, "600");
    serves(host.name, { name: zone, role, text: copy, key });
    return { stdout: "reconfigured\n" };
  }
  return change(fleet, serves, host, { zone, role, config, key, manifest, zoneText: null });
}

/** Teaches a fake fleet the commands about BIND. */
export function addNamedCommands(fleet: FakeFleet, serves: Serves = () => undefined): void {
  fleet.interpreters.set("named.install", (call) => install(fleet, serves, call));
  fleet.interpreters.set("named.restore", (call) => restore(fleet, serves, call));
  fleet.interpreters.set("named.remove", ({ host }) => remove(serves, host));
}
