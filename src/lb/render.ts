import Handlebars from "handlebars";
import type { LbFile, LbModel } from "../model/lb.ts";
import { DroverError, failure } from "../model/errors.ts";
import { appView, followedView } from "./app-view.ts";
import { followsOf } from "./follow.ts";
import { lint } from "./lint.ts";
import { lbFiles } from "./maps.ts";
import { keepsOwnPart } from "./own-part.ts";
import { setView } from "./set-view.ts";

/** What a balancer's HAProxy reads: haproxy.cfg, and the files it names. */
export interface LbRender {
  readonly config: string;
  /** Sorted by path. */
  readonly files: readonly LbFile[];
}

/**
 * The text of haproxy.cfg and the files it names: pure and byte-stable. `template` is Handlebars text, drover's own or a
 * fleet's; drover's own begins with a list of the names it may use. `disabled` holds "backend/server" of servers that must not
 * serve yet or any more; names it does not know are ignored. Throws a DroverError where a value would not be safe in
 * HAProxy's syntax, where two routes claim the same, or where the template makes what HAProxy could not run.
 */
export function renderLb(template: string, model: LbModel, disabled: ReadonlySet<string>): LbRender {
  const files = lbFiles(model);
  const apps = [
    ...Object.values(model.apps).map((app) => appView(app, model.set, disabled)),
    ...followsOf(model).map((service) => followedView(service, model.set)),
  ].toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const view = { ...setView(model), apps };
  const config = filled(template, view);
  lint(config, files);
  keepsOwnPart(config, model, disabled);
  return { config, files };
}

function filled(template: string, view: object): string {
  try {
    const text = compiled(template)(view);
    // HAProxy refuses a file whose last line has no end.
    return text.endsWith("\n") ? text : `${text}\n`;
  } catch (error) {
    const detail = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new DroverError(
      failure(
        "files-invalid",
        "the template haproxy.cfg.hbs cannot be filled in",
        "see docs/load-balancing.md",
        detail,
      ),
    );
  }
}

const templates = new Map<string, ReturnType<typeof Handlebars.compile>>();

/** Compiles each template once: it takes far longer than rendering, and a plan renders every balancer many times. */
function compiled(template: string): ReturnType<typeof Handlebars.compile> {
  // An own environment: nobody else's helpers or partials reach this template.
  const render = templates.get(template) ?? Handlebars.create().compile(template, { strict: true, noEscape: true });
  templates.set(template, render);
  return render;
}
