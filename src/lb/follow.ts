import type { LbApp, LbFollow, LbModel } from "../model/lb.ts";
import { haproxyName, serverAddress, srvName, wholeNumber } from "./syntax.ts";

/** The most places for servers of one followed service: BIND gives no more records in one answer (`max-records-per-type`). */
const MOST_SLOTS = 100;

/** What the names of backends begin with that only listen to DNS. */
export const WITNESS = "drover_seen_";

/** Services that a balancer follows by name, sorted. */
export function followsOf({ set }: LbModel): readonly LbFollow[] {
  return set?.follow ?? [];
}

/** Everything that a balancer routes to: its apps, and the services it follows. Sorted by name. */
export function routedBy(model: LbModel): readonly Omit<LbApp, "servers">[] {
  const all = [...Object.values(model.apps), ...followsOf(model)];
  return all.toSorted((left, right) => (left.app < right.app ? -1 : 1));
}

/** How HAProxy asks for a followed service, as the template sees it. */
export interface FollowView {
  /** Of the `resolvers` section. */
  readonly resolvers: string;
  readonly nameservers: readonly { readonly name: string; readonly address: string }[];
  /** The backend that has what DNS names now, and nothing from before a reload; and its places. */
  readonly witness: string;
  readonly most: string;
  readonly srv: string;
  readonly slots: string;
}

/** Each service has a section of its own, so that who is asked for one of them says nothing of another. */
function resolversName(app: string): string {
  return `drover_${haproxyName(app)}`;
}

/** A followed service's own part of haproxy.cfg. Throws a DroverError for what cannot stand there. */
export function followView({ app, srv, slots, nameservers }: LbFollow): FollowView {
  return {
    resolvers: resolversName(app),
    nameservers: nameservers.map((server, index) => ({
      name: `ns${String(index + 1)}`,
      address: `tcp@${serverAddress(server)}`,
    })),
    witness: `${WITNESS}${app}`,
    most: String(MOST_SLOTS),
    srv: srvName(srv),
    slots: wholeNumber("the servers of a followed service", slots, { min: 1, max: MOST_SLOTS }),
  };
}

/** A line of haproxy.cfg that gives a backend places for servers. */
export interface Template {
  readonly backend: string;
  readonly prefix: string;
  readonly slots: number;
  readonly srv: string;
}

const SECTION = /^(\S+)(?:[ \t]+(\S+))?/;
const TEMPLATE = /^[ \t]+server-template[ \t]+(\S+)[ \t]+(\d+)[ \t]+(\S+)/;

/** The places for servers that a haproxy.cfg has, in its order. */
export function templatesIn(config: string): readonly Template[] {
  const found: Template[] = [];
  let backend: string | null = null;
  for (const line of config.split("\n")) {
    const section = SECTION.exec(line);
    if (section !== null && !line.startsWith("#")) backend = section[1] === "backend" ? (section[2] ?? null) : null;
    const [, prefix, slots, srv] = TEMPLATE.exec(line) ?? [];
    if (backend === null || prefix === undefined || srv === undefined) continue;
    found.push({ backend, prefix, slots: Number(slots), srv });
  }
  return found;
}

/** The servers of a template as HAProxy names them: `backend/prefixN`. */
export function slotNames({ backend, prefix, slots }: Template): readonly string[] {
  return Array.from({ length: slots }, (_, index) => `${backend}/${prefix}${String(index + 1)}`);
}
