import type { LbAction } from "../../model/action.ts";
import type { LbChange, LbModel, RuntimeEdit } from "../../model/lb.ts";
import type { Command, Frame } from "../../model/command.ts";
import { EXIT, mutating, reading } from "../../model/command.ts";
import { failure } from "../../model/errors.ts";
import { canonicalJson } from "../../model/hash.ts";
import type { Installed } from "../../model/installing.ts";
import { installFailure } from "../../model/installing.ts";
import { done, failed, run } from "../../model/operation.ts";
import type { Operation } from "../../model/operation.ts";
import { fileId } from "../bundle.ts";
import { configHash } from "../diff.ts";
import { refName } from "../normalize.ts";
import { CONFIG, MANIFEST, PREVIOUS } from "../paths.ts";
import { PERL_BUNDLE, STAGED } from "../perl-bundle.ts";
import { PERL_CONFIG, PERL_MARK } from "../perl-config.ts";
import { PERL_INSTALL } from "../perl-install.ts";
import type { Part } from "./talk.ts";

type Of<Kind extends LbAction["kind"]> = Extract<LbAction, { kind: Kind }>;

// A reload that was begun is verified or taken back even if nobody listens any more.
const STAGE = `
trap '' HUP INT TERM PIPE
dirs() {
  drover_said=$(mkdir -p "$@" 2>&1) && return
  echo "$drover_said" >&2
  case $drover_said in *"No space left"*) exit ${String(EXIT.diskFull)} ;; esac
  exit 74
}
dirs -m 755 /etc/haproxy ${MANIFEST.slice(0, MANIFEST.lastIndexOf("/"))}
rm -rf ${STAGED}
dirs -m 700 ${STAGED} ${STAGED}/files
`;

// Every file comes as a frame of its own, in the order of the index.
const INSTALL = `${STAGE}
put ${STAGED}/haproxy.cfg 600 root || exit $?
put ${STAGED}/manifest 600 root || exit $?
put ${STAGED}/index 600 root || exit $?
put ${STAGED}/change 600 root || exit $?
drover_i=0
while [ "$drover_i" -lt "$1" ]; do
  put "${STAGED}/files/$drover_i" 600 root || exit $?
  drover_i=$((drover_i + 1))
done
perl -e '${PERL_INSTALL}' ${STAGED} ${STAGED}/manifest ${STAGED}/change strict
drover_code=$?; rm -rf ${STAGED}; exit "$drover_code"
`;

const RESTORE = `${STAGE}
drover_manifest=-
if [ "$2" = manifest ]; then
  put ${STAGED}/manifest 600 root || exit $?
  drover_manifest=${STAGED}/manifest
fi
if [ "$1" != - ]; then
  set -- ${PREVIOUS}/"$1"
fi
perl -e '${PERL_INSTALL}' "$1" "$drover_manifest" ${STAGED}/change lax
drover_code=$?; rm -rf ${STAGED}; exit "$drover_code"
`;

/** Which certificates are there as drover laid them: keys cross only where they are new. */
const HAVE = `perl -e 'use strict; use warnings; ${PERL_CONFIG} ${PERL_BUNDLE}
  my $files = live_bundle()->{files}; print "$files->{$_}{id} $_\n" for grep { $files->{$_}{kind} eq "certificate" } sort keys %$files;
'`;

const MARK = `
trap '' HUP INT TERM PIPE
perl -e '${PERL_MARK}' "$1" "$2" "$3"
`;

/** The host fills in what only it knows: the sha256 of what lies there. */
function manifest(model: LbModel, sha256: string): string {
  return canonicalJson({ files: "@", model, sha256 });
}

function editLine(edit: RuntimeEdit): string {
  switch (edit.kind) {
    case "server-add":
      return [edit.kind, edit.server.backend, edit.server.server, edit.line].join("\t");
    case "server-remove":
      return [edit.kind, edit.server.backend, edit.server.server].join("\t");
    case "map":
    case "certificate-renew":
      return [edit.kind, edit.path].join("\t");
    case "certificate-add":
      return [edit.kind, edit.path, edit.list, edit.line].join("\t");
    case "certificate-remove":
      return [edit.kind, edit.path, edit.list].join("\t");
  }
}

function changeText(change: LbChange): string {
  const edits = change.kind === "runtime" ? change.edits.map(editLine) : [];
  return [change.kind, ...edits, ""].join("\n");
}

/** The command that installs a bundle; `have` holds the fingerprints by path of the certificates that need not be sent. */
function installCommand(action: Of<"lb.install">, have: ReadonlyMap<string, string>): Command {
  const sent: Frame[] = [];
  const index = action.files.map((file) => {
    const isThere = file.kind === "certificate" && have.get(file.path) === file.fingerprint;
    const place = isThere ? "-" : String(sent.length);
    if (!isThere) sent.push(file.kind === "text" ? text(file.text) : { kind: "secret", ref: file.ref });
    return `${place} ${file.kind} ${fileId(file)} ${file.path}\n`;
  });
  const { config, model, change } = action;
  const head = [config, manifest(model, configHash(config)), index.join(""), changeText(change)].map(text);
  return mutating("lb.install", INSTALL, [String(sent.length)], [...head, ...sent]);
}

function text(value: string): Frame {
  return { kind: "text", text: value };
}

/** The command that puts back the file kept under a hash. */
function restoreCommand(action: Of<"lb.restore">): Command {
  const { sha256, model } = action;
  if (sha256 === null || model === null) return mutating("lb.restore", RESTORE, [sha256 ?? "-", "none"]);
  // The hash of the kept file with its marks is not the manifest's; the host has the text, so the host fills it in.
  return mutating("lb.restore", RESTORE, [sha256, "manifest"], [text(manifest(model, "@"))]);
}

/** The command that marks a server in the file. */
function markCommand(action: Of<"lb.mark">): Command {
  const { server, disabled } = action;
  return mutating("lb.mark", MARK, [server.backend, server.server, disabled ? "on" : "off"]);
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

const HAPROXY: Installed = { program: "HAProxy", package: "haproxy", file: CONFIG };

function* finish(balancer: string, command: Command): Operation {
  const ran = yield* run(balancer, command);
  return ran.code === 0 ? done(ran.stdout.trim()) : failed(installFailure(balancer, HAPROXY, ran));
}

function* certificatesThere({ balancer, files }: Of<"lb.install">): Part<ReadonlyMap<string, string>> {
  if (!files.some(({ kind }) => kind === "certificate")) return new Map();
  const { code, stdout } = yield* run(balancer, reading("lb.certificates", HAVE));
  // Where that does not work everything is sent.
  if (code !== 0) return new Map();
  return new Map(lines(stdout).map((line) => [line.slice(line.indexOf(" ") + 1), line.slice(0, line.indexOf(" "))]));
}

/** See `lb.install`. */
export function* install(action: Of<"lb.install">): Operation {
  return yield* finish(action.balancer, installCommand(action, yield* certificatesThere(action)));
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
  if (ran.code !== NO_SERVER) return failed(installFailure(balancer, HAPROXY, ran));
  return failed(
    failure(
      "balancer-config",
      `haproxy.cfg on ${balancer} has no server ${refName(server)}`,
      "run drover plan",
      lines(ran.stderr),
    ),
  );
}
