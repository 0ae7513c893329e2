import type { FirewallDebt } from "../model/firewall.ts";
import type { StateFacts } from "../model/ports.ts";
import type { Topology } from "../model/topology.ts";
import { serviceOf } from "../discovery/desired.ts";
import type { DnsView } from "../discovery/facts.ts";
import type { HostView } from "../plan/input.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { table } from "../report/table.ts";
import { failureLines } from "../report/words.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import { drainWords } from "./move-host.ts";
import { findApp } from "./rollout-start.ts";
import type { Survey } from "./survey.ts";
import { observe } from "./survey.ts";
import { lookAtZone } from "./survey-dns.ts";
import { withWorld } from "./with-world.ts";

/** One instance as its host and every balancer see it; null: nobody could say. */
interface Row {
  readonly app: string;
  readonly host: string;
  readonly release: string | null;
  readonly unit: string | null;
  readonly balancers: readonly {
    readonly balancer: string;
    readonly state: string;
    readonly sessions: number | null;
  }[];
  /** Whether DNS tells clients of it; null: the app is not in DNS and is not to be. */
  readonly dns: "published" | "withdrawn" | "unknown" | null;
}

/** `drover status [APP]`: release, unit, balancer state, sessions and DNS of every instance. Changes nothing. */
export async function statusCommand(context: Context, app: string | undefined): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  if (app !== undefined && findApp(context, files, app) === null) return EXIT_CODE.usage;
  return await withWorld(context, files, async (connected) => {
    const survey = await observe(context, connected);
    const zone = await lookAtZone(context, connected, survey);
    return tell(context, { topology: files.topology, survey, zone: zone?.view ?? null, only: app ?? null });
  });
}

interface Asked {
  readonly topology: Topology;
  readonly survey: Survey;
  /** Null: no zone is written to. */
  readonly zone: DnsView | null;
  readonly only: string | null;
}

function tell(context: Context, asked: Asked): number {
  const { survey } = asked;
  const rows = instancesOf(asked).map(([app, host]) => rowOf(app, host, asked));
  const silent = [...survey.views].flatMap(([, view]) => (view.release.kind === "unknown" ? [view.release.why] : []));
  const state = survey.state.kind === "known" ? survey.state.value : null;
  const isUnknown = state === null || silent.length > 0 || rows.some(isUnseen);
  if (context.options.output === "json") {
    const facts = { open: null, drains: null, holder: null, ...state };
    const { open, drains, holder } = facts;
    context.print.line(
      JSON.stringify({ instances: rows, open, drains, debts: debtsOf(state), holder, unknown: silent }),
    );
  } else for (const line of lines(rows, survey, silent.flatMap(failureLines))) context.print.line(line);
  return isUnknown ? EXIT_CODE.failed : EXIT_CODE.done;
}

/** Which hosts may still let released addresses in; null: unknown. */
function debtsOf(state: StateFacts | null): readonly FirewallDebt[] | null {
  return state === null ? null : (state.ledger?.debts ?? []);
}

function isUnseen({ balancers, dns }: Row): boolean {
  return dns === "unknown" || balancers.some(({ state }) => state === "unknown");
}

/** Instances that the files want, and those that still run though no file wants them any more. */
function instancesOf({ topology, survey, only }: Asked): readonly (readonly [app: string, host: string])[] {
  const wanted = topology.apps.flatMap((app) => app.instances.map(({ host }) => [app.name, host] as const));
  const found = [...survey.views].flatMap(([host, { release }]) =>
    release.kind === "known"
      ? release.value.apps.filter(({ manifest }) => manifest !== null).map(({ app }) => [app, host] as const)
      : [],
  );
  const leaving = found.filter(([app, host]) => !wanted.some((each) => each[0] === app && each[1] === host));
  return [...wanted, ...leaving].filter(([app]) => only === null || app === only);
}

function rowOf(app: string, host: string, { topology, survey, zone }: Asked): Row {
  const view = survey.views.get(host)?.release;
  const facts = view?.kind === "known" ? view.value.apps.find((each) => each.app === app) : undefined;
  const state = facts?.state ?? null;
  return {
    app,
    host,
    release: facts?.release ?? (view?.kind === "known" ? "not deployed" : null),
    unit: state === null ? null : `${state.active} (${state.sub})`,
    balancers: balancersRouting(app, topology).map((balancer) =>
      balancerCell(`${app}/${host}`, balancer, survey.views.get(balancer)),
    ),
    dns: zone === null ? null : dnsCell(app, host, zone, topology),
  };
}

/** As the primary has it, which every change goes to first. */
function dnsCell(app: string, host: string, { primary: { facts } }: DnsView, topology: Topology): Row["dns"] {
  const wanted = topology.apps.find(({ name }) => name === app);
  const isService = wanted !== undefined && serviceOf(topology, wanted) !== null;
  if (facts.kind === "unknown") return isService ? "unknown" : null;
  const found = facts.value.apps.get(app);
  const isThere = found?.owner.kind === "ours" && found.hosts.some((each) => each.host === host);
  if (isThere) return "published";
  return isService ? "withdrawn" : null;
}

function balancersRouting(app: string, { apps, balancers }: Topology): readonly string[] {
  const routed = apps.find((each) => each.name === app)?.routes.map((route) => route.lb) ?? [];
  return [...new Set(balancers.filter((set) => routed.includes(set.name)).flatMap((set) => set.hosts))];
}

function balancerCell(server: string, balancer: string, view: HostView | undefined): Row["balancers"][number] {
  if (view?.lb?.kind !== "known") return { balancer, state: "unknown", sessions: null };
  const stat = view.lb.value.live.servers[server];
  return { balancer, state: stat?.status ?? "absent", sessions: stat?.scur ?? null };
}

function lines(rows: readonly Row[], survey: Survey, unknown: readonly string[]): readonly string[] {
  const hasDns = rows.some(({ dns }) => dns !== null);
  const cells = rows.map((row) => [
    row.app,
    row.host,
    row.release ?? "unknown",
    row.unit ?? "-",
    row.balancers
      .map(({ balancer, state, sessions }) => `${balancer} ${state}${sessions === null ? "" : ` ${String(sessions)}`}`)
      .join(", "),
    ...(hasDns ? [row.dns ?? "-"] : []),
  ]);
  const heading = ["app", "host", "release", "unit", "balancer, state, sessions", ...(hasDns ? ["DNS"] : [])];
  return [...table(heading, cells), ...stateLines(survey), ...unknown];
}

function stateLines({ state }: Survey): readonly string[] {
  if (state.kind === "unknown")
    return ["open rollouts, drained hosts and the lease: unknown, the state host did not tell"];
  const { open, drains, holder } = state.value;
  const rollouts = Object.entries(open).map(
    ([app, rollout]) => `${app}: rollout ${rollout} is open; drover rollout status ${app}`,
  );
  const drained = Object.entries(drains).map(
    ([host, drain]) => `${host}: drained: ${drainWords(drain)}; drover undrain ${host}`,
  );
  const owed = (debtsOf(state.value) ?? []).map(
    ({ host, address, formerly, since }) =>
      `${host}: may still let in ${address}, which was ${formerly}'s (since ${since}); drover apply, once it answers`,
  );
  if (holder === null) return [...rollouts, ...drained, ...owed];
  return [
    ...rollouts,
    ...drained,
    ...owed,
    `lease: held by ${holder.operator} (${holder.purpose}) since ${holder.since}`,
  ];
}
