import type { DiscoveryAction } from "./discovery.ts";
import type { FirewallAction } from "./firewall.ts";
import type { Health } from "./fleet.ts";
import type { LbAsk, LbChange, LbFile, LbModel, ServerAddress, ServerRef } from "./lb.ts";
import type { NamedAction } from "./named.ts";
import type { ResolverAction } from "./resolver.ts";
import type { VipAction } from "./vip.ts";

/** What is done on a balancer. The generators in lb/operations.ts say how. Times in milliseconds. */
export type LbAction =
  /**
   * Check, keep the previous files by hash, install, bring into effect as `change` says, verify; on failure put the
   * previous ones back. What cannot be done at runtime after all is done by a reload, and said.
   */
  | {
      readonly kind: "lb.install";
      readonly balancer: string;
      readonly model: LbModel;
      readonly config: string;
      /** All other files of the configuration; drover's files that are not among them are removed at the end. */
      readonly files: readonly LbFile[];
      readonly change: LbChange;
    }
  /** Put back the files kept under this hash (null: there were none, HAProxy was not ours: stop it); manifest as given. */
  | {
      readonly kind: "lb.restore";
      readonly balancer: string;
      readonly sha256: string | null;
      readonly model: LbModel | null;
    }
  /** A request per app through the balancer's own address: where a server is up, it is not HAProxy that answers. */
  | { readonly kind: "lb.try"; readonly balancer: string; readonly address: string; readonly asks: readonly LbAsk[] }
  /** On disk: the server's line gets or loses `disabled`, its row in the state file comes or goes. */
  | { readonly kind: "lb.mark"; readonly balancer: string; readonly server: ServerRef; readonly disabled: boolean }
  /** A drained server's address changes, on disk and at runtime; the model in the manifest too. Idempotent. */
  | {
      readonly kind: "lb.move";
      readonly balancer: string;
      readonly server: ServerRef;
      readonly from: ServerAddress;
      readonly to: ServerAddress;
    }
  /** Step 0 and 1: old workers quiet, then `state drain`, read back. Refuses to leave fewer than `floor` ready servers. */
  | { readonly kind: "lb.drain"; readonly balancer: string; readonly server: ServerRef; readonly floor: number }
  /** Step 2 and 3: wait for no session on any worker; at `drainTimeout` close what is left, or fail. */
  | {
      readonly kind: "lb.quiesce";
      readonly balancer: string;
      readonly server: ServerRef;
      readonly drainTimeout: number;
      readonly drainAction: "force" | "fail";
    }
  /** Step 4. */
  | { readonly kind: "lb.maint"; readonly balancer: string; readonly server: ServerRef }
  /** Step 6: `state drain`, `health down`, then wait, at most `deadline`, for a fresh pass of HAProxy's own check. */
  | { readonly kind: "lb.prove"; readonly balancer: string; readonly server: ServerRef; readonly deadline: number }
  /** Step 7: `state ready`, wait for full UP. */
  | { readonly kind: "lb.ready"; readonly balancer: string; readonly server: ServerRef }
  /**
   * The way back of a drain, where nothing behind the server changed or it has been proven again: `health down`, then
   * `state ready`, so that only a fresh pass of HAProxy's own check brings traffic. A host that is lost stays down, and
   * comes back by itself; that is no failure. Waits at most `deadline` for it.
   */
  | { readonly kind: "lb.rejoin"; readonly balancer: string; readonly server: ServerRef; readonly deadline: number }
  /** Traffic arrives, errors do not: watches the server's counters for up to `window`. */
  | { readonly kind: "lb.hold"; readonly balancer: string; readonly server: ServerRef; readonly window: number }
  /** Waits until no worker from before the last reload serves anything but tunnels, at most `deadline`. */
  | { readonly kind: "lb.settle"; readonly balancer: string; readonly deadline: number };

/** An artifact whose bytes are at hand on the controller. */
export interface LocalArtifact {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** What is done on an app's host. The generators in release/operations.ts say how. Times in milliseconds. */
export type ReleaseAction =
  /** Push, verify, unpack beside, rename; unit, drop-in and credentials of the release are laid beside it. Idempotent. */
  | {
      readonly kind: "release.stage";
      readonly host: string;
      readonly app: string;
      readonly release: string;
      readonly artifact: LocalArtifact;
      readonly unit: string;
      readonly dropIn: string;
      /** Where an artifact that is one plain file (no archive) goes, below the release's folder. */
      readonly program: string;
      /** Names of the secrets; their bytes are the frames `app/NAME`. */
      readonly secrets: readonly string[];
    }
  /** Removes a staged release that nothing refers to. */
  | { readonly kind: "release.unstage"; readonly host: string; readonly app: string; readonly release: string }
  /** Makes a staged release the one that runs: user, unit, drop-in, daemon-reload, restart, manifest. */
  | {
      readonly kind: "release.switch";
      readonly host: string;
      readonly app: string;
      readonly release: string;
      readonly port: number | null;
    }
  /** Waits until the app has been healthy for `minHealthyTime` without a failed probe; gives up after `healthyDeadline`. */
  | {
      readonly kind: "release.probe";
      readonly host: string;
      readonly app: string;
      readonly address: string;
      readonly port: number | null;
      readonly health: Health;
      readonly minHealthyTime: number;
      readonly healthyDeadline: number;
      /** Marks this release as one that was healthy, for retention. */
      readonly release: string;
    }
  /** Stops and removes everything drover made for the app on this host, by its manifest. */
  | { readonly kind: "release.remove"; readonly host: string; readonly app: string }
  /** Keeps the last `keep` healthy releases and all that a unit refers to; removes the others. */
  | { readonly kind: "release.prune"; readonly host: string; readonly app: string; readonly keep: number };

/** What is done to the fleet's own files. */
export type FilesAction = {
  readonly kind: "files.edit";
  readonly file: string;
  readonly key: string;
  readonly from: string;
  readonly to: string;
};

/** A plain pause between two steps, e.g. `shutdownDelay`. */
export type PauseAction = { readonly kind: "pause"; readonly ms: number };

export type Action =
  | LbAction
  | VipAction
  | FirewallAction
  | DiscoveryAction
  | NamedAction
  | ResolverAction
  | ReleaseAction
  | FilesAction
  | PauseAction;
