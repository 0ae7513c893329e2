import type { DiscoveryAction } from "../../model/discovery.ts";
import type { Operation } from "../../model/operation.ts";
import type { Warrant } from "../../model/ports.ts";
import { epochProblem, ownedSets } from "../claims.ts";
import type { ZoneFacts } from "../facts.ts";
import { appOwnerName, setName } from "../names.ts";
import type { OwnerState } from "../owner.ts";
import type { Rewrite, SetChange } from "../render.ts";
import { renderUpdate } from "../render.ts";
import { hostFound, hostRewrite } from "./addresses.ts";
import { appFound } from "./services.ts";
import type { Decision } from "./swap.ts";
import { swap } from "./swap.ts";

type Forget = Extract<DiscoveryAction, { kind: "dns.forget" }>;

/** See `dns.forget`. */
export function* forget(action: Forget): Operation {
  const { zone, subject } = action;
  const names =
    subject.kind === "app"
      ? { apps: [{ app: subject.app, sets: [] }], hosts: [] }
      : { apps: [], hosts: [subject.host] };
  return yield* swap({ zone, names, decide: (facts, warrant) => decide(action, facts, warrant), removes: true });
}

function decide({ zone, subject }: Forget, facts: ZoneFacts, warrant: Warrant): Decision {
  const name = subject.kind === "app" ? subject.app : subject.host;
  const { owner, whole } =
    subject.kind === "app" ? ofApp(zone.zone, subject.app, facts) : ofHost(zone.zone, name, facts);
  if (owner.kind === "foreign") return { kind: "same", note: `${name} is another's in DNS, and stays` };
  if (owner.kind === "none") return { kind: "same" };
  const older = epochProblem(name, owner, warrant.epoch);
  if (older !== null) return { kind: "refuse", failure: older };
  return { kind: "write", updates: [renderUpdate(whole)], what: `it still has ${name}` };
}

interface Forgotten {
  readonly owner: OwnerState;
  readonly whole: Rewrite;
}

function ofApp(zone: string, app: string, facts: ZoneFacts): Forgotten {
  const found = appFound(facts, app);
  const sets = ownedSets(found).map((set): SetChange => ({
    name: setName(set, zone),
    type: "SRV",
    before: found.sets.get(set)?.records ?? [],
    after: [],
    needs: "held",
  }));
  const owner = { name: appOwnerName(app, zone), ttl: 0, found: found.owner, next: null };
  return { owner: found.owner, whole: { zone, owner, sets } };
}

function ofHost(zone: string, host: string, facts: ZoneFacts): Forgotten {
  const found = hostFound(facts, host);
  return { owner: found.owner, whole: hostRewrite(zone, found, { after: [], next: null, ttl: 0, needs: "held" }) };
}
