import type { App, Diagnostic } from "../model/fleet.ts";
import type { Draft } from "./decode.ts";
import type { Path } from "./places.ts";
import type { AppFields } from "./schema/app.ts";
import type { DroverFields } from "./schema/drover.ts";
import type { Selector } from "./selector/selector.ts";
import type { YamlFile } from "./yaml.ts";

/** A place in a file that messages can point at, and below it. */
export interface At {
  readonly file: YamlFile;
  readonly path: Path;
}

/** `drover.yaml` as far as it could be understood. */
export interface DroverDraft {
  readonly file: YamlFile;
  readonly fields: Draft<DroverFields>;
  readonly diagnostics: readonly Diagnostic[];
}

/** One host as far as it could be understood; null for what could not. */
export interface HostDraft {
  readonly at: At;
  readonly name: string;
  readonly addresses: readonly string[] | null;
  readonly tags: Readonly<Record<string, string>> | null;
}

/** The hosts of one source. `complete` is false when some may be missing: then nothing may be said about absence. */
export interface HostDrafts {
  readonly hosts: readonly HostDraft[];
  readonly complete: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** One app file as far as it could be understood; `app` only when all of it is right by itself. */
export interface AppDraft {
  readonly file: YamlFile;
  readonly fields: Draft<AppFields>;
  readonly selector: Selector | null;
  readonly app: App | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** All that was read; `found` is what went wrong while reading app files. */
export interface Parts {
  readonly drover: DroverDraft;
  readonly inventory: readonly HostDrafts[];
  readonly apps: readonly AppDraft[];
  readonly found: readonly Diagnostic[];
}
