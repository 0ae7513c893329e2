import type { LbAction } from "../../model/action.ts";
import type { Command } from "../../model/command.ts";
import { reading } from "../../model/command.ts";
import { DroverError, failure } from "../../model/errors.ts";
import type { LbAsk } from "../../model/lb.ts";
import { done, failed, haproxy, pause, run } from "../../model/operation.ts";
import type { Operation } from "../../model/operation.ts";
import { isUp, parseStat } from "../parse.ts";
import { PERL_TRY } from "../perl-try.ts";
import type { Part } from "./talk.ts";

type Try = Extract<LbAction, { kind: "lb.try" }>;

/** What came of one request: whose answer it was, or that it could not be asked there. */
interface Told {
  readonly app: string;
  readonly by: "app" | "haproxy" | "nobody" | "untried";
  readonly says: string;
}

/** Milliseconds in which every app must have answered, and between two rounds. */
const LIMIT = 5000;
const EVERY = 200;

/** A request per app with a server that is up, through the balancer's own address. See `lb.try`. */
export function* tryApps(action: Try): Operation {
  const { balancer } = action;
  const { replies } = yield* haproxy(balancer, "admin", ["show stat -1 4 -1"]);
  const up = new Set(parseStat(replies[0] ?? "").flatMap((stat) => (isUp(stat) ? [stat.backend] : [])));
  let open = action.asks.filter(({ app }) => up.has(app));
  const count = open.length;
  while (open.length > 0) {
    const told: readonly Told[] = yield* ask(action, open);
    const bad = told.filter(({ by }) => by === "haproxy" || by === "nobody");
    if (bad.length === 0) break;
    open = open.filter(({ app }) => bad.some((each) => each.app === app));
    if ((yield* pause(EVERY)) >= LIMIT) return failed(silent(balancer, bad));
  }
  return done(
    count === 0
      ? "nothing to ask yet, no server is up"
      : `${count === 1 ? "1 app answers" : `${String(count)} apps answer`}`,
  );
}

function silent(balancer: string, bad: readonly Told[]): ReturnType<typeof failure> {
  const names = bad.map(({ app }) => app).join(", ");
  const lines = bad.map(({ app, says }) => `${app}: ${says}`);
  return failure("balancer-config", `${names} cannot be reached through ${balancer}, though servers are up`, "", lines);
}

function* ask({ balancer, address }: Try, asks: readonly LbAsk[]): Part<readonly Told[]> {
  const { code, stdout, stderr } = yield* run(balancer, tryCommand(address, asks));
  const told = stdout.split("\n").flatMap((line): readonly Told[] => {
    const [app = "", by = "", says = ""] = line.split("\t");
    return by === "app" || by === "haproxy" || by === "nobody" || by === "untried" ? [{ app, by, says }] : [];
  });
  if (code === 0 && told.length === asks.length) return told;
  throw new DroverError(failure("unknown-state", `${balancer} could not ask its apps`, "", [stderr.trim()]));
}

/** A frame carries what may be a long list. */
function tryCommand(address: string, asks: readonly LbAsk[]): Command {
  const lines = asks.map(({ app, scheme, port, host, path }) => [app, scheme, port, host, path].join("\t"));
  const text = `take | perl -e '${PERL_TRY}' "$1"`;
  return reading("lb.try", text, [address], [{ kind: "text", text: `${lines.join("\n")}\n` }]);
}
