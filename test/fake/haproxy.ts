import { normalizeHaproxy, setDisabled } from "../../src/lb/normalize.ts";
import { CONFIG, MANIFEST, PENDING, PREVIOUS, STATE_FILE } from "../../src/lb/paths.ts";
import { INSTALL_EXIT } from "../../src/lb/perl-checks.ts";
import { sha256 } from "../../src/model/hash.ts";
import { FakeHaproxy } from "./haproxy-cli.ts";
import { parseConfig, rowsByServer, stateFor } from "./haproxy-config.ts";
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

function load(host: FakeHost, haproxy: FakeHaproxy, config: string): boolean {
  const state = stateFor(config, rowsToKeep(haproxy, config));
  write(host, STATE_FILE, state, "644");
  write(host, CONFIG, config, "644");
  const came = haproxy.load(config, state);
  if (came) write(host, STATE_FILE, stateFor(config), "644");
  return came;
}

function change(host: FakeHost, config: string, manifest: string | null): FakeOutput {
  const haproxy = host.extra.get("haproxy") === null ? null : fakeHaproxy(host);
  if (haproxy === null) throw new FakeExit(INSTALL_EXIT.missing, "HAProxy is not installed");
  if (/^nonsense/m.test(config) || !config.endsWith("\n")) {
    throw new FakeExit(INSTALL_EXIT.refused, "HAProxy refuses the new haproxy.cfg\nunknown keyword 'nonsense'");
  }
  const previous = host.text(CONFIG);
  const ran = haproxy.running;
  let said = "unchanged";
  if (previous !== config || host.files.has(PENDING) || !ran) {
    if (previous !== null) write(host, `${PREVIOUS}/${sha256(previous)}`, previous);
    write(host, PENDING, "1\n");
    if (!load(host, haproxy, config)) putBack(host, haproxy, previous, ran);
    said = `${ran ? "reloaded" : "started"}, worker ${haproxy.pid}`;
  }
  if (manifest === null) host.files.delete(MANIFEST);
  else write(host, MANIFEST, manifest.replace('"@"', JSON.stringify(sha256(normalizeHaproxy(config).text))));
  host.files.delete(PENDING);
  return { stdout: `${said}\n` };
}

function putBack(host: FakeHost, haproxy: FakeHaproxy, previous: string | null, ran: boolean): never {
  if (!ran || previous === null) {
    haproxy.stop();
    if (previous === null) host.files.delete(CONFIG);
    else write(host, CONFIG, previous, "644");
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
  const [config, manifest] = frames.map((bytes) => Buffer.from(bytes).toString());
  if (config === undefined || manifest === undefined) throw new FakeExit(74, "input ended early");
  return change(host, config, manifest);
}

function restore({ host, args, frames }: FakeCall): FakeOutput {
  const [hash = "-"] = args;
  const manifest = frames[0] === undefined ? null : Buffer.from(frames[0]).toString();
  if (hash !== "-") {
    const kept = host.text(`${PREVIOUS}/${hash}`);
    if (kept === null) throw new FakeExit(74, `${PREVIOUS}/${hash}: No such file or directory`);
    return change(host, kept, manifest);
  }
  fakeHaproxy(host).stop();
  for (const path of [CONFIG, MANIFEST, PENDING]) host.files.delete(path);
  return { stdout: "HAProxy is stopped\n" };
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
      const haproxy = host.extra.get("haproxy") === null ? null : fakeHaproxy(host);
      const answer = socket === "admin" ? haproxy?.admin(line) : haproxy?.master(line);
      return answer ?? `!drover the ${socket} socket: nobody listens`;
    },
  };
}

/** What the fact `lb` prints on this host. */
export function printLbFact(host: FakeHost): string {
  const haproxy = host.extra.get("haproxy") === null ? null : fakeHaproxy(host);
  const config = host.text(CONFIG);
  const found: readonly (readonly [string, string | null | undefined])[] = [
    ["active", haproxy?.running === true ? "active" : "inactive"],
    ["sha256", config === null ? null : sha256(config)],
    ["installed", haproxy === null ? null : "yes"],
    ["config", config],
    ["manifest", host.text(MANIFEST)],
    ["pending", host.files.has(PENDING) ? "yes" : null],
    ["servers", haproxy?.admin("show servers state")],
    ["stat", haproxy?.admin("show stat -1 4 -1")],
    ["proc", haproxy?.master("show proc")],
  ];
  return found
    .flatMap(([key, value]) =>
      value === null || value === undefined ? [] : [`${key} ${Buffer.from(value).toString("hex")}\n`],
    )
    .join("");
}

const interpreters: Readonly<Record<string, Interpreter>> = {
  "lb.install": install,
  "lb.restore": restore,
  "lb.mark": mark,
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
