import type { FollowedServer, LbFacts } from "../lb/facts.ts";
import { slotNames, templatesIn, WITNESS } from "../lb/follow.ts";
import type { FollowShow } from "../report/lb-show.ts";
import type { BalancerTold } from "./lb-survey.ts";

/** What balancers follow by name, as the files they run say, and where DNS says it is. */
export function followedOn(accounts: readonly (BalancerTold & { readonly balancer: string })[]): readonly FollowShow[] {
  return accounts
    .flatMap(({ balancer, lb }) => (lb.kind === "known" ? followedBy(balancer, lb.value) : []))
    .toSorted((left, right) => Number(left.service > right.service) - Number(left.service < right.service));
}

function followedBy(balancer: string, { stable, live }: LbFacts): readonly FollowShow[] {
  const templates = templatesIn(stable.config?.text ?? "").filter(({ backend }) => !backend.startsWith(WITNESS));
  return templates.map((template): FollowShow => {
    const { backend: service, srv } = template;
    const head = { service, srv, balancer };
    if (stable.admin === null) return { ...head, places: null, servers: [] };
    const names = slotNames(template);
    const servers = names.flatMap((name) => serverAt(name, live));
    const sorted = servers.toSorted((left, right) => left.target.localeCompare(right.target, "en", { numeric: true }));
    return { ...head, places: { all: names.length, filled: servers.length }, servers: sorted };
  });
}

function serverAt(name: string, { followed, servers }: LbFacts["live"]): FollowShow["servers"] {
  const at: FollowedServer["at"] = followed[name]?.at ?? null;
  if (at === null) return [];
  const stat = servers[name];
  const target = `${at.target}:${String(at.port)}`;
  return [{ target, state: stat?.status ?? "unknown", sessions: stat?.scur ?? 0, total: stat?.stot ?? 0 }];
}
