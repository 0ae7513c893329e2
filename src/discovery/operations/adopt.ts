import type { DiscoveryAction } from "../../model/discovery.ts";
import type { Failure } from "../../model/errors.ts";
import type { Operation } from "../../model/operation.ts";
import type { Warrant } from "../../model/ports.ts";
import { appProblem, epochProblem, hostProblem, nothingThere, ownedSets, takeoverProblem } from "../claims.ts";
import type { AppRecords, ZoneFacts } from "../facts.ts";
import { appOwnerName, setName } from "../names.ts";
import type { SetChange } from "../render.ts";
import { renderUpdate } from "../render.ts";
import { hostFound, hostRewrite } from "./addresses.ts";
import { appFound, nextOwner } from "./services.ts";
import type { Decision } from "./swap.ts";
import { swap } from "./swap.ts";

type Adopt = Extract<DiscoveryAction, { kind: "dns.adopt" }>;

/** See `dns.adopt`: the message holds exactly what was seen as its prerequisites, and writes the owner record alone. */
export function* adopt(action: Adopt): Operation {
  const { zone, subject, sets } = action;
  const names =
    subject.kind === "app" ? { apps: [{ app: subject.app, sets }], hosts: [] } : { apps: [], hosts: [subject.host] };
  const decide = (facts: ZoneFacts, warrant: Warrant): Decision =>
    subject.kind === "app"
      ? adoptApp(action, appFound(facts, subject.app), warrant)
      : adoptHost(action, subject.host, { facts, warrant });
  return yield* swap({ zone, names, decide, removes: false });
}

function refuse(problem: Failure): Decision {
  return { kind: "refuse", failure: problem };
}

function adoptApp({ zone, from }: Adopt, found: AppRecords, warrant: Warrant): Decision {
  const { app, owner } = found;
  const [alias] = found.aliases.keys();
  const problem =
    takeoverProblem(app, owner, from) ??
    (alias === undefined ? null : appProblem({ ...found, owner: { kind: "none" } }, [alias])) ??
    epochProblem(app, owner, warrant.epoch);
  if (problem !== null) return refuse(problem);
  const held = [...found.sets.keys()];
  const owned = ownedSets(found);
  if (owner.kind === "ours" && held.every((set) => owned.includes(set))) return { kind: "same" };
  if (held.length === 0 && owner.kind === "none") return refuse(nothingThere(app));
  const sets = [...found.sets].map(([set, { records }]): SetChange => ({
    name: setName(set, zone.zone),
    type: "SRV",
    before: records,
    after: records,
    needs: "seen",
  }));
  const next = { ...nextOwner(owner, zone.owner, warrant), sets: held };
  const ttl = Math.max(1, ...[...found.sets.values()].map((set) => set.ttl));
  const name = appOwnerName(app, zone.zone);
  const update = renderUpdate({ zone: zone.zone, owner: { name, ttl, found: owner, next }, sets });
  return { kind: "write", updates: [update], what: `it does not yet say that ${app} is this fleet's` };
}

function adoptHost(
  { zone, from }: Adopt,
  host: string,
  { facts, warrant }: { readonly facts: ZoneFacts; readonly warrant: Warrant },
): Decision {
  const found = hostFound(facts, host);
  const { owner, records } = found;
  const problem =
    takeoverProblem(host, owner, from) ??
    (found.alias === null ? null : hostProblem({ ...found, owner: { kind: "none" } })) ??
    epochProblem(host, owner, warrant.epoch);
  if (problem !== null) return refuse(problem);
  if (owner.kind === "ours") return { kind: "same" };
  if (records.length === 0 && owner.kind === "none") return refuse(nothingThere(host));
  const next = nextOwner(owner, zone.owner, warrant);
  const ttl = found.ttl ?? 1;
  const update = renderUpdate(hostRewrite(zone.zone, found, { after: records, next, ttl, needs: "seen" }));
  return { kind: "write", updates: [update], what: `it does not yet say that ${host} is this fleet's` };
}
