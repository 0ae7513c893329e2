/** Every probe of a case asked in several ways, and where the answers differ from what the case expects. */
import { cutsOf } from "../../../../src/firewall/cuts.ts";
import { desiredFirewall } from "../../../../src/firewall/desired.ts";
import { explain } from "../../../../src/firewall/explain.ts";
import { renderFirewall } from "../../../../src/firewall/render.ts";
import type { FirewallCut, FirewallModel, FirewallTexts } from "../../../../src/model/firewall.ts";
import type { Topology } from "../../../../src/model/topology.ts";
import type { Case, Probe, Stream } from "./case.ts";
import { tellProbe, tellStream } from "./case.ts";
import type { Scene } from "./fleet.ts";
import { scenesOf, STORE } from "./fleet.ts";
import { passes } from "./model.ts";
import type { Net, Verdict } from "./net.ts";

/** What every host should let pass. */
export type Models = ReadonlyMap<string, FirewallModel>;

/** The part of drover under test; a seeded bug replaces some of it. */
export interface Compiler {
  /** `before`: what was in force in the scene before; null in the first. */
  models(topology: Topology, before: Models | null): Models;
  texts(model: FirewallModel, generation: number): FirewallTexts;
}

export const DROVER: Compiler = { models: desiredFirewall, texts: renderFirewall };

/** Answers by who gave them; null: that one knows nothing of such a question. */
interface Answers {
  readonly model: boolean;
  readonly explain: boolean | null;
  readonly packets: Verdict | null;
}

/** One line for each probe of which somebody says otherwise than expected; empty: all agree. */
export function checkOnPaper(each: Case, compiler: Compiler = DROVER): readonly string[] {
  return [...wrongOnPaper(each, compiler)];
}

/** As {@link checkOnPaper}, one by one: who looks for a bug stops at the first. */
export function* wrongOnPaper(each: Case, compiler: Compiler): Generator<string> {
  let before: Models | null = null;
  for (const scene of scenesOf(each)) {
    const models: Models = compiler.models(scene.topology, before);
    before = models;
    // What compiles to the same as ever has been asked already.
    if (compiler !== DROVER && written(models) === intended(scene.topology)) continue;
    for (const probe of scene.probes) yield* tellWrong({ each, scene, probe }, answersOnPaper(scene, models, probe));
  }
}

const INTENDED = new WeakMap<Topology, string>();

function intended(topology: Topology): string {
  const text = INTENDED.get(topology) ?? written(DROVER.models(topology, null));
  INTENDED.set(topology, text);
  return text;
}

function written(models: Models): string {
  return JSON.stringify([...models]);
}

/** The model's opinion depends on the case alone, however often it is asked. */
const JUDGED = new WeakMap<Probe, boolean>();

function answersOnPaper({ topology }: Scene, models: Models, probe: Probe): Answers {
  const model = JUDGED.get(probe) ?? passes(topology, probe);
  JUDGED.set(probe, model);
  return { model, explain: explained(topology, models, probe), packets: null };
}

/** `explain` speaks of TCP and UDP, between ends of which one at least is drover's. */
function explained(topology: Topology, models: Models, { from, to, flow }: Probe): boolean | null {
  if (flow.protocol !== "tcp" && flow.protocol !== "udp") return null;
  const port = `${flow.protocol}/${String(flow.port)}`;
  const answer = explain({ source: from.address, destination: to.address, port }, topology, models);
  if (answer.kind === "foreign") return null;
  if (answer.kind !== "answers" || answer.answers.length === 0) throw new Error(`no answer: ${JSON.stringify(answer)}`);
  const [first, ...more] = new Set(answer.answers.map(({ allowed }) => allowed));
  if (more.length > 0) throw new Error(`two answers for ${tellProbe({ from, to, flow })}`);
  return first ?? false;
}

interface Asked {
  readonly each: Case;
  readonly scene: Scene;
  readonly probe: Probe;
}

function tellWrong({ each, scene, probe }: Asked, { model, explain: said, packets }: Answers): readonly string[] {
  const word = (value: boolean | null): string => (value === null ? "-" : value ? "yes" : "no");
  const expected = word(probe.expected);
  const given = [word(model), word(said), packets ?? "-"];
  if (given.every((one) => one === expected || one === "-")) return [];
  const [byModel, byExplain, byPackets] = given;
  const when = scene.what === "" ? "" : `, ${scene.what}`;
  return [
    `${each.title}${when}: ${tellProbe(probe)}: expected ${expected}, model ${String(byModel)}, explain ${String(byExplain)}, packets ${String(byPackets)}`,
  ];
}

/** As {@link checkOnPaper}, with real packets as well, and with the streams that are held open. */
export async function checkOnNet(net: Net, each: Case, compiler: Compiler = DROVER): Promise<readonly string[]> {
  const wrong: string[] = [];
  const held: Stream[] = [];
  let before: { readonly scene: Scene; readonly models: Models } | null = null;
  await net.clear();
  for (const [index, scene] of scenesOf(each).entries()) {
    const models = compiler.models(scene.topology, before?.models ?? null);
    await enter(net, scene, { models, before, texts: (model) => compiler.texts(model, index + 1) });
    const packets = await net.probe(scene.probes);
    for (const [at, probe] of scene.probes.entries()) {
      const answers = { ...answersOnPaper(scene, models, probe), packets: packets[at] ?? null };
      wrong.push(...tellWrong({ each, scene, probe }, answers));
    }
    wrong.push(...(await checkStreams(net, { each, scene, held })));
    for (const stream of scene.held) {
      await net.hold(stream);
      held.push(stream);
    }
    before = { scene, models };
  }
  return wrong;
}

interface Entering {
  readonly models: Models;
  readonly before: { readonly scene: Scene; readonly models: Models } | null;
  readonly texts: (model: FirewallModel) => FirewallTexts;
}

/** Addresses, then each host's rules, then what is to be cut. */
async function enter(net: Net, scene: Scene, { models, before, texts }: Entering): Promise<void> {
  await net.settle(scene.addresses);
  const present = Object.keys(scene.addresses);
  await Promise.all(
    present.map(async (name) => {
      const model = models.get(name);
      // Who left the fleet is looked after by somebody else.
      await (model === undefined ? net.bare(name) : net.load(name, texts(model)));
    }),
  );
  if (before === null) return;
  const released = releasedBetween(before.scene.topology, scene.topology);
  await Promise.all(
    present.map(async (name) => {
      const cuts = cutsBetween(name, { before: before.models, after: models, released });
      if (cuts.length > 0) await net.sever(name, cuts);
    }),
  );
}

function cutsBetween(
  host: string,
  { before, after, released }: { before: Models; after: Models; released: readonly string[] },
): readonly FirewallCut[] {
  const [old, now] = [before.get(host) ?? null, after.get(host) ?? null];
  return old === null || now === null ? [] : cutsOf(old, now, { released });
}

/** Addresses that belong to nobody any more, or to another host. */
function releasedBetween(before: Topology, after: Topology): readonly string[] {
  const owner = (topology: Topology, address: string): string | undefined =>
    topology.hosts.find(({ addresses }) => addresses.includes(address))?.name;
  return before.hosts
    .filter(({ name }) => name !== STORE)
    .flatMap(({ name, addresses }) => addresses.filter((address) => owner(after, address) !== name));
}

async function checkStreams(
  net: Net,
  { each, scene, held }: { each: Case; scene: Scene; held: readonly Stream[] },
): Promise<readonly string[]> {
  const { alive } = scene;
  if (alive === null) return [];
  const keys = new Set(alive.map(tellStream));
  const asked = held.map(async (stream) => {
    const expected = keys.has(tellStream(stream));
    return { stream, expected, lives: await net.isAlive(stream, expected) };
  });
  const word = (lives: boolean): string => (lives ? "alive" : "cut");
  return (await Promise.all(asked))
    .filter(({ expected, lives }) => expected !== lives)
    .map(
      ({ stream, expected, lives }) =>
        `${each.title}, ${scene.what}: the stream ${tellStream(stream)} is ${word(lives)}, expected ${word(expected)}`,
    );
}
