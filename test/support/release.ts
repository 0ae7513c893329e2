import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { DEFAULT_BALANCING } from "../../src/inventory/schema/defaults.ts";
import type { LocalArtifact } from "../../src/model/action.ts";
import type { App } from "../../src/model/fleet.ts";
import type { Draft } from "../../src/model/plan.ts";
import { desiredInstance, type DesiredInstance } from "../../src/release/desired.ts";
import type { Templates } from "../../src/release/render.ts";
import type { ProbeSettings } from "../../src/release/steps.ts";

const read = (name: string): string => readFileSync(new URL(`../../templates/${name}`, import.meta.url), "utf8");

/** The templates as drover ships them. */
export const TEMPLATES: Templates = { unit: read("unit.service.hbs"), dropIn: read("release.conf.hbs") };

/** Short times, as the lab's fleet has them. */
export const PROBE: ProbeSettings = {
  health: {
    probe: { kind: "http", path: "/healthz" },
    interval: 1000,
    timeout: 2000,
    successThreshold: 3,
    failureThreshold: 3,
  },
  minHealthyTime: 2000,
  healthyDeadline: 15_000,
};

/** A web app with everything the release domain looks at; the rest is as dull as can be. */
export function exampleApp(over: Partial<App> = {}): App {
  return {
    name: "shop",
    file: "apps/shop.yaml",
    selector: "role=app",
    release: "1.4.0",
    artifact: { kind: "file", path: "dist/shop.tar.gz", sha256: null },
    run: ["./bin/shop", "--port", "8080"],
    port: 8080,
    ports: [],
    talksTo: [],
    srv: { weight: 1, weights: [] },
    health: PROBE.health,
    env: { LOG_LEVEL: "info" },
    secrets: {},
    routes: [],
    balancing: DEFAULT_BALANCING,
    rollout: {
      serial: 1,
      order: "inventory",
      minAvailable: null,
      maxFailures: 0,
      onFailure: "pause",
      drainTimeout: 5000,
      drainAction: "force",
      shutdownDelay: 0,
      minHealthyTime: 2000,
      healthyDeadline: 15_000,
      progressDeadline: 600_000,
      batchWait: 0,
      keepReleases: 3,
    },
    ...over,
  };
}

/** A file as an artifact. */
export function artifactAt(path: string): LocalArtifact {
  const bytes = readFileSync(path);
  return { path, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** What an app should be on a host. */
export function desiredOn(
  host: string,
  address: string,
  app: App,
  artifactSha256: string = "a".repeat(64),
): DesiredInstance {
  const secrets = Object.fromEntries(Object.keys(app.secrets).map((name) => [name, "f".repeat(64)]));
  const instance = { app: app.name, host, address, port: app.port, weight: 1 };
  return desiredInstance({ app, instance, artifactSha256, secrets, variables: {}, templates: TEMPLATES });
}

/** All steps in a draft's undo, in order. */
export function undoOf(draft: Draft): readonly Draft[] {
  return draft.undo.kind === "stages" ? draft.undo.stages.flat() : [];
}
