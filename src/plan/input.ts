import type { LocalArtifact } from "../model/action.ts";
import type { Known } from "../model/known.ts";
import type { ServiceLedger, ZoneRef } from "../model/discovery.ts";
import type { LbCertificate } from "../model/lb.ts";
import type { HostDrain } from "../model/ports.ts";
import type { Topology } from "../model/topology.ts";
import type { DnsView } from "../discovery/facts.ts";
import type { FirewallFacts } from "../firewall/facts.ts";
import type { FirewallLedger } from "../model/firewall.ts";
import type { LbFacts } from "../lb/facts.ts";
import type { NamedFacts } from "../named/facts.ts";
import type { DesiredInstance } from "../release/desired.ts";
import type { ReleaseFacts } from "../release/facts.ts";
import type { PlatformFacts } from "../release/platform.ts";
import type { ResolverFacts } from "../resolver/facts.ts";
import type { VipFacts } from "../vip/facts.ts";
import type { FormerBalancer } from "./former.ts";
import type { LastChange } from "./last-change.ts";

/** One host as far as it could be observed. */
export interface HostView {
  readonly lastChange: Known<LastChange>;
  readonly platform: Known<PlatformFacts>;
  readonly release: Known<ReleaseFacts>;
  /** Asked of balancers only. */
  readonly lb: Known<LbFacts> | null;
  /** Asked of balancers only. */
  readonly vip: Known<VipFacts> | null;
  readonly firewall: Known<FirewallFacts>;
  readonly named: Known<NamedFacts>;
  readonly resolver: Known<ResolverFacts>;
  /** Asked of all others: what is left of a balancer they may have been. */
  readonly former: Known<FormerBalancer> | null;
}

/** What an app should be: its artifact's bytes are at hand, its secrets have been read and fingerprinted. */
export interface DesiredApp {
  readonly artifact: LocalArtifact;
  /** One per instance, in inventory order. */
  readonly instances: readonly DesiredInstance[];
  /** Set when the command overrides the release that the file names. */
  readonly edit: { readonly file: string; readonly from: string; readonly to: string } | null;
}

/** The zone that apps are published in, as its servers told. */
export interface DnsInput {
  readonly zone: ZoneRef;
  readonly view: DnsView;
  /** Of the key that updates are signed with. */
  readonly fingerprint: string;
}

/** Everything a plan is made from; the same input gives the same plan, byte for byte. */
export interface PlanInput {
  readonly topology: Topology;
  /** The texts that balancers' files are rendered from. */
  readonly templates: {
    readonly haproxy: string;
    readonly keepalived: string;
    readonly named: string;
    readonly zone: string;
  };
  /** By balancer set, in the order of the files; their bytes are at hand. */
  readonly certificates: ReadonlyMap<string, readonly LbCertificate[]>;
  /** By app name, exactly the apps of the topology that are in scope. */
  readonly desired: ReadonlyMap<string, DesiredApp>;
  /** By host name, all hosts of the topology. */
  readonly views: ReadonlyMap<string, HostView>;
  /** The newest epoch the store has given out; this run's own, where it holds the lease. */
  readonly epoch: number;
  /** The run that holds the lease right now, if it is another one. */
  readonly running: string | null;
  /** Open rollouts by app: what they keep drained is owed, and their apps are not planned. */
  readonly open: Readonly<Record<string, string>>;
  /** What is remembered of addresses and debts; null: no firewall was ever applied. */
  readonly ledger: FirewallLedger | null;
  /** Hosts that somebody took out with `drover drain`, and why: nothing lets them in but `undrain`. */
  readonly drains: Readonly<Record<string, HostDrain>>;
  /** Null: no zone is written to. */
  readonly dns: DnsInput | null;
  /** Names drover may have written; null: none ever. */
  readonly services: ServiceLedger | null;
  /** Whether a record set may be left without any instance. */
  readonly allowEmpty: boolean;
}
