import type { LbAction } from "../../model/action.ts";
import type { LbModel } from "../../model/lb.ts";
import type { Command } from "../../model/command.ts";
import { EXIT, mutating } from "../../model/command.ts";
import { failure } from "../../model/errors.ts";
import type { Failure } from "../../model/errors.ts";
import { canonicalJson } from "../../model/hash.ts";
import { done, failed, run } from "../../model/operation.ts";
import type { Operation, Ran } from "../../model/operation.ts";
import { configHash } from "../diff.ts";
import { refName } from "../normalize.ts";
import { CONFIG, MANIFEST, PREVIOUS } from "../paths.ts";
import { PERL_MARK } from "../perl-config.ts";
import { INSTALL_EXIT, PERL_INSTALL } from "../perl-install.ts";

type Of<Kind extends LbAction["kind"]> = Extract<LbAction, { kind: Kind }>;

// A reload that was begun is verified or taken back even if nobody listens any more.
const STAGE = `
trap '' HUP INT TERM PIPE
mkdir -p -m 755 /etc/haproxy ${MANIFEST.slice(0, MANIFEST.lastIndexOf("/"))} || exit 74
mkdir -p -m 700 /var/lib/drover/staged || exit 74
`;

const INSTALL = `${STAGE}
put /var/lib/drover/staged/haproxy.cfg 600 root || exit $?
put /var/lib/drover/staged/haproxy.json 600 root || exit $?
perl -e '${PERL_INSTALL}' /var/lib/drover/staged/haproxy.cfg /var/lib/drover/staged/haproxy.json strict
`;

const RESTORE = `${STAGE}
drover_manifest=-
if [ "$2" = manifest ]; then
  put /var/lib/drover/staged/haproxy.json 600 root || exit $?
  drover_manifest=/var/lib/drover/staged/haproxy.json
fi
if [ "$1" != - ]; then
  cp ${PREVIOUS}/"$1" /var/lib/drover/staged/haproxy.cfg || exit 74
  set -- /var/lib/drover/staged/haproxy.cfg
fi
perl -e '${PERL_INSTALL}' "$1" "$drover_manifest" lax
`;

const MARK = `
trap '' HUP INT TERM PIPE
perl -e '${PERL_MARK}' "$1" "$2" "$3"
`;

function manifest(model: LbModel, config: string): string {
  return `${canonicalJson({ model, sha256: configHash(config) })}\n`;
}

/** The command that installs a configuration. */
function installCommand(model: LbModel, config: string): Command {
  const frames = [config, manifest(model, config)].map((text) => ({ kind: "text", text }) as const);
  return mutating("lb.install", INSTALL, [], frames);
}

/** The command that puts back the file kept under a hash. */
function restoreCommand(action: Of<"lb.restore">): Command {
  const { sha256, model } = action;
  if (sha256 === null || model === null) return mutating("lb.restore", RESTORE, [sha256 ?? "-", "none"]);
  // The hash of the kept file with its marks is not the manifest's; the host has the text, so the host fills it in.
  return mutating(
    "lb.restore",
    RESTORE,
    [sha256, "manifest"],
    [{ kind: "text", text: canonicalJson({ model, sha256: "@" }) }],
  );
}

/** The command that marks a server in the file. */
function markCommand(action: Of<"lb.mark">): Command {
  const { server, disabled } = action;
  return mutating("lb.mark", MARK, [server.backend, server.server, disabled ? "on" : "off"]);
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

function configFailure(balancer: string, { code, stderr }: Ran): Failure {
  const [first = "", ...detail] = lines(stderr);
  switch (code) {
    case INSTALL_EXIT.missing:
      return failure(
        "package-missing",
        `HAProxy is not installed on ${balancer}`,
        "install it there: apt-get install haproxy",
      );
    case INSTALL_EXIT.refused:
      return failure("balancer-config", `${balancer}: ${first}`, "nothing was changed there", detail);
    case INSTALL_EXIT.putBack:
    case INSTALL_EXIT.stuck:
      return failure("balancer-config", `${balancer}: ${first}`, "see there: journalctl -u haproxy", detail);
    case EXIT.diskFull:
      return failure("disk-full", `the disk of ${balancer} is full`, "", [first, ...detail]);
    default:
      return failure(
        "command-failed",
        `${CONFIG} on ${balancer} could not be changed (exit code ${String(code)})`,
        "",
        [first, ...detail],
      );
  }
}

function* finish(balancer: string, command: Command): Operation {
  const ran = yield* run(balancer, command);
  return ran.code === 0 ? done(ran.stdout.trim()) : failed(configFailure(balancer, ran));
}

/** See `lb.install`. */
export function* install(action: Of<"lb.install">): Operation {
  return yield* finish(action.balancer, installCommand(action.model, action.config));
}

/** See `lb.restore`. */
export function* restore(action: Of<"lb.restore">): Operation {
  return yield* finish(action.balancer, restoreCommand(action));
}

/** Exit code of the mark's script: the file has no such server. */
const NO_SERVER = 3;

/** See `lb.mark`. */
export function* mark(action: Of<"lb.mark">): Operation {
  const { balancer, server } = action;
  const ran = yield* run(balancer, markCommand(action));
  if (ran.code === 0) return done();
  if (ran.code !== NO_SERVER) return failed(configFailure(balancer, ran));
  return failed(
    failure(
      "balancer-config",
      `haproxy.cfg on ${balancer} has no server ${refName(server)}`,
      "run drover plan",
      lines(ran.stderr),
    ),
  );
}
