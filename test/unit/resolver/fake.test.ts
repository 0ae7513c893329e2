import { expect, test } from "vitest";
import type { Outcome } from "../../../src/model/operation.ts";
import type { ResolverAction, ResolverModel } from "../../../src/model/resolver.ts";
import { diffResolver } from "../../../src/resolver/diff.ts";
import { resolverFact } from "../../../src/resolver/facts.ts";
import { operateResolver } from "../../../src/resolver/operations.ts";
import { DROP_IN, RESOLV_CONF } from "../../../src/resolver/paths.ts";
import type { FakeHost } from "../../fake/host.ts";
import { addResolverCommands, printResolverFact, useResolved } from "../../fake/resolver.ts";
import { createFakeTransport, FakeFleet } from "../../fake/transport.ts";
import { VirtualClock } from "../../support/clock.ts";
import { MODEL, PLAIN } from "./models.ts";

const OLDER: ResolverModel = { ...MODEL, servers: ["192.168.56.31"] };

/** A host in memory, and how actions end on it. */
function bench(): { host: FakeHost; go: (action: ResolverAction) => Promise<Outcome>; dead: Set<string> } {
  const fleet = new FakeFleet(["app1"], new VirtualClock());
  const dead = new Set<string>();
  addResolverCommands(fleet, (_, server) => !dead.has(server));
  const transport = createFakeTransport(fleet);
  const limits = { deadline: 60_000, signal: new AbortController().signal };
  const go = async (action: ResolverAction): Promise<Outcome> => {
    const operation = operateResolver(action);
    let next = operation.next();
    while (next.done !== true) {
      if (next.value.kind !== "exec") throw new Error(`asked for ${next.value.kind}`);
      const { command } = next.value;
      const bytes = command.frames.map((frame) => Buffer.from(frame.kind === "text" ? frame.text : ""));
      const frames = bytes.map((each) => ({ size: each.length, bytes: each }));
      const warrant = command.mutates ? { run: "test", epoch: 1 } : null;
      const result = await transport.exec("app1", { command, warrant, frames }, limits);
      if (result.kind === "failed") throw new Error(result.failure.message);
      next = operation.next({ ...result, kind: "exec", elapsed: 0 });
    }
    return next.value;
  };
  return { host: fleet.host("app1"), go, dead };
}

const install = (model: ResolverModel): ResolverAction => ({ kind: "resolver.install", host: "app1", model });
const restore = (model: ResolverModel | null): ResolverAction => ({ kind: "resolver.restore", host: "app1", model });

test.for([
  ["a plain file", (host: FakeHost) => host.put(RESOLV_CONF, Buffer.from(PLAIN), "644", "0:4"), RESOLV_CONF],
  ["no file at all", () => undefined, RESOLV_CONF],
  ["systemd-resolved", useResolved, DROP_IN],
] as const)("%s in memory: told, told anew, back to the first, and as before drover", async ([, prepare, path]) => {
  const { host, go } = bench();
  prepare(host);
  const diff = (model: ResolverModel | null): string =>
    diffResolver("app1", model, resolverFact.parse(printResolverFact(host))).kind;
  const before = printResolverFact(host);
  expect(diff(OLDER)).toBe("install");
  expect(await go(install(OLDER))).toEqual({ kind: "done", note: "names of svc.lab.internal resolve" });
  expect(diff(OLDER)).toBe("same");
  const first = host.text(path);
  expect(await go(install(MODEL))).toMatchObject({ kind: "done" });
  expect(diff(OLDER)).toBe("install");
  expect(await go(restore(OLDER))).toMatchObject({ kind: "done" });
  expect(host.text(path)).toBe(first);
  expect(diff(null)).toBe("remove");
  expect(await go(restore(null))).toMatchObject({ kind: "done" });
  expect(printResolverFact(host)).toBe(before);
  expect(diff(null)).toBe("same");
});

test("a dead server changes nothing, and does not keep anybody from going back", async () => {
  const { host, go, dead } = bench();
  await go(install(OLDER));
  const before = printResolverFact(host);
  dead.add("192.168.56.31").add("192.168.56.32");
  expect(await go(install(MODEL))).toMatchObject({ kind: "failed", failure: { code: "dns-unreachable" } });
  expect(printResolverFact(host)).toBe(before);
  expect(await go(restore(MODEL))).toMatchObject({ kind: "done" });
});
