// make bench: what things cost, beside what they are compared with. `bench.ts curve` and `bench.ts apply` are its parts,
// `bench.ts compile HOSTS` is one size of the curve.
import { spawnSync } from "node:child_process";
import type { Contender, Took } from "../test/bench/apply.ts";
import { ansibleContenders, droverContenders, time } from "../test/bench/apply.ts";
import { measureCompile } from "../test/bench/compile.ts";
import type { Compiled } from "../test/bench/compile.ts";
import { lab } from "../test/lab/support/lab.ts";
import { logPlot, median, spread, table } from "../test/bench/numbers.ts";

const SIZES = [10, 30, 100, 300, 1000] as const;
/** Processes of each size. */
const TURNS = 3;
/** What 1,000 hosts may cost: milliseconds, MiB. */
const BAR = { ms: 2000, mib: 512 };

/** One size in a process of its own, which prints its findings as JSON. */
function compileOnce(hosts: number): Compiled {
  const child = spawnSync(process.execPath, [import.meta.filename, "compile", String(hosts)], { encoding: "utf8" });
  if (child.status !== 0) throw new Error(`compiling ${String(hosts)} hosts failed: ${child.stderr}`);
  const found: Compiled = JSON.parse(child.stdout);
  return found;
}

/** Prints the curve; false where the largest fleet is over the bar. */
function curve(): boolean {
  const rounds = SIZES.map((hosts) => Array.from({ length: TURNS }, () => compileOnce(hosts)));
  const points = rounds.map((turns) => ({
    hosts: turns[0]?.hosts ?? 0,
    rules: turns[0]?.rules ?? 0,
    changed: turns[0]?.changed ?? 0,
    first: median(turns.map(({ first }) => first)),
    cpu: median(turns.map(({ cpu }) => cpu)),
    again: median(turns.map(({ again }) => again)),
    peak: Math.max(...turns.map(({ peak }) => peak)),
    before: median(turns.map(({ before }) => before)),
  }));
  const header = [
    "hosts",
    "rules",
    "first, ms",
    "its CPU",
    "again, ms",
    "us per host",
    "peak, MiB",
    "before, MiB",
    "one more",
  ];
  const rows = points.map(({ hosts, rules, first, cpu, again, peak, before, changed }) => [
    String(hosts),
    String(rules),
    first.toFixed(0),
    cpu.toFixed(0),
    again.toFixed(0),
    ((first * 1000) / hosts).toFixed(0),
    peak.toFixed(0),
    before.toFixed(0),
    `${String(changed)} hosts change`,
  ]);
  console.log("\nFirewalls of a whole fleet, compiled and rendered (apps 1/5, instances 1, flows 2 per host)");
  for (const line of table([header, ...rows])) console.log(`  ${line}`);
  const plot = logPlot(
    points.map(({ hosts, first }) => ({ x: hosts, y: first })),
    "ms by hosts, both logarithmic",
  );
  for (const line of ["", ...plot]) console.log(`  ${line}`);
  const last = points.at(-1);
  const holds = last !== undefined && last.first < BAR.ms && last.peak < BAR.mib;
  console.log(`\n  the bar: 1,000 hosts in under ${BAR.ms} ms and ${BAR.mib} MiB: ${holds ? "held" : "MISSED"}`);
  return holds;
}

/** Times each contender takes its turn. */
const ROUNDS = 9;
/** What drover may take of Ansible's time. */
const SHARE = 1 / 5;

/** Prints how long a change of six hosts' firewalls takes; false where drover takes more than its share. */
async function applied(): Promise<boolean> {
  const contenders = [...(await droverContenders("bench-drover")), ...(await ansibleContenders("bench-ansible"))];
  const took = new Map<Contender, Took[]>(contenders.map((each) => [each, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contender of contenders) {
      await contender.prepare(round);
      took.get(contender)?.push(await time(contender));
    }
  }
  const middle = (name: string, of: keyof Took): number => {
    const found = [...took].find(([contender]) => contender.name === name)?.[1] ?? [];
    return median(found.map((each) => each[of]));
  };
  const yardstick = { wall: middle("ansible, both families", "wall"), cpu: middle("ansible, both families", "cpu") };
  const rows = [...took].map(([{ name }, figures]) => [
    name,
    spread(figures.map(({ wall }) => wall)),
    spread(figures.map(({ cpu }) => cpu)),
    `${(middle(name, "wall") / yardstick.wall).toFixed(2)} / ${(middle(name, "cpu") / yardstick.cpu).toFixed(2)}`,
  ]);
  console.log(`\nFirewalls of six hosts changed, ${String(ROUNDS)} turns each: median (least-most)`);
  const header = ["", "wall", "controller's CPU", "of ansible's"];
  for (const line of table([header, ...rows])) console.log(`  ${line}`);
  console.log(
    "  of ansible's: wall / CPU, of its run for both families. drover changes them in rounds behind a canary, armed,",
  );
  console.log(
    "  confirmed over new connections, and kept for the next boot; ansible all at once, with nothing of that.",
  );
  const whole = middle("drover, opens a port", "wall");
  // What the change itself takes: start, lease and a look at every host come with a run that finds nothing to do, too.
  const applying = whole - middle("drover, nothing to do", "wall");
  const holds = applying <= SHARE * yardstick.wall;
  const part = (ms: number): string => `${(ms / 1000).toFixed(2)} s, ${(ms / yardstick.wall).toFixed(2)} of ansible's`;
  console.log(
    `\n  the bar: applying takes at most a fifth of ansible's time: ${part(applying)}, ${holds ? "held" : "MISSED"}`,
  );
  console.log(`  the whole command, with its start, the lease and a look at every host: ${part(whole)}`);
  return holds;
}

async function applyPart(): Promise<boolean> {
  const labs = [lab("bench-drover"), lab("bench-ansible")];
  try {
    return await applied();
  } finally {
    for (const each of labs) await each.down();
  }
}

const [part, size] = process.argv.slice(2);
if (part === "compile") console.log(JSON.stringify(measureCompile(Number(size))));
else {
  const results: boolean[] = [];
  if (part !== "apply") results.push(curve());
  if (part !== "curve") results.push(await applyPart());
  if (results.includes(false)) process.exitCode = 1;
}
