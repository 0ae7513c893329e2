import { z } from "zod";
import { RESERVED_NAMES } from "../../model/reserved.ts";
import type {
  ArtifactSource,
  Balancing,
  NamedPort,
  RolloutSettings,
  Route,
  SecretSource,
  SrvSettings,
} from "../../model/fleet.ts";
import { APP_NAME, ENV_NAME, RELEASE } from "../names.ts";
import { balancing } from "./balancing.ts";
import type { FileSchema } from "./file-schema.ts";
import { fileSchema } from "./file-schema.ts";
import { health } from "./health.ts";
import type { HealthFields } from "./health.ts";
import { appPort, namedPorts } from "./ports.ts";
import { route } from "./routes.ts";
import { secretSource } from "./secrets.ts";
import { srv } from "./srv.ts";
import { anyText, duration, keys, oneOf, text, whole } from "./values.ts";

/** What an app file says, defaults filled in; texts with `{{release}}` and `{{port}}` still as written. */
export interface AppFields {
  app: string;
  hosts: string;
  release: string;
  artifact: ArtifactSource;
  run: string;
  port: number | null;
  ports: readonly NamedPort[];
  talksTo: readonly string[];
  srv: SrvSettings;
  health: HealthFields;
  env: Record<string, string>;
  secrets: Record<string, SecretSource>;
  routes: readonly Route[];
  balancing: Balancing;
  rollout: RolloutSettings;
}

const sha256 = text("a sha256 of 64 lower-case hex digits", /^[0-9a-f]{64}$/);
const url = text(
  'a URL starting with "https://", without user and password',
  /^https:\/\/[A-Za-z0-9.:[\]-]+\/(\{\{ *[a-z]+ *\}\}|[^\s"'<>\\#])+$/,
);
const expectedArtifact = "a file, or {url: URL, sha256: HASH}";
const artifact = z.union(
  [
    text(expectedArtifact, /^(?![A-Za-z][A-Za-z0-9+.-]*:\/\/)./).transform((path): ArtifactSource => ({
      kind: "file",
      path,
      sha256: null,
    })),
    keys({ file: anyText("a file"), sha256: sha256.optional() }).transform((written): ArtifactSource => ({
      kind: "file",
      path: written.file,
      sha256: written.sha256 ?? null,
    })),
    keys({ url, sha256 }).transform((written): ArtifactSource => ({ kind: "url", ...written })),
  ],
  { error: expectedArtifact },
);

const rollout = keys({
  serial: whole("a whole number of hosts, 1 or more (no percentage, no list)", 1, 10_000).default(1),
  order: oneOf(["inventory"]).default("inventory"),
  minAvailable: whole("a whole number of instances, 0 or more", 0, 10_000)
    .optional()
    .transform((least) => least ?? null),
  maxFailures: whole("a whole number of hosts, 0 or more", 0, 10_000).default(0),
  onFailure: oneOf(["pause", "rollback"]).default("pause"),
  drainTimeout: duration(0).prefault("30s"),
  drainAction: oneOf(["force", "fail"]).default("force"),
  shutdownDelay: duration(0).prefault("0s"),
  minHealthyTime: duration(0).prefault("10s"),
  healthyDeadline: duration(1).prefault("5m"),
  progressDeadline: duration(1).prefault("10m"),
  batchWait: z.union([z.literal("ask"), duration(0)], { error: '"ask" or a duration such as "30s"' }).prefault("0s"),
  keepReleases: whole("a whole number of releases from 1 to 100", 1, 100).default(5),
});

/** The place in the list is part of what rules are called by, so it stays as written. */
const talksTo = z
  .array(text("the name of an app", APP_NAME), { error: "a list of apps" })
  .superRefine((list, context) => {
    list.forEach((name, index) => {
      if (list.indexOf(name) !== index) context.addIssue({ code: "custom", message: "each app once", path: [index] });
    });
  })
  .prefault([]);

const variable = text("a name of letters, digits and underscores that starts with no digit", ENV_NAME);

/** An app file: what an app's team writes (DESIGN §2). */
export const appSchema: FileSchema<AppFields> = fileSchema(
  keys({
    app: text("a name of lower-case letters, digits and dashes, at most 24", APP_NAME).refine(
      (name) => !RESERVED_NAMES.includes(name),
      {
        error: `another name (${RESERVED_NAMES.join(", ")} are what drover calls its own parts on a host)`,
      },
    ),
    hosts: z.string({ error: 'a selector such as "role=app"' }),
    release: text('a release of letters, digits and ._+~- without "..", at most 64', RELEASE),
    artifact,
    run: anyText("a command"),
    port: appPort,
    ports: namedPorts,
    talksTo,
    srv,
    health,
    env: z.record(variable, z.string({ error: "a string" }), { error: "a map of variables" }).default({}),
    secrets: z.record(variable, secretSource, { error: "a map of secrets" }).prefault({}),
    routes: z.array(route, { error: "a list of {lb: NAME, host: NAME, path: PATH}" }).prefault([]),
    balancing,
    rollout: rollout.prefault({}),
  }),
);
