import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { NamedModel } from "../model/named.ts";
import { desiredNamed } from "../named/desired.ts";
import { diffNamed } from "../named/diff.ts";
import { renderNamed, renderZone } from "../named/render.ts";
import type { NamedInput } from "../named/steps.ts";
import { installNamed, previousOf } from "../named/steps.ts";
import type { DnsStages } from "./dns-plan.ts";
import type { PlanInput } from "./input.ts";

/** Under which reference the zone's key crosses to hosts; no app is called so. */
export const KEY_REF = "_dns/key";

/** Sets BIND up on the zone's hosts, and puts right what differs there; somebody else's servers are left alone. */
export function planServers(input: PlanInput): DnsStages {
  const { dns, topology } = input;
  if (dns === null || topology.dns?.servers.kind !== "hosts") return { stages: [], reasons: [], problems: [] };
  const changes = topology.dns.servers.hosts.map((host) => changeOf(host, dns.fingerprint, input));
  const inputs = changes.flatMap((change) => change.input ?? []);
  return {
    stages: installNamed("expand", inputs),
    reasons: changes.flatMap(({ reasons }) => reasons),
    problems: changes.flatMap(({ problems }) => problems),
  };
}

interface Change {
  readonly input: NamedInput | null;
  readonly reasons: readonly string[];
  readonly problems: readonly Failure[];
}

const NOTHING: Change = { input: null, reasons: [], problems: [] };

function changeOf(host: string, fingerprint: string, input: PlanInput): Change {
  const { topology, templates, views } = input;
  const model = desiredNamed(topology, host, { fingerprint });
  const named = views.get(host)?.named;
  if (model === null || named === undefined) return NOTHING;
  if (named.kind === "unknown") return { ...NOTHING, problems: [named.why] };
  const facts = named.value;
  if (!facts.installed) {
    const lacking = failure(
      "package-missing",
      `${host} is to answer for ${model.zone} and has no BIND`,
      `on ${host}: apt-get install ${facts.package}`,
    );
    return { ...NOTHING, problems: [lacking] };
  }
  const config = renderNamed(templates.named, model);
  const diff = diffNamed(model, config, facts);
  if (diff.kind === "same") return NOTHING;
  const lost = diff.creates && !diff.inherits && !input.allowEmpty ? recordsElsewhere(model, host, input) : [];
  if (lost.length > 0) return { ...NOTHING, problems: lost };
  const zoneFile = diff.creates ? renderZone(templates.zone, model) : null;
  return {
    ...NOTHING,
    input: { host, model, config, zoneFile, secret: KEY_REF, previous: previousOf(facts) },
    reasons: diff.reasons.map((reason) => `${host}: ${reason}`),
  };
}

/** A zone that is begun anew on one host while others have it: whatever they know would be gone. */
function recordsElsewhere({ zone }: NamedModel, host: string, { topology, views }: PlanInput): readonly Failure[] {
  const others = topology.hosts.filter(({ name }) => {
    const named = views.get(name)?.named;
    return name !== host && named?.kind === "known" && named.value.manifest?.model.zone === zone;
  });
  if (others.length === 0) return [];
  const names = others.map(({ name }) => name).join(", ");
  const what = `${host} would become the primary of ${zone} and begin it empty, and ${names} has it already`;
  const hint = `put ${others[0]?.name ?? names} first in the inventory: it goes on with what it has; or begin anew: --allow-empty`;
  return [failure("dns-empty", what, hint)];
}
