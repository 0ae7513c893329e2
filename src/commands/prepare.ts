import type { DnsKey } from "../model/dns.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Lease, StateFacts } from "../model/ports.ts";
import type { Secret } from "../model/secret.ts";
import { KEY_REF } from "../plan/dns-servers.ts";
import type { FleetPlan, Scope } from "../plan/fleet-plan.ts";
import { planFleet } from "../plan/fleet-plan.ts";
import type { PlanInput } from "../plan/input.ts";
import { readCertificates } from "./certificates.ts";
import type { Allowed } from "./allowed.ts";
import type { Context } from "./context.ts";
import { desire } from "./desire.ts";
import type { DesireOptions } from "./desire.ts";
import type { Connected, Survey } from "./survey.ts";
import { acquire, observe, stateOf } from "./survey.ts";
import { findDns } from "./survey-dns.ts";
import { templatesOf } from "./templates.ts";

/** A planned change, with everything at hand that carrying it out takes. */
export interface Prepared {
  readonly fleetPlan: FleetPlan;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly survey: Survey;
  readonly lease: Lease | null;
  /** What updates of the zone are signed with. */
  readonly dnsKey: DnsKey | null;
}

/** What to prepare. */
export interface Preparation extends Allowed {
  readonly scope: Scope;
  /** What the lease is for; null: only look. */
  readonly purpose: string | null;
  readonly edit: DesireOptions["edit"];
}

export type Preparing =
  | { readonly kind: "prepared"; readonly prepared: Prepared }
  | { readonly kind: "failed"; readonly failure: Failure };

/**
 * Takes the lease (when something may be changed), asks every host, reads artifacts and secrets, and plans. The lease is
 * taken before the hosts are asked, so that what is planned on cannot be changed by another run any more.
 */
export async function prepare(context: Context, connected: Connected, what: Preparation): Promise<Preparing> {
  const acquiring = what.purpose === null ? null : acquire(context, connected.store, what.purpose);
  // Connecting takes longer than the lease, and changes nothing anywhere.
  connected.transport.expect(connected.topology.hosts.map(({ name }) => name));
  const acquired = await acquiring;
  if (acquired?.kind === "failed") return acquired;
  const lease = acquired?.lease ?? null;
  try {
    const survey = await observe(context, connected);
    return { kind: "prepared", prepared: await plan(context, connected, { what, lease, survey }) };
  } catch (error) {
    await lease?.release();
    throw error;
  }
}

async function plan(
  context: Context,
  connected: Connected,
  { what, lease, survey }: { readonly what: Preparation; readonly lease: Lease | null; readonly survey: Survey },
): Promise<Prepared> {
  const { input, secrets, dnsKey, problems } = await planInput(context, connected, { what, lease, survey });
  const common = { secrets, survey, lease, dnsKey };
  if (problems.length > 0)
    return { fleetPlan: { plans: [], problems, skipped: [], behind: null, whole: false, notes: [] }, ...common };
  return { fleetPlan: planFleet(input, what.scope), ...common };
}

/** Everything that plans are made from, with the secrets whose fingerprints are in it. */
interface Readied {
  readonly input: PlanInput;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly dnsKey: DnsKey | null;
  readonly problems: readonly Failure[];
}

/** Reads templates, artifacts, secrets and certificates, and puts them together with what was observed. */
async function planInput(
  context: Context,
  connected: Connected,
  {
    what,
    lease,
    survey,
  }: { readonly what: Omit<Preparation, "purpose">; readonly lease: Lease | null; readonly survey: Survey },
): Promise<Readied> {
  const { fleet, topology } = connected;
  const { scope, edit, allowEmpty } = what;
  const state = stateOf(survey);
  const fingerprintKey = lease?.fingerprintKey ?? state.fingerprintKey ?? "";
  const only = scope.kind === "app" ? scope.app : null;
  const templates = await templatesOf(context, fleet);
  const { desired, secrets, problems } = await desire(context, topology, { fingerprintKey, templates, only, edit });
  const certificates = await readCertificates(context, topology, { fingerprintKey, served: servedBy(survey) });
  const dns = await findDns(context, connected, { survey, fleetKey: fingerprintKey });
  const input: PlanInput = {
    topology,
    templates,
    certificates: certificates.bySet,
    desired,
    views: survey.views,
    ...ourselves(lease, state),
    open: state.open,
    ledger: state.ledger,
    drains: state.drains,
    dns: dns.input,
    services: state.services,
    allowEmpty,
  };
  const zoneSecrets: readonly [string, Secret][] = dns.key === null ? [] : [[KEY_REF, dns.key.base64]];
  return {
    input,
    secrets: new Map([...secrets, ...certificates.secrets, ...zoneSecrets]),
    dnsKey: dns.key?.key ?? null,
    problems: [...problems, ...certificates.problems],
  };
}

/** Who we are to the hosts, and who else is at it. */
function ourselves(lease: Lease | null, { epoch, holder }: StateFacts): Pick<PlanInput, "epoch" | "running"> {
  return lease === null ? { epoch, running: holder?.run ?? null } : { epoch: lease.epoch, running: null };
}

/** Fingerprints of the certificates that some balancer serves. */
function servedBy({ views }: Survey): ReadonlySet<string> {
  return new Set(
    [...views.values()].flatMap(({ lb }) =>
      lb?.kind === "known"
        ? (lb.value.stable.manifest?.model.set?.certificates ?? []).map(({ fingerprint }) => fingerprint)
        : [],
    ),
  );
}

/** No plan can be made before the key exists where secrets are in play; said instead of printing ids that will change. */
export function missingKey(survey: Survey, secrets: ReadonlyMap<string, Secret>): Failure | null {
  if (stateOf(survey).fingerprintKey !== null || secrets.size === 0) return null;
  return failure(
    "unknown-state",
    "the fleet has no key yet, so the releases of apps with secrets have no final id",
    "the first apply makes it",
  );
}
