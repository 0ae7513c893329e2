import type { LocalArtifact } from "../model/action.ts";
import type { Failure } from "../model/errors.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { ArtifactSource } from "../model/fleet.ts";
import { Secret } from "../model/secret.ts";
import type { Topology, TopologyApp } from "../model/topology.ts";
import type { DesiredApp } from "../plan/input.ts";
import { desiredInstance } from "../release/desired.ts";
import { srvVariables } from "../release/variables.ts";
import type { Context, TemplateTexts } from "./context.ts";
import { secretBytes } from "./secret-bytes.ts";

/** What the apps in scope should be, with the bytes that have to cross. */
export interface Desire {
  readonly desired: ReadonlyMap<string, DesiredApp>;
  /** By `app/NAME`. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly problems: readonly Failure[];
}

/** How an app is looked at: with which key secrets are fingerprinted, and what its file is to say afterwards. */
export interface DesireOptions {
  readonly fingerprintKey: string;
  readonly templates: TemplateTexts;
  /** The apps to read; null: all. */
  readonly only: string | null;
  readonly edit: DesiredApp["edit"];
}

/** Reads artifacts and secrets of the apps in scope; what cannot be read is a problem, before anything is changed. */
export async function desire(context: Context, topology: Topology, options: DesireOptions): Promise<Desire> {
  const desired = new Map<string, DesiredApp>();
  const secrets = new Map<string, Secret>();
  const problems: Failure[] = [];
  const apps = topology.apps.filter((app) => options.only === null || app.name === options.only);
  await Promise.all(
    apps.map(async (app) => {
      try {
        const artifact = await readArtifact(context, app);
        const own = await readSecrets(context, app);
        for (const [name, secret] of own) secrets.set(`${app.name}/${name}`, secret);
        const variables = srvVariables(app, topology.dns?.zone?.name ?? null);
        desired.set(app.name, desiredApp(app, { artifact, secrets: own, variables, options }));
      } catch (error) {
        if (!(error instanceof DroverError)) throw error;
        problems.push(error.failure);
      }
    }),
  );
  return { desired, secrets, problems };
}

function desiredApp(
  app: TopologyApp,
  found: {
    readonly artifact: LocalArtifact;
    readonly secrets: ReadonlyMap<string, Secret>;
    readonly variables: Readonly<Record<string, string>>;
    readonly options: DesireOptions;
  },
): DesiredApp {
  const { artifact, variables, options } = found;
  const fingerprints = Object.fromEntries(
    [...found.secrets].map(([name, secret]) => [name, secret.fingerprint(options.fingerprintKey)]),
  );
  const { unit, dropIn } = options.templates;
  const instances = app.instances.map((instance) =>
    desiredInstance({
      app,
      instance,
      artifactSha256: artifact.sha256,
      secrets: fingerprints,
      variables,
      templates: { unit, dropIn },
    }),
  );
  return { artifact, instances, edit: options.edit };
}

async function readArtifact(context: Context, app: TopologyApp): Promise<LocalArtifact> {
  const path = await artifactPath(context, app.artifact);
  const digest = await context.files.digest(path);
  if (digest === null) {
    throw new DroverError(
      failure(
        "artifact",
        `${app.name} ${app.release}: the artifact ${path} is not there`,
        `build it, or name another release in ${app.file}`,
      ),
    );
  }
  if (app.artifact.sha256 !== null && digest.sha256 !== app.artifact.sha256) {
    throw new DroverError(
      failure("artifact", `${app.name}: ${path} has sha256 ${digest.sha256}, the file says ${app.artifact.sha256}`),
    );
  }
  return { path, ...digest };
}

async function artifactPath(context: Context, source: ArtifactSource): Promise<string> {
  if (source.kind === "file") return source.path;
  const limits = { deadline: 600_000, signal: context.interrupts.stop };
  return await context.files.fetch(source.url, source.sha256, limits);
}

async function readSecrets(context: Context, app: TopologyApp): Promise<ReadonlyMap<string, Secret>> {
  const read = Object.entries(app.secrets).map(async ([name, source]): Promise<[string, Secret]> => {
    return [name, new Secret(await secretBytes(context, `${app.name}: secret ${name}`, source))];
  });
  return new Map(await Promise.all(read));
}
