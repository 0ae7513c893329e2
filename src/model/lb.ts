import type { Balancing, Health, LbSettings } from "./fleet.ts";

/** Names one server of HAProxy. The backend is the app's name, the server is the host's name. */
export interface ServerRef {
  readonly backend: string;
  readonly server: string;
}

/** Where a server listens. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** A route as one balancer carries it: one per host name. */
export type LbRoute =
  | {
      readonly kind: "http";
      /** Null: any host. */
      readonly host: string | null;
      readonly path: string;
      /** Plain http only; https, to which plain http is redirected; or both served. */
      readonly tls: "none" | "redirect" | "both";
    }
  | { readonly kind: "passthrough"; readonly host: string }
  | {
      readonly kind: "port";
      readonly port: number;
      readonly mode: "tcp" | "http";
      readonly from: "anyone" | "fleet";
    };

/** One app as a balancer sees it. */
export interface LbApp {
  readonly app: string;
  /** Sorted: byte-stable. */
  readonly routes: readonly LbRoute[];
  /** The name that checks ask for: of the first route as it is written, so that another route does not change it. */
  readonly checkHost: string | null;
  readonly health: Health;
  readonly balancing: Balancing;
  /** In inventory order. */
  readonly servers: readonly (ServerAddress & { readonly name: string })[];
}

/** A service that is followed by name: HAProxy itself asks DNS where its servers are, and they are in no file. */
export interface LbFollow extends Omit<LbApp, "servers"> {
  /** The name of its SRV records, without the final dot. */
  readonly srv: string;
  /** Places for servers, called by the service's name and a number from 1. */
  readonly slots: number;
  /** Who is asked, over TCP; at least one. */
  readonly nameservers: readonly ServerAddress[];
}

/** A certificate as plans and manifests hold it. */
export interface LbCertificate {
  readonly name: string;
  /** Of chain and key together, keyed by the fleet's own key. */
  readonly fingerprint: string;
  /** DNS names it covers, as written in it. */
  readonly names: readonly string[];
}

/** What a balancer is besides its apps. */
export interface LbSet {
  readonly name: string;
  readonly settings: LbSettings;
  readonly certificates: readonly LbCertificate[];
  /** Addresses of all hosts, where a route is open to the fleet only; else empty. Sorted. */
  readonly fleet: readonly string[];
  /** Sorted by name; absent where nothing is followed. */
  readonly follow?: readonly LbFollow[];
}

/** All that one balancer's files are rendered from. Kept in the balancer's manifest when applied. */
export interface LbModel {
  /** Null: the host is in no balancer set. */
  readonly set: LbSet | null;
  /** By app name. */
  readonly apps: Readonly<Record<string, LbApp>>;
}

/** A file that haproxy.cfg names. */
export type LbFile =
  | { readonly kind: "text"; readonly path: string; readonly text: string }
  /** PEM, readable by root alone; its bytes are the frame of the secret `lb/SET/NAME`. */
  | {
      readonly kind: "certificate";
      readonly path: string;
      readonly ref: string;
      readonly fingerprint: string;
    };

/** What a running HAProxy can be told without a reload. */
export type RuntimeEdit =
  /** `line`: the rest of the server's line in haproxy.cfg, after its name. */
  | { readonly kind: "server-add"; readonly server: ServerRef; readonly line: string }
  | { readonly kind: "server-remove"; readonly server: ServerRef }
  /** Replaces a map's entries by those of the new file, at once. */
  | { readonly kind: "map"; readonly path: string }
  | { readonly kind: "certificate-renew"; readonly path: string }
  | { readonly kind: "certificate-add"; readonly path: string; readonly list: string; readonly line: string }
  | { readonly kind: "certificate-remove"; readonly path: string; readonly list: string };

/** The least that makes HAProxy run the new files, and why nothing less will do. */
export type LbChange =
  | { readonly kind: "runtime"; readonly why: readonly string[]; readonly edits: readonly RuntimeEdit[] }
  | { readonly kind: "reload"; readonly why: readonly string[] }
  /** Where it does not run, or its master does not answer. */
  | { readonly kind: "restart"; readonly why: readonly string[] };

/** A request by which a balancer shows that it leads to an app. */
export interface LbAsk {
  readonly app: string;
  readonly scheme: "http" | "https";
  readonly port: number;
  readonly host: string;
  readonly path: string;
}
