import type { App, ArtifactSource, Diagnostic, Health } from "../model/fleet.ts";
import type { Draft } from "./decode.ts";
import { decodeFile } from "./decode.ts";
import { quote } from "./describe.ts";
import { complain, complainInside } from "./diagnostics.ts";
import type { AppDraft } from "./drafts.ts";
import type { Path } from "./places.ts";
import { spotKey } from "./places.ts";
import type { AppFields } from "./schema/app.ts";
import { appSchema } from "./schema/app.ts";
import { readSelector } from "./selector/read.ts";
import { fillIn } from "./template.ts";
import { splitWords } from "./words.ts";
import type { YamlFile } from "./yaml.ts";
import { readYaml } from "./yaml.ts";

/** Collects what is wrong while the parts of one app are put together. */
interface Work {
  readonly file: YamlFile;
  readonly fields: Draft<AppFields>;
  readonly wrong: Diagnostic[];
}

/**
 * Reads one app file: fills `{{release}}` and `{{port}}` in, splits `run` into argv, chooses the probe. `release`
 * stands in for the file's own, for `rollout start --release`. Never throws.
 */
export function parseApp(file: string, text: string, release?: string): AppDraft {
  const written = readYaml(file, text);
  const yaml = release === undefined ? written : withRelease(written, release);
  const { draft: fields, diagnostics } = decodeFile(appSchema, yaml);
  const work: Work = { file: yaml, fields, wrong: [] };
  const selector = readSelector(yaml, ["hosts"], fields.hosts);
  const app = completeApp(work);
  const complete = selector.selector !== null && diagnostics.length === 0 && work.wrong.length === 0;
  return {
    file: yaml,
    fields,
    selector: selector.selector,
    app: complete ? app : null,
    diagnostics: [...diagnostics, ...selector.diagnostics, ...work.wrong],
  };
}

/** The file as if another release were written in it. */
function withRelease(file: YamlFile, release: string): YamlFile {
  if (typeof file.value !== "object" || file.value === null || Array.isArray(file.value)) return file;
  const spots = new Map(file.spots);
  const spot = spots.get(spotKey(["release"]));
  if (spot !== undefined) spots.set(spotKey(["release"]), { ...spot, source: release, verbatim: null });
  return {
    ...file,
    value: { ...file.value, release },
    spots,
    refused: file.refused.filter((path) => path[0] !== "release"),
    diagnostics: file.diagnostics.filter(({ path }) => path !== "release"),
  };
}

/** The whole app, or null when a part is missing or wrong; what is wrong is noted in `work`. */
function completeApp(work: Work): App | null {
  const { app: name, hosts: selector, release, port, ...rest } = work.fields;
  const artifact = completeArtifact(work);
  const run = completeRun(work);
  const env = completeEnv(work);
  const health = completeHealth(work);
  const settings = completeSettings(rest);
  if (name === undefined || selector === undefined || release === undefined || port === undefined) return null;
  if (artifact === null || run === null || env === null || health === null || settings === null) return null;
  const file = work.file.file;
  return { name, file, selector, release, artifact, run, port, health, env, ...settings };
}

/** What stands in the app as it stands in its file. */
function completeSettings({
  ports,
  talksTo,
  srv,
  secrets,
  routes,
  balancing,
  rollout,
}: Work["fields"]): Pick<App, "ports" | "talksTo" | "srv" | "secrets" | "routes" | "balancing" | "rollout"> | null {
  if (ports === undefined || talksTo === undefined || srv === undefined) return null;
  if (secrets === undefined || routes === undefined || balancing === undefined || rollout === undefined) return null;
  return { ports, talksTo, srv, secrets, routes, balancing, rollout };
}

/** A text with its names filled in; null when it is wrong or what it needs is. */
function fill(work: Work, path: Path, text: string): string | null {
  const { release, port } = work.fields;
  if (release === undefined || port === undefined) return null;
  const filled = fillIn(text, { release, port });
  if (filled.kind === "ok") return filled.text;
  work.wrong.push(complainInside({ file: work.file, path, offset: filled.at }, filled.message));
  return null;
}

function completeArtifact(work: Work): ArtifactSource | null {
  const { artifact } = work.fields;
  if (artifact === undefined) return null;
  if (artifact.kind === "url") {
    const url = fill(work, ["artifact", "url"], artifact.url);
    return url === null ? null : { ...artifact, url };
  }
  const path = fill(
    work,
    work.file.spots.has(spotKey(["artifact", "file"])) ? ["artifact", "file"] : ["artifact"],
    artifact.path,
  );
  return path === null ? null : { ...artifact, path };
}

/** Names are filled in before the text is split: neither a release nor a port can hold anything that splits. */
function completeRun(work: Work): readonly string[] | null {
  if (work.fields.run === undefined) return null;
  const text = fill(work, ["run"], work.fields.run);
  if (text === null) return null;
  const split = splitWords(text);
  const exact = text === work.fields.run;
  if (split.kind === "error") {
    const at = { file: work.file, path: ["run"], offset: split.at };
    work.wrong.push(exact ? complainInside(at, split.message) : complain(work.file, ["run"], split.message));
    return null;
  }
  const program = split.words[0] ?? "";
  const expected = expectedProgram(program);
  if (expected === null) return split.words;
  work.wrong.push(
    complain(work.file, ["run"], `expected ${expected}, got ${program === "" ? "nothing" : quote(program)}`),
  );
  return null;
}

/** What a program should have been; null where it is right. */
function expectedProgram(program: string): string | null {
  if (/(^|\/)\.?$|(^|\/)\.\.(\/|$)/.test(program))
    return "a program inside the release, such as ./bin/shop, or one with its full path";
  // systemd refuses them in a program's path, however they are quoted.
  return /["'\\]/.test(program) ? "a program without quotes and backslashes in its name" : null;
}

function completeEnv(work: Work): Readonly<Record<string, string>> | null {
  const env: Record<string, string> = {};
  let whole = work.fields.env !== undefined;
  for (const [name, text] of Object.entries(work.fields.env ?? {})) {
    const value = fill(work, ["env", name], text);
    if (value === null) whole = false;
    else env[name] = value;
  }
  return whole ? env : null;
}

/** Without a probe in the file: tcp where there is a port, otherwise the process itself. */
function completeHealth(work: Work): Health | null {
  const { health, port } = work.fields;
  if (health === undefined || port === undefined) return null;
  if (health.probe === null) return { ...health, probe: { kind: port === null ? "process" : "tcp" } };
  if (port === null) {
    const key = health.probe.kind;
    work.wrong.push(
      complain(work.file, ["health", key], `expected a port that ${key} can ask, got an app without port`),
    );
  }
  return { ...health, probe: health.probe };
}
