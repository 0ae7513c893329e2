import Handlebars from "handlebars";
import { DroverError, failure } from "../model/errors.ts";
import { isAppName, isReleaseId, isSecretName, programPath } from "./artifact.ts";
import { credentialPath, releaseDirectory, unitName } from "./paths.ts";
import { environmentLine, execLine } from "./quote.ts";

/** The texts of the two templates; whoever wires drover together reads them. */
export interface Templates {
  /** templates/unit.service.hbs */
  readonly unit: string;
  /** templates/release.conf.hbs */
  readonly dropIn: string;
}

/** What a drop-in is made of; `argv` as the files say it, before it is made absolute. */
export interface DropInInput {
  readonly app: string;
  /** The release's id. */
  readonly release: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

const templates = new Map<string, ReturnType<typeof Handlebars.compile>>();

/** Compiles each template once: it takes far longer than filling it in. */
function fill(template: string, view: object): string {
  const render = templates.get(template) ?? Handlebars.compile(template, { strict: true, noEscape: true });
  templates.set(template, render);
  return render(view);
}

function refuse(what: string, got: string): never {
  throw new DroverError(failure("files-invalid", `expected ${what}, got ${JSON.stringify(got)}`));
}

/** The systemd unit of an app; the same for all its releases. Throws a DroverError for a bad name. */
export function renderUnit(template: string, app: string): string {
  if (!isAppName(app)) refuse("an app's name", app);
  const name = unitName(app);
  return fill(template, { app, user: name, unitName: name, unit: `${name}.service` });
}

/**
 * The drop-in that makes one release the one that runs: absolute paths, so that a crash in the middle of a rollout
 * starts the release again that was running. Throws a DroverError where a value cannot be said in a unit file.
 */
export function renderDropIn(template: string, input: DropInInput): string {
  const { app, release, argv, env, secrets } = input;
  if (!isAppName(app)) refuse("an app's name", app);
  if (!isReleaseId(release)) refuse("a release id", release);
  const directory = releaseDirectory(app, release);
  const relative = programPath(argv);
  const program = relative === null ? (argv[0] ?? "") : `${directory}/${relative}`;
  const credentials = secrets.toSorted().map((name) => {
    if (!isSecretName(name)) refuse("a secret's name", name);
    return `${name}:${credentialPath(app, release, name)}`;
  });
  const environment = Object.entries(env)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => environmentLine(name, value));
  return fill(template, { release, directory, command: execLine(program, argv.slice(1)), environment, credentials });
}
