import type { ReleaseAction } from "../../model/action.ts";
import { mutating, reading, type Command, type Frame } from "../../model/command.ts";
import { sha256 } from "../../model/hash.ts";
import { done, failed, run, type Operation } from "../../model/operation.ts";
import { bytes, judge } from "../judge.ts";
import { PRUNE, STAGE, STAGED, UNSTAGE } from "../scripts/stage.ts";

type Stage = Extract<ReleaseAction, { kind: "release.stage" }>;

/** Asks whether a release already lies on the host, whole. */
function stagedCommand(action: Stage): Command {
  const { app, release, unit, dropIn, secrets } = action;
  return reading("release.staged", STAGED, [app, release, sha256(unit), sha256(dropIn), ...secrets]);
}

/** Lays the release on the host. */
function stageCommand(action: Stage): Command {
  const { app, release, artifact, program, secrets } = action;
  const frames: readonly Frame[] = [
    { kind: "text", text: action.unit },
    { kind: "text", text: action.dropIn },
    ...secrets.map((name): Frame => ({ kind: "secret", ref: `${app}/${name}` })),
    { kind: "file", path: artifact.path, size: artifact.size },
  ];
  // A truncated download or a pointer file named .tar.gz would otherwise count as one plain program.
  const form = /\.(?:tar|tar\.gz|tgz)$/.test(artifact.path) ? "tar" : "any";
  const args = [app, release, artifact.sha256, String(artifact.size), program, form, ...secrets];
  return mutating("release.stage", STAGE, args, frames);
}

/** Pushes a release to its host unless it is there already. */
export function* stage(action: Stage): Operation {
  const { app, host, release, artifact } = action;
  const there = yield* run(host, stagedCommand(action));
  if (there.code === 0 && there.stdout.trim() === "staged") return done("already there");
  const ran = yield* run(host, stageCommand(action));
  if (ran.code !== 0) return failed(judge(`stage ${app} ${release} on ${host}`, ran));
  return done(`${bytes(artifact.size)} sent`);
}

/** Takes a staged release away again, unless something refers to it. */
export function* unstage(action: Extract<ReleaseAction, { kind: "release.unstage" }>): Operation {
  const { app, host, release } = action;
  const ran = yield* run(host, mutating("release.unstage", UNSTAGE, [app, release]));
  if (ran.code !== 0) return failed(judge(`remove staged ${app} ${release} on ${host}`, ran));
  return done(ran.stdout.trim() === "kept" ? "kept: it is in use, or has been healthy here" : "");
}

/** Removes old releases. */
export function* prune(action: Extract<ReleaseAction, { kind: "release.prune" }>): Operation {
  const { app, host, keep } = action;
  const ran = yield* run(host, mutating("release.prune", PRUNE, [app, String(keep)]));
  if (ran.code !== 0) return failed(judge(`remove old releases of ${app} on ${host}`, ran));
  const gone = ran.stdout.split("\n").filter((line) => line !== "");
  return done(gone.length === 0 ? "none was due" : `removed ${gone.join(", ")}`);
}
