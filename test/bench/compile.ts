// How long it takes to turn the files' topology into the text of every host's firewall, and what one more instance
// changes. Each size has a process of its own, so that its peak of memory is its own.
import { performance } from "node:perf_hooks";
import { desiredFirewall } from "../../src/firewall/desired.ts";
import { renderFirewall } from "../../src/firewall/render.ts";
import type { FirewallTexts } from "../../src/model/firewall.ts";
import type { Topology } from "../../src/model/topology.ts";
import { fleetOfScale } from "../support/firewall-scale.ts";

/** What one process found. */
export interface Compiled {
  readonly hosts: number;
  readonly rules: number;
  /** Milliseconds of the first compilation of a fresh process, as a command sees it. */
  readonly first: number;
  /** Of the processors, in milliseconds: what a busy machine does not change. */
  readonly cpu: number;
  /** Milliseconds once the machine code is there. */
  readonly again: number;
  /** Peak of resident memory of the whole process, and what it had before compiling, in MiB. */
  readonly peak: number;
  readonly before: number;
  /** Hosts whose text is another one with one more instance. */
  readonly changed: number;
}

type Texts = ReadonlyMap<string, FirewallTexts>;

function compile(topology: Topology): Texts {
  return new Map([...desiredFirewall(topology)].map(([host, model]) => [host, renderFirewall(model, 1)]));
}

/** The fleet with the last app on one host more: the last one that does not run it. */
function withOneMore(topology: Topology): Topology {
  const app = topology.apps.at(-1);
  const taken = new Set(app?.instances.map(({ host }) => host));
  const host = topology.hosts.findLast(({ name }) => !taken.has(name));
  const address = host?.addresses[0];
  if (app === undefined || host === undefined || address === undefined) throw new Error("there is no host left");
  const instance = { app: app.name, host: host.name, address, port: app.port, weight: 1 };
  return {
    ...topology,
    apps: topology.apps.map((each) => (each === app ? { ...app, instances: [...app.instances, instance] } : each)),
  };
}

function timed<Result>(work: () => Result): { readonly ms: number; readonly result: Result } {
  const start = performance.now();
  const result = work();
  return { ms: performance.now() - start, result };
}

function sizeOf(texts: FirewallTexts): number {
  return `${texts.v4}${texts.v6}`.split("\n").filter((line) => line.startsWith("-A")).length;
}

/** Measures one size of fleet in this process. */
export function measureCompile(hosts: number): Compiled {
  const topology = fleetOfScale({ hosts, apps: hosts / 5, instances: hosts, flows: hosts * 2 });
  const before = process.memoryUsage.rss();
  const usage = process.cpuUsage();
  const { ms: first, result: texts } = timed(() => compile(topology));
  const { user, system } = process.cpuUsage(usage);
  const peak = process.resourceUsage().maxRSS;
  const { ms: again } = timed(() => compile(topology));
  const more = compile(withOneMore(topology));
  const changed = [...more].filter(([host, { sets, v4, v6 }]) => {
    const was = texts.get(host);
    return was?.sets !== sets || was.v4 !== v4 || was.v6 !== v6;
  });
  return {
    hosts,
    rules: [...texts.values()].reduce((sum, each) => sum + sizeOf(each), 0),
    first,
    cpu: (user + system) / 1000,
    again,
    peak: peak / 1024,
    before: before / 1024 / 1024,
    changed: changed.length,
  };
}
