import { type Command, EXIT, mutating } from "../model/command.ts";
import { type Failure, failure } from "../model/errors.ts";
import type { FirewallAction } from "../model/firewall.ts";
import { canonicalJson } from "../model/hash.ts";
import {
  type Answer,
  type Ask,
  done,
  failed,
  type Operation,
  type Outcome,
  type Ran,
  run,
  runAnew,
} from "../model/operation.ts";
import type { FirewallManifest } from "./manifest.ts";
import { firewallHash } from "./render.ts";
import { LIBRARY } from "./script.ts";
import { CHANGES, FIREWALL_EXIT } from "./script-change.ts";
import { CONNECTIONS, cutsText } from "./sever.ts";

type Apply = Extract<FirewallAction, { kind: "firewall.apply" }>;
type Restore = Extract<FirewallAction, { kind: "firewall.restore" }>;

/** The program goes along with every command, and by `DROVER_TOOL` to where the timer and the boot unit find it. */
const TEXT = `
DROVER_TOOL='${LIBRARY}${CONNECTIONS}${CHANGES}'
export DROVER_TOOL
exec perl -e "$DROVER_TOOL" -- "$@"
`;

function tool(verb: string, args: readonly string[], texts: readonly string[] = []): Command {
  const frames = texts.map((text) => ({ kind: "text", text }) as const);
  return mutating(`firewall.${verb}`, TEXT, [verb, ...args], frames);
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

const LOOK = "see there: journalctl -u 'drover-firewall*'; iptables -S";

/** What the end of the program means: its first line on stderr says what is wrong, the others are evidence. */
function whatFailed(host: string, { code, stderr }: Ran): Failure {
  const [first = "", ...detail] = lines(stderr);
  switch (code) {
    case FIREWALL_EXIT.missing:
      return failure(
        "package-missing",
        `${first.replaceAll(" ", " and ")} is missing on ${host}`,
        `install it there: apt-get install ${first}`,
      );
    case EXIT.diskFull:
      return failure("disk-full", `the disk of ${host} is full; its rules are as they were`, "", [first, ...detail]);
    case FIREWALL_EXIT.refused:
      return failure("firewall-refused", `${host} did not take the new rules: ${first}`, LOOK, detail);
    case FIREWALL_EXIT.putBack:
      return failure("firewall-reverted", `${host}: ${first}`, LOOK, detail);
    case FIREWALL_EXIT.stuck:
    case FIREWALL_EXIT.gone:
      return failure("firewall-refused", `${host}: ${first}`, LOOK, detail);
    default:
      return failure("command-failed", `the firewall of ${host} could not be changed (exit code ${String(code)})`, "", [
        first,
        ...detail,
      ]);
  }
}

function cutNote(stdout: string): string {
  const count = /^cut (\d+)$/m.exec(stdout)?.[1];
  if (count === undefined || count === "0") return "";
  return count === "1" ? "1 connection cut" : `${count} connections cut`;
}

/** The second half: what was committed is asked to stay, over a connection that could not be made if the rules were wrong. */
function* confirm(host: string, target: number, committed: Ran, cuts: string): Generator<Ask, Outcome, Answer> {
  if (committed.code !== 0) return failed(whatFailed(host, committed));
  const token = /^committed (\S+)$/m.exec(committed.stdout)?.[1];
  if (token === undefined) return done("it was in force already");
  const confirmed = yield* runAnew(host, tool("confirm", [String(target), token], [cuts]));
  if (confirmed.code === 0) return done(cutNote(confirmed.stdout));
  if (confirmed.lost === undefined) return failed(whatFailed(host, confirmed));
  // The old connection may still be there: then nobody has to wait for the timer.
  const back = yield* run(host, tool("revert", [token]));
  const words = lines(back.stdout)[0] ?? lines(back.stderr)[0] ?? "";
  if (back.code === 0 && words === "confirmed already") return done("confirmed, its answer was lost");
  return failed(
    failure(
      "firewall-reverted",
      `${host} cannot be reached any more over a new connection; ${words}`,
      "the new rules shut drover out: compare firewall.admin with the address that drover comes from",
      [confirmed.lost.message],
    ),
  );
}

function* apply({ host, generation, model, texts, confirm: within, cuts }: Apply): Operation {
  const manifest: FirewallManifest = { generation, model, hash: firewallHash(model) };
  const files = [texts.sets, texts.v4, texts.v6, `${canonicalJson(manifest)}\n`];
  const committed = yield* run(host, tool("apply", [String(generation), String(within)], files));
  return yield* confirm(host, generation, committed, cutsText(cuts));
}

function* restore({ host, generation, confirm: within }: Restore): Operation {
  if (generation === null) return yield* remove(host, []);
  const committed = yield* run(host, tool("restore", [String(generation), String(within)]));
  return yield* confirm(host, generation, committed, "");
}

/** Needs no confirmation: it only opens, since a host where it might not is left alone (`safely`). */
function* remove(host: string, how: readonly ["safely"] | readonly []): Operation {
  const removed = yield* run(host, tool("remove", how));
  return removed.code === 0 ? done() : failed(whatFailed(host, removed));
}

/** How each action on a host's firewall is carried out. */
export function operateFirewall(action: FirewallAction): Operation {
  switch (action.kind) {
    case "firewall.apply":
      return apply(action);
    case "firewall.restore":
      return restore(action);
    case "firewall.remove":
      return remove(action.host, ["safely"]);
  }
}
