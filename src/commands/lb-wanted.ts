import { hashesOf } from "../lb/change.ts";
import { desiredLb } from "../lb/desired.ts";
import { configHash } from "../lb/diff.ts";
import type { LbRender } from "../lb/render.ts";
import { renderLb } from "../lb/render.ts";
import type { Failure } from "../model/errors.ts";
import type { LbCertificate, LbModel } from "../model/lb.ts";
import type { Topology, TopologyBalancer } from "../model/topology.ts";
import type { WantedFiles } from "../plan/verify/files.ts";
import { readCertificates } from "./certificates.ts";
import type { Context, TemplateTexts } from "./context.ts";

/** What the fleet's files give one balancer. */
export interface WantedBalancer {
  readonly set: TopologyBalancer;
  readonly balancer: string;
  readonly model: LbModel;
  readonly render: LbRender;
  readonly wanted: WantedFiles;
}

/** What the fleet's files give all balancers; a certificate that cannot be read here leaves only its own file unknown. */
export interface WantedBalancers {
  readonly balancers: readonly WantedBalancer[];
  readonly problems: readonly Failure[];
}

/** What everything is rendered from, besides the topology. */
export interface WantedInput {
  readonly topology: Topology;
  readonly templates: TemplateTexts;
  /** Null: the fleet has none yet, or the state host did not tell; then nothing is known of certificates' contents. */
  readonly fingerprintKey: string | null;
}

/** Renders every balancer of the fleet. Touches no host. Throws a DroverError where a value cannot be rendered. */
export async function wantedBalancers(context: Context, input: WantedInput): Promise<WantedBalancers> {
  const { topology, fingerprintKey } = input;
  const { bySet, problems } = await readCertificates(context, topology, {
    fingerprintKey: fingerprintKey ?? "",
    served: new Set(),
  });
  const balancers = topology.balancers.flatMap((set) => {
    const certificates = standIns(set, bySet.get(set.name) ?? [], fingerprintKey);
    return set.hosts.map((host) => wantedBalancer(input, { set, host, certificates }));
  });
  return { balancers, problems };
}

/** Fingerprints that nobody can know are empty, and then {@link WantedFiles} has null. */
function standIns(set: TopologyBalancer, read: readonly LbCertificate[], key: string | null): readonly LbCertificate[] {
  return set.certificates.map(({ name }) => {
    const found = read.find((each) => each.name === name) ?? { name, fingerprint: "", names: [] };
    return key === null ? { ...found, fingerprint: "" } : found;
  });
}

function wantedBalancer(
  { topology, templates }: WantedInput,
  of: {
    readonly set: TopologyBalancer;
    readonly host: string;
    readonly certificates: readonly LbCertificate[];
  },
): WantedBalancer {
  const { set, host, certificates } = of;
  const model = desiredLb(topology, host, certificates);
  const render = renderLb(templates.haproxy, model, new Set());
  const unknown = new Set(
    render.files.flatMap((file) => (file.kind === "certificate" && file.fingerprint === "" ? [file.path] : [])),
  );
  const files = Object.fromEntries(
    Object.entries(hashesOf(render)).map(([path, hash]) => [path, unknown.has(path) ? null : hash]),
  );
  return { set, balancer: host, model, render, wanted: { config: configHash(render.config), files } };
}
