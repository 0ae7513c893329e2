import { bundleHash } from "../../src/lb/bundle.ts";
import type { LbManifest } from "../../src/lb/facts.ts";
import { normalizeHaproxy, setAddress, setDisabled } from "../../src/lb/normalize.ts";
import { CONFIG, FILES, MANIFEST, PENDING, PREVIOUS, STATE_FILE } from "../../src/lb/paths.ts";
import { MOVE_EXIT } from "../../src/lb/perl-move.ts";
import { canonicalJson, sha256 } from "../../src/model/hash.ts";
import { INSTALL_EXIT } from "../../src/model/installing.ts";
import type { ServerAddress } from "../../src/model/lb.ts";
import { FakeHaproxy } from "./haproxy-cli.ts";
import { parseConfig, rowsByServer, stateFor } from "./haproxy-config.ts";
import {
  isSameBundle,
  keepBundle,
  keptBundle,
  liveBundle,
  manifestOf,
  placeBundle,
  readBundle,
  wrongWith,
  type FakeBundle,
} from "./haproxy-files.ts";
import type { FakeServer } from "./haproxy-server.ts";
import { FakeExit, type FakeHost } from "./host.ts";
import { answers } from "./release.ts";
import type { FakeCall, FakeFleet, FakeOutput, FakeProgram, Interpreter } from "./transport.ts";

/** The HAProxy of a fake host: installed, not running, until something is installed. */
export function fakeHaproxy(host: FakeHost): FakeHaproxy {
  const known = host.extra.get("haproxy");
  if (known instanceof FakeHaproxy) return known;
  const created = new FakeHaproxy();
  host.extra.set("haproxy", created);
  return created;
}

/** Takes the package away from a fake host: facts and installs then find none. */
export function removeHaproxy(host: FakeHost): void {
  host.extra.set("haproxy", null);
}

/** Null where the package is not there. */
function installed(host: FakeHost): FakeHaproxy | null {
  return host.extra.get("haproxy") === null ? null : fakeHaproxy(host);
}

function write(host: FakeHost, path: string, text: string, mode = "600"): void {
  host.put(path, Buffer.from(text), mode, "root");
}

/** Servers that are down or taken out, at the same address in the new file, and not marked there. */
function rowsToKeep(haproxy: FakeHaproxy, config: string): readonly string[] {
  const wanted = new Map(parseConfig(config).map((server) => [server.ref, server]));
  return [...rowsByServer(haproxy.admin("show servers state") ?? "")].flatMap(([ref, { admin, up, at, row }]) => {
    const server = wanted.get(ref);
    if (server === undefined || server.marked || at !== `${server.address} ${server.port}`) return [];
    return up && admin === 0 ? [] : [row];
  });
}

function load(host: FakeHost, haproxy: FakeHaproxy, bundle: FakeBundle): boolean {
  const { config } = bundle;
  const state = stateFor(config, rowsToKeep(haproxy, config));
  write(host, STATE_FILE, state, "644");
  const came = haproxy.load(config, state, bundle.files);
  if (came) write(host, STATE_FILE, stateFor(config), "644");
  return came;
}

interface Wanted {
  readonly bundle: FakeBundle;
  readonly manifest: string | null;
  readonly change: readonly string[];
}

function change(host: FakeHost, wanted: Wanted): FakeOutput {
  const { bundle, manifest } = wanted;
  const haproxy = installed(host);
  if (haproxy === null) throw new FakeExit(INSTALL_EXIT.missing, "HAProxy is not installed");
  const wrong = wrongWith(bundle);
  if (wrong !== null) throw new FakeExit(INSTALL_EXIT.refused, wrong);
  const isOnDisk = isSameBundle(liveBundle(host), bundle) && !host.files.has(PENDING);
  const isSame = isOnDisk && haproxy.running && haproxy.otherwise(bundle.config) === "";
  const said = isSame ? "unchanged" : bringIn(host, haproxy, wanted);
  if (manifest === null) host.files.delete(MANIFEST);
  else write(host, MANIFEST, filledManifest(manifest, bundle));
  host.files.delete(PENDING);
  return { stdout: `${said}\n` };
}

function filledManifest(text: string, bundle: FakeBundle): string {
  const manifest = { ...JSON.parse(text), files: manifestOf(bundle) };
  const own = sha256(normalizeHaproxy(bundle.config).text);
  return canonicalJson({ ...manifest, sha256: manifest.sha256 === "@" ? own : manifest.sha256 });
}

/** Puts the files in place and makes HAProxy run them; what is said of it. */
function bringIn(host: FakeHost, haproxy: FakeHaproxy, { bundle, change: [how, ...edits] }: Wanted): string {
  const previous = liveBundle(host);
  const ran = haproxy.running;
  const sound = host.files.has(MANIFEST) && !host.files.has(PENDING);
  if (previous !== null) keepBundle(host, previous);
  write(host, PENDING, "1\n");
  placeBundle(host, bundle);
  let refused = "";
  if (how === "runtime" && ran) {
    refused = sound ? haproxy.edit(bundle.config, bundle.files, edits) : "what was there is not what drover applied";
    if (refused === "") {
      write(host, STATE_FILE, stateFor(bundle.config), "644");
      return edits.length > 0 ? "changed at runtime" : "written, nothing to change at runtime";
    }
  }
  if (!load(host, haproxy, bundle)) putBack(host, haproxy, previous, ran);
  const loaded = `${ran ? "reloaded" : "started"}, worker ${haproxy.pid}`;
  return refused === "" ? loaded : `${loaded}; not changed at runtime: ${refused}`;
}

function putBack(host: FakeHost, haproxy: FakeHaproxy, previous: FakeBundle | null, ran: boolean): never {
  if (previous !== null) placeBundle(host, previous);
  if (!ran || previous === null) {
    haproxy.stop();
    if (previous === null) host.files.delete(CONFIG);
    host.files.delete(PENDING);
    throw new FakeExit(INSTALL_EXIT.putBack, "HAProxy did not start with the new haproxy.cfg");
  }
  load(host, haproxy, previous);
  host.files.delete(PENDING);
  throw new FakeExit(
    INSTALL_EXIT.putBack,
    "the new haproxy.cfg did not come up; the previous one is back and runs\nthe new worker did not start",
  );
}

function install({ host, frames }: FakeCall): FakeOutput {
  const [config, manifest, index, edits] = frames.slice(0, 4).map((bytes) => Buffer.from(bytes).toString());
  if (config === undefined || manifest === undefined || index === undefined || edits === undefined) {
    throw new FakeExit(74, "input ended early");
  }
  const bundle = readBundle(host, config, index, frames.slice(4));
  return change(host, { bundle, manifest, change: edits.split("\n").filter((line) => line !== "") });
}

function certificates({ host }: FakeCall): FakeOutput {
  const files = [...(liveBundle(host)?.files ?? [])].filter(([, { kind }]) => kind === "certificate");
  return { stdout: files.map(([path, { id }]) => `${id} ${path}\n`).join("") };
}

/** What was refused before it began kept nothing: then what is asked back is what is there. */
function stillThere(host: FakeHost, hash: string): FakeBundle | null {
  const live = liveBundle(host);
  if (live === null) return null;
  const ids = Object.fromEntries([...live.files].map(([path, { id }]) => [path, id]));
  return bundleHash(live.config, ids) === hash ? live : null;
}

function restore({ host, args, frames }: FakeCall): FakeOutput {
  const [hash = "-"] = args;
  const manifest = frames[0] === undefined ? null : Buffer.from(frames[0]).toString();
  if (hash !== "-") {
    const bundle = keptBundle(host, hash) ?? stillThere(host, hash);
    if (bundle === null) throw new FakeExit(74, `${PREVIOUS}/${hash} is missing`);
    return change(host, { bundle, manifest, change: ["reload"] });
  }
  fakeHaproxy(host).stop();
  for (const path of host.files.keys()) {
    if ([CONFIG, MANIFEST, PENDING].includes(path) || path.startsWith(`${FILES}/`)) host.files.delete(path);
  }
  return { stdout: "HAProxy is stopped\n" };
}

function move({ host, args }: FakeCall): FakeOutput {
  const [backend, server, from, fromPort, address, port] = sixOf(args);
  const ref = `${backend}/${server}`;
  const config = host.text(CONFIG) ?? "";
  const has = parseConfig(config).find((each) => each.ref === ref);
  if (has === undefined) throw new FakeExit(MOVE_EXIT.missing, `${CONFIG} has no server ${ref}`);
  const at = `${has.address} ${String(has.port)}`;
  if (![`${from} ${fromPort}`, `${address} ${port}`].includes(at)) {
    throw new FakeExit(MOVE_EXIT.refused, `${ref} is at ${at}, not at ${from} ${fromPort}`);
  }
  const to = { address, port: Number(port) };
  const isThere = isAt(installed(host)?.servers.get(ref), ref, to);
  const next = setAddress(config, { backend, server }, to);
  const manifest = host.text(MANIFEST);
  if (manifest !== null) write(host, MANIFEST, movedManifest(manifest, ref, to, next));
  write(host, CONFIG, next, "644");
  write(host, STATE_FILE, stateFor(next), "644");
  installed(host)?.move(ref, to);
  return { stdout: isThere ? "unchanged\n" : "moved\n" };
}

function sixOf(args: readonly string[]): readonly [string, string, string, string, string, string] {
  const [a, b, c, d, e, f] = args;
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined || f === undefined) {
    throw new FakeExit(2, "too few arguments");
  }
  return [a, b, c, d, e, f];
}

/** Refuses a server that takes traffic elsewhere. */
function isAt(running: FakeServer | undefined, ref: string, to: ServerAddress): boolean {
  const isThere = running?.address === to.address && running.port === to.port;
  if (running?.admin === "ready" && !isThere) {
    throw new FakeExit(MOVE_EXIT.refused, `${ref} takes traffic; it can only be moved while it is drained`);
  }
  return isThere;
}

function movedManifest(text: string, ref: string, to: ServerAddress, config: string): string {
  const manifest: LbManifest = JSON.parse(text);
  const [backend = "", server = ""] = ref.split("/");
  const app = manifest.model.apps[backend];
  if (app === undefined) throw new FakeExit(MOVE_EXIT.refused, `the manifest knows no app ${backend}`);
  const servers = app.servers.map((each) => (each.name === server ? { ...each, ...to } : each));
  const model = { ...manifest.model, apps: { ...manifest.model.apps, [backend]: { ...app, servers } } };
  return canonicalJson({ ...manifest, model, sha256: sha256(normalizeHaproxy(config).text) });
}

function mark({ host, args }: FakeCall): FakeOutput {
  const [backend = "", server = "", state] = args;
  const text = host.text(CONFIG);
  if (text === null) throw new FakeExit(3, `${CONFIG} is missing`);
  if (!parseConfig(text).some(({ ref }) => ref === `${backend}/${server}`)) {
    throw new FakeExit(3, `${CONFIG} has no server ${backend}/${server}`);
  }
  const next = setDisabled(text, { backend, server }, state === "on");
  if (next !== text) write(host, CONFIG, next, "644");
  write(host, STATE_FILE, stateFor(next), "644");
  return { stdout: next === text ? "unchanged\n" : "changed\n" };
}

function relay({ host }: FakeCall): FakeProgram {
  return {
    greeting: "relay",
    answer(payload) {
      const [, socket, epoch = "0", line = ""] = /^(admin|master) (\d+)\n([^\n]+)$/.exec(payload) ?? [];
      if (socket === undefined) return "!drover malformed request";
      if (Number(epoch) > 0 && host.epoch > Number(epoch)) {
        return `!drover stale: this host has seen epoch ${host.epoch}, newer than ${epoch}`;
      }
      const haproxy = installed(host);
      const answer = socket === "admin" ? haproxy?.admin(line) : haproxy?.master(line);
      return answer ?? `!drover the ${socket} socket: nobody listens`;
    },
  };
}

function listing(host: FakeHost): string {
  const files = [...host.files].filter(([path]) => path.startsWith(`${FILES}/`));
  return files.map(([path, { bytes }]) => `${sha256(bytes)}  ${path}\n`).join("");
}

/** What the fact `lb` prints on this host. */
export function printLbFact(host: FakeHost): string {
  const haproxy = installed(host);
  const config = host.text(CONFIG);
  const found: readonly (readonly [string, string | null | undefined])[] = [
    ["active", haproxy?.running === true ? "active" : "inactive"],
    ["sha256", config === null ? null : sha256(config)],
    ["installed", haproxy === null ? null : "yes"],
    ["config", config],
    ["files", listing(host)],
    ["manifest", host.text(MANIFEST)],
    ["pending", host.files.has(PENDING) ? "yes" : null],
    ["servers", haproxy?.admin("show servers state")],
    ["stat", haproxy?.admin("show stat -1 4 -1")],
    ["info", haproxy?.admin("show info")],
    ["proc", haproxy?.master("show proc")],
  ];
  return found
    .flatMap(([key, value]) =>
      value === null || value === undefined ? [] : [`${key} ${Buffer.from(value).toString("hex")}\n`],
    )
    .join("");
}

/** Every app with a server that is up answers, as long as HAProxy runs. */
function tryApps({ host, frames }: FakeCall): FakeOutput {
  const who = fakeHaproxy(host).running ? "app\t200" : "nobody\tnobody listens";
  const lines = Buffer.from(frames[0] ?? [])
    .toString()
    .split("\n")
    .filter((line) => line !== "");
  return { stdout: lines.map((line) => `${line.split("\t")[0] ?? ""}\t${who}\n`).join("") };
}

const interpreters: Readonly<Record<string, Interpreter>> = {
  "lb.install": install,
  "lb.restore": restore,
  "lb.certificates": certificates,
  "lb.mark": mark,
  "lb.move": move,
  "lb.try": tryApps,
};

/** Teaches a fake fleet the balancer's commands; checks ask the fake apps on the servers' hosts, where there are any. */
export function addLbCommands(fleet: FakeFleet): void {
  for (const [name, interpret] of Object.entries(interpreters)) fleet.interpreters.set(name, interpret);
  fleet.programs.set("lb.relay", relay);
  for (const host of fleet.hosts.values()) {
    fakeHaproxy(host).passes = (ref) => {
      const [backend = "", server = ""] = ref.split("/");
      const instance = fleet.hosts.get(server);
      return instance !== undefined && answers(instance, backend, fleet.clock.now());
    };
  }
}
