import type { LbDeep } from "../lb/deep.ts";
import { lbDeepFact } from "../lb/deep.ts";
import type { LbFacts } from "../lb/facts.ts";
import { runtimeDiff } from "../lb/runtime-diff.ts";
import type { Known } from "../model/known.ts";
import { known, unknown } from "../model/known.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { TopologyBalancer } from "../model/topology.ts";
import type { BalancerAccount } from "../plan/verify/account.ts";
import type { Check } from "../plan/verify/findings.ts";
import { hearingChecks } from "../plan/verify/hearing.ts";
import { verify } from "../plan/verify/verify.ts";
import { verificationCode, verificationLines } from "../report/lb-findings.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { desiredVip } from "../vip/desired.ts";
import { parseVrrpProbe, vrrpProbe } from "../vip/probe.ts";
import { renderKeepalived } from "../vip/render.ts";
import { selfTestFact } from "../vip/self-test.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import { findSets } from "./lb-sets.ts";
import type { LbSurvey } from "./lb-survey.ts";
import { surveyBalancers } from "./lb-survey.ts";
import type { WantedBalancers } from "./lb-wanted.ts";
import { wantedBalancers } from "./lb-wanted.ts";
import type { Connected } from "./survey.ts";
import { templatesOf } from "./templates.ts";
import { withWorld } from "./with-world.ts";

/**
 * `drover lb verify [SET]`: whether balancers are what they should be, all of a set alike, heard by each other, and what
 * they run is what lies on their disks. Changes nothing.
 */
export async function lbVerifyCommand(context: Context, name: string | undefined): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  const sets = findSets(context, files, name);
  if (sets === null) return EXIT_CODE.usage;
  return await withWorld(context, files, async (connected) => {
    const verification = await verified(context, connected, sets);
    if (context.options.output === "json") context.print.line(JSON.stringify(verification));
    else for (const line of verificationLines(verification)) context.print.line(line);
    return verificationCode(verification);
  });
}

async function verified(
  context: Context,
  connected: Connected,
  sets: readonly TopologyBalancer[],
): Promise<ReturnType<typeof verify>> {
  const { fleet, topology } = connected;
  const balancers = [...new Set(sets.flatMap(({ hosts }) => hosts))];
  const survey = await surveyBalancers(context, connected, { balancers, more: [lbDeepFact, selfTestFact] });
  const templates = await templatesOf(context, fleet);
  const fingerprintKey = survey.state.kind === "known" ? survey.state.value.fingerprintKey : null;
  const wanted = await wantedBalancers(context, { topology, templates, fingerprintKey });
  const accounts = await Promise.all(
    sets.map(async (set) => ({
      set,
      balancers: set.hosts.map((host) =>
        account(host, { set, connected, survey, wanted, template: templates.keepalived }),
      ),
      hearing: await hearing(context, connected, set),
    })),
  );
  return verify(accounts, survey.state, wanted.problems);
}

interface Found {
  readonly set: TopologyBalancer;
  readonly connected: Connected;
  readonly survey: LbSurvey;
  readonly wanted: WantedBalancers;
  readonly template: string;
}

function account(balancer: string, { set, connected, survey, wanted, template }: Found): BalancerAccount {
  const told = survey.balancers.get(balancer);
  const nobody = unknown(failure("unknown-state", `${balancer} was not asked`));
  const lb = told?.lb ?? nobody;
  const vip = told?.vip ?? nobody;
  return {
    balancer,
    lb,
    vip: set.vips.length === 0 ? null : vip,
    wanted: wanted.balancers.find((each) => each.balancer === balancer)?.wanted ?? { config: "", files: {} },
    keepalived:
      vip.kind === "unknown"
        ? vip
        : attempt(() => keepalivedText(balancer, { connected, template, interfaces: vip.value.stable.interfaces })),
    selfTest: survey.more(selfTestFact, balancer),
    runtime: runtimeOf(lb, survey.more(lbDeepFact, balancer)),
  };
}

function runtimeOf(lb: Known<LbFacts>, deep: Known<LbDeep>): Known<readonly string[]> {
  if (lb.kind === "unknown") return lb;
  return deep.kind === "unknown" ? deep : known(runtimeDiff(lb.value, deep.value));
}

function keepalivedText(
  balancer: string,
  of: {
    readonly connected: Connected;
    readonly template: string;
    readonly interfaces: Readonly<Record<string, string>>;
  },
): string {
  const model = desiredVip(of.connected.topology, balancer, of.interfaces);
  return model === null ? "" : renderKeepalived(of.template, model);
}

/** What the files cannot give for a host is unknown, with what they say is wrong. */
function attempt<T>(make: () => T): Known<T> {
  try {
    return known(make());
  } catch (error) {
    if (error instanceof DroverError) return unknown(error.failure);
    throw error;
  }
}

/** All balancers of a set speak and listen at the same time; without a VIP, or alone, there is nobody to hear. */
async function hearing(context: Context, connected: Connected, set: TopologyBalancer): Promise<readonly Check[]> {
  if (set.vips.length === 0 || set.hosts.length < 2) return [];
  const heard = set.hosts.map(async (balancer) => {
    const model = desiredVip(connected.topology, balancer, null) ?? { address: "", peers: [] };
    return { balancer, model, from: await probe(context, connected, { balancer, model }) };
  });
  return hearingChecks(set.name, await Promise.all(heard));
}

async function probe(
  context: Context,
  { transport }: Connected,
  of: { readonly balancer: string; readonly model: { readonly address: string; readonly peers: readonly string[] } },
): Promise<Known<readonly string[]>> {
  const limits = { deadline: context.options.timeout, signal: context.interrupts.stop };
  const command = vrrpProbe(of.model.address, of.model.peers);
  const result = await transport.exec(of.balancer, { command, warrant: null, frames: [] }, limits);
  if (result.kind === "failed") return unknown(result.failure);
  if (result.code !== 0) {
    const words = result.stderr.split("\n").filter((line) => line !== "");
    const sentence = `${of.balancer} could not try whether it hears its peers: ${words.at(-1) ?? "no word why"}`;
    return unknown(failure("command-failed", sentence, "drover lb show"));
  }
  return attempt(() => parseVrrpProbe(result.stdout));
}
