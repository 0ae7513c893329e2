import type { Topology } from "../model/topology.ts";
import type { HostView } from "../plan/input.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { table } from "../report/table.ts";
import { failureLines } from "../report/words.ts";
import type { Context } from "./context.ts";
import { readFleet } from "./fleet-files.ts";
import { findApp } from "./rollout-start.ts";
import type { Survey } from "./survey.ts";
import { observe } from "./survey.ts";
import { tellFailure } from "./tell.ts";
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
}

/** `drover status [APP]`: release, unit, balancer state and sessions of every instance. Changes nothing. */
export async function statusCommand(context: Context, app: string | undefined): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  if (app !== undefined && findApp(context, files, app) === null) return EXIT_CODE.usage;
  return await withWorld(context, files, async (connected) => {
    const surveyed = await observe(context, connected);
    if (surveyed.kind === "failed") return tellFailure(context, surveyed.failure);
    return tell(context, { topology: files.topology, survey: surveyed.survey, only: app ?? null });
  });
}

function tell(
  context: Context,
  { topology, survey, only }: { readonly topology: Topology; readonly survey: Survey; readonly only: string | null },
): number {
  const apps = topology.apps.filter((app) => only === null || app.name === only);
  const rows = apps.flatMap((app) => app.instances.map(({ host }) => rowOf(app.name, host, { topology, survey })));
  const silent = [...survey.views].flatMap(([, view]) => (view.release.kind === "unknown" ? [view.release.why] : []));
  const isUnknown = silent.length > 0 || rows.some((row) => row.balancers.some(({ state }) => state === "unknown"));
  if (context.options.output === "json") {
    context.print.line(
      JSON.stringify({ instances: rows, open: survey.state.open, holder: survey.state.holder, unknown: silent }),
    );
  } else for (const line of lines(rows, survey, silent.flatMap(failureLines))) context.print.line(line);
  return isUnknown ? EXIT_CODE.failed : EXIT_CODE.done;
}

function rowOf(
  app: string,
  host: string,
  { topology, survey }: { readonly topology: Topology; readonly survey: Survey },
): Row {
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
  };
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
  const cells = rows.map((row) => [
    row.app,
    row.host,
    row.release ?? "unknown",
    row.unit ?? "-",
    row.balancers
      .map(({ balancer, state, sessions }) => `${balancer} ${state}${sessions === null ? "" : ` ${String(sessions)}`}`)
      .join(", "),
  ]);
  const open = Object.entries(survey.state.open).map(
    ([app, rollout]) => `${app}: rollout ${rollout} is open; drover rollout status ${app}`,
  );
  const { holder } = survey.state;
  const held = holder === null ? [] : [`lease: held by ${holder.operator} (${holder.purpose}) since ${holder.since}`];
  return [
    ...table(["app", "host", "release", "unit", "balancer, state, sessions"], cells),
    ...open,
    ...held,
    ...unknown,
  ];
}
