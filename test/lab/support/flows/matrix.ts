// Who gets in where, as found by knocking from every host and from outside, all the time.
import { expect } from "vitest";
import type { Lab } from "../lab.ts";
import type { Agent, Sampled } from "./agents.ts";
import { sampling } from "./agents.ts";
import { ADDRESS, FLOW, HOSTS, SHOP } from "./bench.ts";

/** A port that no file speaks of. */
const UNDECLARED = 9999;

const PORTS = [SHOP, FLOW, UNDECLARED] as const;

/** All samples by `SRC→DST:PORT`; those over IPv6 by `SRC→DST:PORT v6`. */
export type Matrix = ReadonlyMap<string, Sampled>;

/** Samplers on every host and on the laptop. */
export interface Watch {
  report(): Promise<Matrix>;
  stop(): Promise<Matrix>;
}

function targetsOf(source: string, hosts: readonly string[]): Readonly<Record<string, string>> {
  const others = hosts.filter((host) => host !== source);
  return Object.fromEntries(
    others.flatMap((host) =>
      PORTS.flatMap((port): [string, string][] => {
        const v4 = ADDRESS[host] ?? "";
        const pair = `${source}→${host}:${String(port)}`;
        return [
          [pair, `${v4} ${String(port)}`],
          [`${pair} v6`, `fd00:56::${v4.split(".").at(-1) ?? ""} ${String(port)}`],
        ];
      }),
    ),
  );
}

/** Knocks from everywhere at every host: over IPv4 every 100 ms, over IPv6 every 500 ms. */
export async function watching(lab: Lab, hosts: readonly string[] = HOSTS): Promise<Watch> {
  const samplers = await Promise.all(
    ["laptop", ...hosts].map((source) => sampling(lab, source, targetsOf(source, hosts))),
  );
  const gather = async (
    ask: (sampler: Agent<Readonly<Record<string, Sampled>>>) => Promise<Readonly<Record<string, Sampled>>>,
  ): Promise<Matrix> => {
    const all = await Promise.all(samplers.map(ask));
    return new Map(all.flatMap((each) => Object.entries(each)));
  };
  return { report: () => gather((each) => each.report()), stop: () => gather((each) => each.stop()) };
}

/** How many were asked; and pairs that were let in at least once, or refused at least once. */
export function tally(matrix: Matrix): {
  readonly samples: number;
  readonly everOpen: ReadonlySet<string>;
  readonly everShut: ReadonlySet<string>;
} {
  const entries = [...matrix];
  return {
    samples: entries.reduce((sum, [, { open, shut }]) => sum + open + shut, 0),
    everOpen: new Set(entries.filter(([, { open }]) => open > 0).map(([pair]) => pair)),
    everShut: new Set(entries.filter(([, { shut }]) => shut > 0).map(([pair]) => pair)),
  };
}

/** The pairs of both families that should be let in: from each of `sources` to each of `targets`, but to itself. */
export function pairs(sources: readonly string[], targets: readonly string[], port: number): readonly string[] {
  return sources.flatMap((source) =>
    targets
      .filter((target) => target !== source)
      .flatMap((target) => {
        const pair = `${source}→${target}:${String(port)}`;
        return [pair, `${pair} v6`];
      }),
  );
}

/** DESIGN's invariant, seen from outside: only what old or new allow was ever let in, what both allow was never refused. */
export function expectNeverBetween(matrix: Matrix, old: ReadonlySet<string>, after: ReadonlySet<string>): void {
  const { everOpen, everShut } = tally(matrix);
  const extra = [...everOpen].filter((pair) => !old.has(pair) && !after.has(pair));
  const cut = [...everShut].filter((pair) => old.has(pair) && after.has(pair));
  const told = (list: readonly string[]): string =>
    list.map((pair) => `${pair} ${JSON.stringify(matrix.get(pair))}`).join("\n");
  expect(extra, `let in, though neither the old nor the new files allow it:\n${told(extra)}`).toEqual([]);
  expect(cut, `refused, though both allow it:\n${told(cut)}`).toEqual([]);
}
