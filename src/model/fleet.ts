import type { DnsSettings } from "./zone.ts";
import type { FirewallSettings, PortProtocol } from "./policy.ts";

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

/** A way from a balancer set to an app. */
export type Route =
  /** HTTP by host name and path. */
  | {
      readonly kind: "http";
      readonly lb: string;
      /** Lower-case host names without port; `*.example.com` stands for one more label in front; empty: any host. */
      readonly hosts: readonly string[];
      /** Path prefix on segment boundaries; "/" is everything. */
      readonly path: string;
      /** `terminate`: https here; `none`: plain http only; `auto`: https where the set has certificates. */
      readonly tls: "auto" | "terminate" | "none";
      /** With https: whether plain http is sent there (308) or served as well. */
      readonly redirect: boolean;
    }
  /** TLS handed through unopened, chosen by the name the client asks for (SNI). */
  | { readonly kind: "passthrough"; readonly lb: string; readonly hosts: readonly string[] }
  /** A port of its own on the balancers, and so on the VIP. */
  | {
      readonly kind: "port";
      readonly lb: string;
      readonly port: number;
      readonly mode: "tcp" | "http";
      /** `fleet`: only hosts of the inventory may connect, e.g. apps that cannot use SRV. */
      readonly from: "anyone" | "fleet";
    };

/** How balancers treat an app's traffic. Times in milliseconds; null: as the balancer set says. */
export interface Balancing {
  readonly algorithm: "roundrobin" | "leastconn";
  /** Connections to one instance at once; more wait in its queue. */
  readonly maxConnections: number;
  /** How long an instance that came back takes to get its full share; 0: at once. */
  readonly slowStart: number;
  readonly timeouts: {
    readonly connect: number | null;
    readonly server: number | null;
    readonly queue: number | null;
    readonly tunnel: number | null;
  };
  /** Set on what goes to the app, and on what comes from it. */
  readonly headers: {
    readonly request: Readonly<Record<string, string>>;
    readonly response: Readonly<Record<string, string>>;
  };
  /** Strict-Transport-Security's max-age in seconds, 0: none. */
  readonly hsts: number | null;
  /** False: its requests are not logged. */
  readonly log: boolean;
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

/** A port of an app by name. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: PortProtocol;
  readonly port: number;
}

/** How an app's instances are weighed in SRV answers: `weight` where no rule matches; of several rules the last wins. */
export interface SrvSettings {
  /** 1 to 65535. */
  readonly weight: number;
  readonly weights: readonly { readonly selector: string; readonly weight: number }[];
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
  /** Further ports it listens on, sorted by name, for policies to name; `port` itself is called as the app. */
  readonly ports: readonly NamedPort[];
  /** Apps it opens connections to, each once, as written: the place in the list names the rules that follow. */
  readonly talksTo: readonly string[];
  readonly srv: SrvSettings;
  readonly health: Health;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly routes: readonly Route[];
  readonly balancing: Balancing;
  readonly rollout: RolloutSettings;
}

/** An address that moves between the balancers of a set, with the length of its network's prefix. */
export interface Vip {
  readonly address: string;
  readonly prefix: number;
}

/** Where a certificate comes from: PEM, the chain first, with the key in it or beside it. */
export interface CertificateSource {
  /** The file's name without its ending, unique in its set; also its name on the balancers. */
  readonly name: string;
  readonly chain: SecretSource;
  /** Null: the chain's file holds the key too. */
  readonly key: SecretSource | null;
}

/** What a balancer set does for all apps; times in milliseconds. */
export interface LbSettings {
  readonly maxConnections: number;
  readonly timeouts: {
    readonly connect: number;
    readonly client: number;
    readonly server: number;
    readonly queue: number;
    readonly httpRequest: number;
    readonly httpKeepAlive: number;
    readonly tunnel: number;
    readonly clientFin: number;
  };
  /** After this, what is left on workers from before a reload is cut. */
  readonly hardStopAfter: number;
  readonly tls: {
    readonly minVersion: "TLSv1.2" | "TLSv1.3";
    /** OpenSSL's names, for TLS 1.2 and for 1.3. */
    readonly ciphers: readonly string[];
    readonly cipherSuites: readonly string[];
    /** Strict-Transport-Security's max-age in seconds, 0: none. */
    readonly hsts: number;
    readonly http2: boolean;
  };
  /** Where Prometheus may ask; null: nowhere. */
  readonly metrics: { readonly address: string; readonly port: number } | null;
  readonly log: {
    /** `/dev/log`, or `address:port` of a syslog server. */
    readonly target: string;
    readonly requests: boolean;
  };
  /** Set on every answer. */
  readonly responseHeaders: Readonly<Record<string, string>>;
}

/** A service of somebody else: a balancer set finds its instances by the SRV records of a name, not by the fleet's files. */
export interface Follow {
  /** As apps are named, and no app's name. */
  readonly name: string;
  /** The name to ask for, lower case, without the final dot. */
  readonly srv: string;
  /** How many instances it can have at most, 1 to 100. */
  readonly servers: number;
  /** Who is asked, over TCP; null: the fleet's own DNS servers. */
  readonly nameservers: readonly { readonly address: string; readonly port: number }[] | null;
  readonly health: Health;
  /** `lb` is the set itself. */
  readonly routes: readonly Route[];
  readonly balancing: Balancing;
}

/** A set of balancers that carry the same routes. */
export interface LoadBalancer {
  readonly name: string;
  readonly selector: string;
  /** The first is the anchor; none: no keepalived. */
  readonly vips: readonly Vip[];
  /** 1 to 255, unique on its network; null only without a VIP. */
  readonly virtualRouterId: number | null;
  /** `standard`: VRRPv2, one advert a second; `fast`: VRRPv3, ten. */
  readonly failover: "standard" | "fast";
  /** Of the network the VIPs are on; null: the one that carries the balancer's own address. */
  readonly interface: string | null;
  /** The first is shown to clients that name no host, or one that no certificate covers. */
  readonly certificates: readonly CertificateSource[];
  readonly settings: LbSettings;
  /** Sorted by name; absent where there is none. */
  readonly follow?: readonly Follow[];
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
  /** Folder of templates that replace drover's own of the same name, relative to the fleet's folder; null: none. */
  readonly templates: string | null;
  /** Sorted by name. */
  readonly loadBalancers: readonly LoadBalancer[];
  readonly state: StateSettings;
  /** Null: drover knows of no DNS. */
  readonly dns: DnsSettings | null;
  /** Null: firewalls are not managed at all. */
  readonly firewall: FirewallSettings | null;
  /**
   * Where each rule of the firewall was written, by `in` or `out` and its source: `in orders-db:0`. Not part of the
   * topology: a file that is only reformatted changes no plan.
   */
  readonly rulePlaces: Readonly<Record<string, Place>>;
  /** Sorted by name. */
  readonly apps: readonly App[];
}
