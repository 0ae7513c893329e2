import { sha256 } from "../../src/model/hash.ts";
import { ASK_EXIT } from "../../src/resolver/ask.ts";
import { DROP_IN, MANIFEST, PREVIOUS, RESOLV_CONF } from "../../src/resolver/paths.ts";
import { RESOLVER_EXIT } from "../../src/resolver/script.ts";
import { FakeExit, type FakeFile, type FakeHost } from "./host.ts";
import type { FakeCall, FakeFleet, FakeOutput } from "./transport.ts";

/** A host that has systemd-resolved asks it; any other has a resolv.conf of its own, or none. */
export function useResolved(host: FakeHost): void {
  host.extra.set("resolved", true);
}

function sumOf(host: FakeHost, path: string): string {
  const text = host.text(path);
  return text === null ? "-" : sha256(text);
}

function ownerOf(file: FakeFile): string {
  return file.owner === "root" ? "0:0" : file.owner;
}

/** What the fact `resolver` prints on this host. */
export function printResolverFact(host: FakeHost): string {
  const file = host.files.get(RESOLV_CONF);
  const usesResolved = host.extra.get("resolved") === true;
  const manifest = host.text(MANIFEST);
  const [, original] = /"original":\{[^{}]*"sha256":"([0-9a-f]{64})"/.exec(manifest ?? "") ?? [];
  const found: readonly (readonly [string, string | null | undefined])[] = [
    ["link", usesResolved ? "/run/systemd/resolve/stub-resolv.conf" : null],
    ...(usesResolved || file === undefined
      ? []
      : ([
          ["text", host.text(RESOLV_CONF)],
          ["sha256", sumOf(host, RESOLV_CONF)],
          ["mode", file.mode.padStart(4, "0")],
          ["owner", ownerOf(file)],
        ] as const)),
    ["resolved", usesResolved ? "" : null],
    ["dropin", host.text(DROP_IN)],
    ["dropinsum", host.files.has(DROP_IN) ? sumOf(host, DROP_IN) : null],
    ["manifest", manifest],
    ["original", original === undefined ? null : host.text(`${PREVIOUS}/${original}`)],
    ["end", "yes"],
  ];
  return found
    .flatMap(([key, value]) =>
      value === null || value === undefined ? [] : [`${key} ${Buffer.from(value).toString("hex")}\n`],
    )
    .join("");
}

function unmoved(host: FakeHost, path: string, expected: string | undefined): void {
  if (sumOf(host, path) !== expected) throw new FakeExit(RESOLVER_EXIT.moved, `${path} was changed meanwhile`);
}

function keep(host: FakeHost, path: string): void {
  const file = host.files.get(path);
  if (file !== undefined) host.put(`${PREVIOUS}/${sumOf(host, path)}`, file.bytes, "600", "root");
}

/** Whether a server answers a host; the zone is what the servers say it is. */
export type Answers = (host: string, server: string) => boolean;

function install({ host, args, frames }: FakeCall, answers: Answers): FakeOutput {
  const [way, expected, mode = "", owner = "", checks, , zone = "", ...servers] = args;
  const [text, manifest] = frames;
  if (text === undefined || manifest === undefined) throw new FakeExit(74, "input ended early");
  const target = way === "resolved" ? DROP_IN : RESOLV_CONF;
  unmoved(host, target, expected);
  if (host.text(target) === Buffer.from(text).toString() && host.text(MANIFEST) === Buffer.from(manifest).toString()) {
    return { stdout: "unchanged\n" };
  }
  const silent = checks === "proven" ? servers.find((server) => !answers(host.name, server)) : undefined;
  if (silent !== undefined) throw new FakeExit(ASK_EXIT.silent, `the DNS server ${silent} does not answer there`);
  keep(host, target);
  host.put(MANIFEST, manifest, "600", "root");
  host.put(target, text, mode, owner);
  if (way === "file") host.files.delete(DROP_IN);
  return { stdout: `names of ${zone} resolve\n` };
}

function remove({ host, args }: FakeCall): FakeOutput {
  const [what, expected, original = "", mode = "", owner = ""] = args;
  if (what !== "leave") unmoved(host, RESOLV_CONF, expected);
  if (what === "gone") host.files.delete(RESOLV_CONF);
  if (what === "back") {
    const kept = host.files.get(`${PREVIOUS}/${original}`);
    if (kept === undefined) throw new FakeExit(RESOLVER_EXIT.lost, `${PREVIOUS}/${original} is gone`);
    host.put(RESOLV_CONF, kept.bytes, mode, owner);
    host.files.delete(`${PREVIOUS}/${original}`);
  }
  host.files.delete(DROP_IN);
  host.files.delete(MANIFEST);
  return { stdout: "as before drover\n" };
}

/** Teaches a fake fleet the commands about resolvers. */
export function addResolverCommands(fleet: FakeFleet, answers: Answers = () => true): void {
  fleet.interpreters.set("resolver.look", ({ host }) => ({ stdout: printResolverFact(host) }));
  fleet.interpreters.set("resolver.install", (call) => install(call, answers));
  // The way back to an earlier model is the same script, which asks nobody.
  fleet.interpreters.set("resolver.restore", (call) =>
    call.frames.length === 0 ? remove(call) : install(call, answers),
  );
}
