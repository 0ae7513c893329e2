import { failure } from "../model/errors.ts";
import type { Plan } from "../model/plan.ts";
import { EXIT_CODE } from "../report/exit-code.ts";
import { fullPlanLines } from "../report/plan-text.ts";
import type { Context } from "./context.ts";
import { tellFailure } from "./tell.ts";

/**
 * Shows the plans and asks; without anybody to ask, only `--yes` goes on. The exit code where it must not go on; `command`
 * is what is typed again.
 */
export async function refused(context: Context, plans: readonly Plan[], command: string): Promise<number | null> {
  if (context.options.yes) return null;
  if (context.confirm === null) {
    const nobody = "there is nobody to ask whether this may be changed";
    return tellFailure(context, failure("usage", nobody, `say so: ${command} --yes`));
  }
  for (const plan of plans) for (const line of fullPlanLines(plan)) context.print.line(line);
  if (await context.confirm("apply this?")) return null;
  context.print.line("nothing was changed");
  return EXIT_CODE.failed;
}
