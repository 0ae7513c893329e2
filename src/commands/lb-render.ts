import { sectionsOf } from "../lb/origins.ts";
import { CONFIG } from "../lb/paths.ts";
import type { Failure } from "../model/errors.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Topology } from "../model/topology.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import type { RenderedBalancer, RenderedFile } from "../report/lb-render.ts";
import { renderLines } from "../report/lb-render.ts";
import { failureLines } from "../report/words.ts";
import { desiredVip } from "../vip/desired.ts";
import { CONFIG as KEEPALIVED } from "../vip/paths.ts";
import { renderKeepalived } from "../vip/render.ts";
import type { Context, TemplateTexts } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { readFleet } from "./fleet-files.ts";
import type { WantedBalancer } from "./lb-wanted.ts";
import { wantedBalancers } from "./lb-wanted.ts";
import { tellFailure } from "./tell.ts";
import { templatePath, templatesOf } from "./templates.ts";

/** What `lb render` is about. */
export interface RenderOptions {
  /** Undefined: every balancer. */
  readonly balancer: string | undefined;
  /** Only this file's bytes, e.g. `haproxy.cfg` or `maps/http.map`. */
  readonly file: string | undefined;
}

/** `drover lb render [BALANCER]`: every file the fleet's files give a balancer. Touches no host. */
export async function lbRenderCommand(context: Context, options: RenderOptions): Promise<number> {
  const files = await readFleet(context, null);
  if (files === null) return EXIT_CODE.usage;
  try {
    return await render(context, files, options);
  } catch (error) {
    if (error instanceof DroverError) return tellFailure(context, error.failure);
    throw error;
  }
}

/** Which files of the controller the templates are. */
interface TemplatePaths {
  readonly haproxy: string;
  readonly keepalived: string;
}

async function render(context: Context, files: FleetFiles, { balancer, file }: RenderOptions): Promise<number> {
  const { fleet, topology } = files;
  const templates = await templatesOf(context, fleet);
  const [haproxy, keepalived] = await Promise.all([
    templatePath(context, fleet, "haproxy"),
    templatePath(context, fleet, "keepalived"),
  ]);
  const { balancers, problems } = await wantedBalancers(context, { topology, templates, fingerprintKey: null });
  const picked = balancers.filter((each) => balancer === undefined || each.balancer === balancer);
  if (picked.length === 0) return tellFailure(context, noBalancer(balancer, balancers));
  const rendered = picked.map((each) =>
    renderedBalancer(each, { topology, templates, paths: { haproxy, keepalived } }),
  );
  if (file !== undefined) return tellFile(context, rendered, file);
  if (context.options.output === "json") context.print.line(json(rendered, problems));
  else for (const line of [...renderLines(rendered), ...problems.flatMap(failureLines)]) context.print.line(line);
  return problems.length > 0 ? EXIT_CODE.failed : EXIT_CODE.done;
}

function noBalancer(name: string | undefined, all: readonly WantedBalancer[]): Failure {
  if (name === undefined || all.length === 0) {
    return failure("usage", "the fleet has no balancers", "name some under loadBalancers in drover.yaml");
  }
  const names = all.map(({ balancer }) => balancer).join(", ");
  return failure("usage", `${JSON.stringify(name)} is no balancer`, `the balancers are ${names}`);
}

interface Sources {
  readonly topology: Topology;
  readonly templates: TemplateTexts;
  readonly paths: TemplatePaths;
}

function renderedBalancer(wanted: WantedBalancer, { topology, templates, paths }: Sources): RenderedBalancer {
  const { set, balancer, render: rendered } = wanted;
  const apps = new Map(topology.apps.map((app) => [app.name, app.file]));
  const vip = desiredVip(topology, balancer, null);
  const keepalived = vip === null ? null : renderKeepalived(templates.keepalived, vip);
  const files: readonly RenderedFile[] = [
    { kind: "text", path: CONFIG, text: rendered.config },
    ...rendered.files.map((file): RenderedFile =>
      file.kind === "text" ? file : { kind: "certificate", path: file.path },
    ),
    ...(keepalived === null ? [] : [{ kind: "text" as const, path: KEEPALIVED, text: keepalived }]),
  ];
  const heading = `keepalived.conf: from ${paths.keepalived} and drover.yaml${vip?.interface === null ? UNASKED : ""}`;
  const sections = [
    ...sectionsOf(rendered, apps, paths.haproxy),
    ...(keepalived === null ? [] : [{ heading, text: keepalived }]),
  ];
  return { set: set.name, balancer, sections, files };
}

const UNASKED = "; its interface is the one that carries the address, and only the host knows it";

/** Exactly the bytes of one file, for comparing them with a host's. */
function tellFile(context: Context, rendered: readonly RenderedBalancer[], name: string): number {
  const matching = rendered.map(({ files }) => files.find(({ path }) => path === name || path.endsWith(`/${name}`)));
  const texts = matching.map((file) => (file?.kind === "text" ? file.text : null));
  const [text] = texts;
  if (text === undefined || text === null) {
    const names = [...new Set(rendered.flatMap(({ files }) => files.filter(({ kind }) => kind === "text")))];
    const paths = [...new Set(names.map(({ path }) => path))].join(", ");
    return tellFailure(
      context,
      failure("usage", `there is no file ${JSON.stringify(name)} to show`, `there are ${paths}`),
    );
  }
  if (texts.some((other) => other !== text)) {
    const hint = `name the balancer: ${rendered.map(({ balancer }) => balancer).join(", ")}`;
    return tellFailure(context, failure("usage", `${name} is not the same on all balancers`, hint));
  }
  context.print.line(text.replace(/\n$/, ""));
  return EXIT_CODE.done;
}

function json(balancers: readonly RenderedBalancer[], problems: readonly Failure[]): string {
  return JSON.stringify({ balancers, problems });
}
