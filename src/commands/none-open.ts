import { EXIT_CODE } from "../report/exit-code.ts";
import type { Context } from "./context.ts";
import type { FleetFiles } from "./fleet-files.ts";
import { findApp } from "./rollout-start.ts";

/** Says that no rollout of the app is open; a name that no file knows is a slip, not good news. */
export function noneOpen(context: Context, files: FleetFiles, app: string): number {
  if (findApp(context, files, app) === null) return EXIT_CODE.usage;
  const isJson = context.options.output === "json";
  context.print.line(isJson ? JSON.stringify({ app, open: null }) : `${app}: no rollout is open`);
  return EXIT_CODE.done;
}
