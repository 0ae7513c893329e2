import type { LbFacts } from "../../lb/facts.ts";
import { addressText } from "../../lb/normalize.ts";
import { parseSections } from "../../lb/sections.ts";

/**
 * How the servers that HAProxy knows differ from those of the file on its disk, a sentence each: what is only in one of
 * them would come or go with the next reload. Empty where HAProxy does not answer: that is told elsewhere.
 */
export function serverDifferences({ stable, live }: LbFacts): readonly string[] {
  if (stable.config === null || stable.admin === null) return [];
  const onDisk = new Map(
    parseSections(stable.config.text)
      .flatMap(({ servers }) => servers)
      .map(({ ref, line }) => [`${ref.backend}/${ref.server}`, line.split(" ")[0] ?? ""]),
  );
  const running = new Map(Object.entries(live.addresses).map(([name, at]) => [name, addressText(at)]));
  const gone = [...onDisk.keys()].filter((name) => !running.has(name));
  const extra = [...running.keys()].filter((name) => !onDisk.has(name));
  const moved = [...onDisk].flatMap(([name, line]) => {
    const at = running.get(name);
    return at === undefined || at === line ? [] : [`${name} is ${line} on disk, but HAProxy sends to ${at}`];
  });
  return [
    ...gone.map((name) => `${name} is on disk, but HAProxy does not know it`),
    ...extra.map((name) => `HAProxy knows ${name}, which is not on disk`),
    ...moved,
  ];
}
