/** What the files say, parsed and validated: plain data, defaults filled in, durations in milliseconds. */

/** Where in a file something was written; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One error in the files: `apps/shop.yaml:7:9 health.http: expected …, got …`. */
export interface Diagnostic extends Place {
  /** Dotted path to the key, e.g. `health.http` or `hosts.lb1.address`. */
  readonly path: string;
  /** `expected X, got Y` or another sentence, without the place and the path. */
  readonly message: string;
}

/** How drover logs in; one set for the fleet. */
export interface SshSettings {
  readonly user: string;
  readonly port: number;
  readonly become: "sudo" | "none";
  /** Files as written, relative to the fleet's folder. */
  readonly knownHosts: readonly string[];
  readonly identity: string | null;
}

/** A machine in the inventory. */
export interface Host {
  readonly name: string;
  /** At least one; SSH uses the first. */
  readonly addresses: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** Where a secret's bytes come from; they are read on the controller and cross to hosts on stdin only. */
export type SecretSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "command"; readonly argv: readonly string[] };

/** Where the artifact comes from. The sha256 is required for a URL, optional for a file. */
export type ArtifactSource =
  | { readonly kind: "file"; readonly path: string; readonly sha256: string | null }
  | { readonly kind: "url"; readonly url: string; readonly sha256: string };

/** How an instance proves that it is healthy. `interval` and `timeout` in milliseconds. */
export interface Health {
  readonly probe:
    | { readonly kind: "http"; readonly path: string }
    | { readonly kind: "tcp" }
    | { readonly kind: "process" };
  readonly interval: number;
  readonly timeout: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** A way from a balancer to an app. */
export interface Route {
  readonly lb: string;
  /** Lower-case host name without port. */
  readonly host: string;
  /** Path prefix on segment boundaries; "/" is everything. */
  readonly path: string;
}

/** The `rollout:` keys of DESIGN §2 with their defaults; times in milliseconds. */
export interface RolloutSettings {
  /** Hosts at a time. */
  readonly serial: number;
  readonly order: "inventory";
  /** Null: max(1, N - largest batch), where a single instance is refused. */
  readonly minAvailable: number | null;
  readonly maxFailures: number;
  readonly onFailure: "pause" | "rollback";
  readonly drainTimeout: number;
  readonly drainAction: "force" | "fail";
  readonly shutdownDelay: number;
  readonly minHealthyTime: number;
  readonly healthyDeadline: number;
  readonly progressDeadline: number;
  readonly batchWait: number | "ask";
  /** Healthy releases kept on a host besides what is referenced. */
  readonly keepReleases: number;
}

/** A deployable as its team wrote it. `run`, `artifact` and `env` already have `{{release}}` and `{{port}}` filled in. */
export interface App {
  readonly name: string;
  /** The file it came from, relative to the fleet's folder. */
  readonly file: string;
  readonly selector: string;
  readonly release: string;
  readonly artifact: ArtifactSource;
  /** argv; the first word is relative to the release directory. */
  readonly run: readonly string[];
  readonly port: number | null;
  readonly health: Health;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly routes: readonly Route[];
  readonly rollout: RolloutSettings;
}

/** A set of balancers that carry the same routes. */
export interface LoadBalancer {
  readonly name: string;
  readonly selector: string;
}

/** Where lease, epoch and journal live. */
export interface StateSettings {
  readonly store: "ssh";
  readonly host: string;
}

/** All files of a fleet, valid and together. */
export interface Fleet {
  readonly name: string;
  readonly ssh: SshSettings;
  /** In the order of the inventory files. */
  readonly hosts: readonly Host[];
  /** Sorted by name. */
  readonly loadBalancers: readonly LoadBalancer[];
  readonly state: StateSettings;
  /** Sorted by name. */
  readonly apps: readonly App[];
}
