import type { App, ArtifactSource } from "../model/fleet.ts";
import type { Instance } from "../model/topology.ts";
import { canonicalJson, sha256 } from "../model/hash.ts";
import { programPath } from "./artifact.ts";
import { renderDropIn, renderUnit, type Templates } from "./render.ts";

/** An instance as the files want it. */
export interface DesiredInstance {
  readonly app: string;
  readonly host: string;
  readonly address: string;
  readonly port: number | null;
  /** The release as the files name it. */
  readonly version: string;
  /** The release's id, `<version>-<12 hex>`; the same on all hosts. */
  readonly release: string;
  readonly unit: string;
  readonly dropIn: string;
  /** Names, sorted. */
  readonly secrets: readonly string[];
  /** Where an artifact that is one plain file goes, below the release's folder. */
  readonly program: string;
}

/** What an instance is derived from. */
export interface DesiredInput {
  readonly app: App;
  readonly instance: Instance;
  readonly artifactSha256: string;
  /** Fingerprints of the secrets by name; exactly the names of `app.secrets`. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What drover adds to the app's own environment; where both say one, the app's wins. */
  readonly variables: Readonly<Record<string, string>>;
  readonly templates: Templates;
}

function environmentOf({ app, variables }: Omit<DesiredInput, "instance">): Readonly<Record<string, string>> {
  return { ...variables, ...app.env };
}

/**
 * The release's id: its name and a hash of everything that decides what runs, so that a changed variable or secret
 * is a release of its own, and rolling back brings it back too. Nothing in it depends on the host.
 */
function releaseId(input: Omit<DesiredInput, "instance">): string {
  const { app, artifactSha256, secrets, templates } = input;
  const unit = renderUnit(templates.unit, app.name);
  const whole = { artifact: artifactSha256, argv: app.run, env: environmentOf(input), port: app.port, secrets, unit };
  return `${app.release}-${sha256(canonicalJson(whole)).slice(0, 12)}`;
}

/** The last part of where an artifact comes from: `java -jar shop.jar` finds a plain file under its own name. */
function fileName(source: ArtifactSource): string {
  const path = source.kind === "file" ? source.path : source.url.replace(/[?#].*$/, "");
  const name = path.split("/").at(-1) ?? "";
  return /^[A-Za-z0-9][A-Za-z0-9._+~-]*$/.test(name) ? name : "artifact";
}

/** Derives what one instance should be. Throws a DroverError where the app cannot be said in a unit file. */
export function desiredInstance(input: DesiredInput): DesiredInstance {
  const { app, instance, templates } = input;
  const release = releaseId(input);
  const env = environmentOf(input);
  const secrets = Object.keys(input.secrets).toSorted();
  return {
    app: app.name,
    host: instance.host,
    address: instance.address,
    port: instance.port,
    version: app.release,
    release,
    unit: renderUnit(templates.unit, app.name),
    dropIn: renderDropIn(templates.dropIn, { app: app.name, release, argv: app.run, env, secrets }),
    secrets,
    program: programPath(app.run) ?? fileName(app.artifact),
  };
}
