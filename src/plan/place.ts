import type { Draft, Stage, Step } from "../model/plan.ts";

/** The scopes beside the lanes', which are named after their hosts; no host's name has an underscore. */
export const PROLOGUE = "_prologue";
export const EPILOGUE = "_epilogue";

/**
 * Gives drafts their ids: `scope/nn.action@host`, undo steps `…~mm.action@host`. The number keeps two equal actions of
 * one scope apart; ids are stable because the plan is.
 */
export function place(scope: string, stages: readonly (readonly Draft[])[]): readonly Stage[] {
  return stages
    .filter((stage) => stage.length > 0)
    .map((stage, index) => stage.map((draft) => placed(`${scope}/${pad(index)}.${label(draft)}`, draft)));
}

function placed(id: string, draft: Draft): Step {
  const { undo, ...rest } = draft;
  if (undo.kind === "none") return { id, ...rest, undo };
  const stages = undo.stages.map((stage, index) =>
    stage.map((step): Step => {
      const { undo: _none, ...bare } = step;
      return { id: `${id}~${pad(index)}.${label(step)}`, ...bare, undo: { kind: "none", reason: "a step back" } };
    }),
  );
  return { id, ...rest, undo: { kind: "stages", stages } };
}

function label(draft: Draft): string {
  const subject = "server" in draft.action ? `${draft.action.server.server}.` : "";
  return `${subject}${draft.action.kind}@${draft.host ?? "here"}`;
}

function pad(index: number): string {
  return String(index).padStart(2, "0");
}
