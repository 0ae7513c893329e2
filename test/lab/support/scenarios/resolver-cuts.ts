// What is done to how a host resolves names, killed before one of its writes and done again.
import { expect } from "vitest";
import type { ResolverAction } from "../../../../src/model/resolver.ts";
import { PENDING } from "../../../../src/resolver/paths.ts";
import { HOST, MODEL, ROUTED, type ResolverBench } from "../resolver.ts";

/** The programs by which the scripts change anything. */
const PROGRAMS: readonly string[] = ["cp", "ln", "mv", "rm", "touch"];
const FOLDER = "/run/cut";
/** First on every script's PATH. */
const FIRST = "/usr/local/sbin";
const PROGRAM = `#!/bin/sh
name=\${0##*/}
if [ -n "$CUT" ]; then
  echo "$name $*" >> ${FOLDER}/log
  [ "$CUT" != "$(wc -l < ${FOLDER}/log)" ] || kill -KILL 0
fi
exec /usr/bin/$name "$@"
`;

/** Stands before a script's shell: numbers its writes, and kills it with all it started before its n-th (0: never). */
function before(at: number): readonly string[] {
  return ["env", `CUT=${String(at)}`, "setsid", "-w"];
}

const LOG_ANEW = `: > ${FOLDER}/log`;
/** What drover kept of earlier tries would spare the next one some writes. */
const NEVER_SEEN = "rm -rf /var/lib/drover";

async function lay({ lab, sh }: ResolverBench): Promise<void> {
  const put = `mkdir -p ${FOLDER}; cat > ${FOLDER}/program; chmod 755 ${FOLDER}/program`;
  await lab.exec(HOST, ["sh", "-c", put], { stdin: PROGRAM });
  await sh(HOST, `${LOG_ANEW}; for name in ${PROGRAMS.join(" ")}; do ln -sf ${FOLDER}/program ${FIRST}/$name; done`);
}

async function anew({ sh }: ResolverBench, action: ResolverAction): Promise<void> {
  await sh(HOST, action.kind === "resolver.install" ? `${LOG_ANEW}; ${NEVER_SEEN}` : LOG_ANEW);
}

/** The writes of an action, by carrying it out. */
async function writesOf(bench: ResolverBench, action: ResolverAction): Promise<readonly string[]> {
  await anew(bench, action);
  expect(await bench.go(action, { under: before(0) })).toMatchObject({ kind: "done" });
  const writes = (await bench.sh(HOST, `cat ${FOLDER}/log`)).trim().split("\n");
  expect(writes.length, "writes that could be cut").toBeGreaterThan(2);
  return writes;
}

async function cut(bench: ResolverBench, at: number, action: ResolverAction): Promise<void> {
  await anew(bench, action);
  expect(await bench.go(action, { under: before(at) }), `cut at ${String(at)}`).toMatchObject({ kind: "failed" });
}

/** Which of the writes are tried: all, or one that prepares, and two while the host is neither as before nor as after. */
export type Moments = "all" | "some";

function chosen(writes: readonly string[], moments: Moments): readonly number[] {
  const all = writes.map((_, index) => index + 1);
  if (moments === "all") return all;
  const open = writes.findIndex((write) => write.startsWith("touch") && write.includes(PENDING));
  const first = open === -1 ? writes.findIndex((write) => write.startsWith("mv")) : open + 1;
  return all.filter((at) => [Math.ceil(first / 2), first + 2, first + 3].includes(at));
}

/**
 * Cuts an installation at each chosen write, and the way back too where `way` is plain or everything is tried. Afterwards
 * every other one is done again, and then taken back; else taken back at once: the host is byte for byte as before.
 */
export async function cutAnywhere(bench: ResolverBench, way: "plain" | "resolved", moments: Moments): Promise<void> {
  await lay(bench);
  try {
    await cutAll(bench, way, moments);
  } finally {
    await bench.sh(HOST, `cd ${FIRST} && /usr/bin/rm ${PROGRAMS.join(" ")} && rm -r ${FOLDER}`);
  }
}

async function cutAll(bench: ResolverBench, way: "plain" | "resolved", moments: Moments): Promise<void> {
  const model = way === "plain" ? MODEL : ROUTED;
  const install: ResolverAction = { kind: "resolver.install", host: HOST, model };
  const remove: ResolverAction = { kind: "resolver.restore", host: HOST, model: null };
  const was = await bench.state();
  const forth = await writesOf(bench, install);
  const back = await writesOf(bench, remove);
  expect(await bench.state()).toBe(was);
  const takenBack = async (says: string): Promise<void> => {
    expect(await bench.restore(), says).toMatchObject({ kind: "done" });
    expect(await bench.state(), says).toBe(was);
  };
  /* oxlint-disable no-await-in-loop -- one after the other is the point */
  const tried = chosen(forth, moments);
  for (const [turn, at] of tried.entries()) {
    const says = `cut before ${String(at)}: ${forth[at - 1] ?? ""}`;
    await cut(bench, at, install);
    expect(await bench.diff(model), says).toMatchObject({ kind: "install" });
    if (turn % 2 === 1) {
      expect(await bench.install(model), says).toMatchObject({ kind: "done" });
      expect(await bench.diff(model), says).toEqual({ kind: "same" });
    }
    await takenBack(says);
  }
  const triedBack = way === "plain" || moments === "all" ? chosen(back, moments) : [];
  for (const at of triedBack) {
    await bench.install(model);
    await cut(bench, at, remove);
    await takenBack(`cut before ${String(at)}: ${back[at - 1] ?? ""}`);
  }
  /* oxlint-enable no-await-in-loop */
  const of = (all: readonly string[], some: readonly number[]): string =>
    `${String(some.length)} of ${String(all.length)}`;
  console.log(`${way}: cut before ${of(forth, tried)} writes there, before ${of(back, triedBack)} on the way back`);
}
