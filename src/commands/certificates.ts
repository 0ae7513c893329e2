import { X509Certificate, createPrivateKey } from "node:crypto";
import type { Failure } from "../model/errors.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { CertificateSource, SecretSource } from "../model/fleet.ts";
import type { LbCertificate } from "../model/lb.ts";
import { Secret } from "../model/secret.ts";
import type { Topology, TopologyBalancer } from "../model/topology.ts";
import type { Context } from "./context.ts";
import { secretBytes } from "./secret-bytes.ts";

/** The certificates of all balancer sets: what plans may know of them, and the bytes that have to cross. */
export interface Certificates {
  readonly bySet: ReadonlyMap<string, readonly LbCertificate[]>;
  /** By `lb/SET/NAME`: chain and key as one PEM. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly problems: readonly Failure[];
}

/** One certificate that was read and makes sense. */
interface Read {
  readonly certificate: LbCertificate;
  readonly secret: Secret;
}

/** How certificates are looked at. */
export interface Reading {
  readonly fingerprintKey: string;
  /** Fingerprints of what balancers serve already: one of these that has ended keeps nobody from changing something else. */
  readonly served: ReadonlySet<string>;
}

/** Reads every set's certificates; what cannot be served with them is a problem, before anything is changed. */
export async function readCertificates(context: Context, topology: Topology, how: Reading): Promise<Certificates> {
  const bySet = new Map<string, readonly LbCertificate[]>();
  const secrets = new Map<string, Secret>();
  const problems: Failure[] = [];
  for (const set of topology.balancers) {
    const all: LbCertificate[] = [];
    for (const source of set.certificates) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- few files, and their problems in the files' order
        const { certificate, secret } = await readOne(context, set, source, how);
        all.push(certificate);
        secrets.set(`lb/${set.name}/${source.name}`, secret);
      } catch (error) {
        if (!(error instanceof DroverError)) throw error;
        problems.push(error.failure);
      }
    }
    bySet.set(set.name, all);
    if (all.length === set.certificates.length) problems.push(...uncovered(topology, set, all));
  }
  return { bySet, secrets, problems };
}

async function readOne(
  context: Context,
  set: TopologyBalancer,
  source: CertificateSource,
  { fingerprintKey, served }: Reading,
): Promise<Read> {
  const name = `certificate ${source.name} of ${set.name}`;
  const what = `${name}${placeOf(source.chain)}`;
  const chain = await secretBytes(context, name, source.chain);
  const key = source.key === null ? new Uint8Array() : await secretBytes(context, `${name}: its key`, source.key);
  const pem = `${text(chain).trimEnd()}\n${text(key)}`;
  const leaf = parsed(what, () => new X509Certificate(pem));
  const privateKey = parsed(`${what}: its key${keyPlace(source)}`, () => createPrivateKey(pem));
  if (!leaf.checkPrivateKey(privateKey)) throw wrong(`${what}: the key${keyPlace(source)} is another certificate's`);
  const secret = new Secret(new TextEncoder().encode(tidy(pem)));
  const fingerprint = secret.fingerprint(fingerprintKey);
  if (leaf.validToDate.getTime() <= context.clock.now() && !served.has(fingerprint)) {
    throw wrong(`${what} ended on ${leaf.validToDate.toISOString().slice(0, 10)}`);
  }
  return { certificate: { name: source.name, fingerprint, names: namesOf(leaf) }, secret };
}

/** Where something was read, for messages; a program's name would say little. */
function placeOf(source: SecretSource): string {
  return source.kind === "file" ? ` (${source.path})` : "";
}

function keyPlace({ key }: CertificateSource): string {
  return key === null ? "" : placeOf(key);
}

/** HAProxy's socket ends a payload at an empty line, and comments in PEM files are of no use to it. */
function tidy(pem: string): string {
  const blocks = pem.match(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g) ?? [];
  const lines = blocks.flatMap((block) => block.split(/\r?\n/)).filter((line) => line.trim() !== "");
  return `${lines.join("\n")}\n`;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function wrong(message: string): DroverError {
  return new DroverError(failure("certificate", message, "put another file in its place, and try again"));
}

/** What OpenSSL says of a broken key may hold parts of it, so only our own words are told. */
function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw wrong(`${what}: expected PEM (a certificate, its chain, and an unencrypted key), got something else`);
  }
}

/** DNS names of the certificate, lower case; its common name where it has none (RFC 6125 §6.4.4). */
function namesOf(leaf: X509Certificate): readonly string[] {
  const names = (leaf.subjectAltName ?? "").split(", ").flatMap((part) => /^DNS:(.+)$/.exec(part)?.[1] ?? []);
  const common = /^CN=(.+)$/m.exec(leaf.subject)?.[1];
  return (names.length > 0 ? names : common === undefined ? [] : [common]).map((name) => name.toLowerCase());
}

/** Routes that ask for https under a name that no certificate of their set covers: browsers would refuse them. */
function uncovered(
  topology: Topology,
  set: TopologyBalancer,
  certificates: readonly LbCertificate[],
): readonly Failure[] {
  if (certificates.length === 0) return [];
  const names = certificates.flatMap((certificate) => certificate.names);
  return topology.apps.flatMap((app) =>
    app.routes.flatMap((route) => {
      if (route.kind !== "http" || route.lb !== set.name || route.tls === "none") return [];
      return route.hosts
        .filter((host) => !names.some((name) => covers(name, host)))
        .map((host) =>
          failure(
            "certificate",
            `${app.file}: no certificate of ${set.name} covers ${host}; they cover ${names.join(", ") || "nothing"}`,
            `add one to loadBalancers.${set.name}.certificates, or say tls: none`,
          ),
        );
    }),
  );
}

/** A wildcard stands for exactly one label (RFC 6125 §6.4.3); a wildcard route needs the same wildcard. */
function covers(name: string, host: string): boolean {
  if (name === host) return true;
  return name.startsWith("*.") && !host.startsWith("*.") && host.slice(host.indexOf(".")) === name.slice(1);
}
