import type { LbDeep, Pair } from "./deep.ts";
import type { LbFacts } from "./facts.ts";
import { slotNames, templatesIn } from "./follow.ts";
import { refName } from "./normalize.ts";
import { CERTS, FILES } from "./paths.ts";
import { parseSections } from "./sections.ts";

/** `address:port` of a server's line as HAProxy tells it; null for what is no address, e.g. `abns@…`. */
function addressOf(line: string): string | null {
  const [, v6, v4, port] = /^(?:\[([0-9a-fA-F:]+)\]|([0-9.]+)):(\d+)(?: |$)/.exec(line) ?? [];
  return port === undefined ? null : `${v6 ?? v4 ?? ""} ${port}`;
}

function serverDiff({ stable, live }: LbFacts): readonly string[] {
  const admin = new Map(Object.entries(stable.admin ?? {}));
  const servers = parseSections(stable.config?.text ?? "").flatMap((section) => section.servers);
  const known = new Set(servers.map(({ ref }) => refName(ref)));
  const wrong = servers.flatMap(({ ref, line, disabled }) => {
    const name = refName(ref);
    const state = admin.get(name);
    if (state === undefined) return [`${name} is in haproxy.cfg and HAProxy does not know it`];
    const wanted = addressOf(line);
    const at = live.addresses[name];
    const has = at === undefined ? null : `${at.address} ${String(at.port)}`;
    return [
      ...(wanted !== null && has !== wanted
        ? [`${name} is at ${has ?? "no address"}, haproxy.cfg says ${wanted}`]
        : []),
      // After a restart a marked server is in maintenance, after a reload drained: both keep traffic away.
      ...(disabled === (state === "ready")
        ? [
            disabled
              ? `${name} is marked in haproxy.cfg and takes traffic`
              : `${name} is ${state} and not marked in haproxy.cfg`,
          ]
        : []),
    ];
  });
  const extra = [...admin.keys()].filter((name) => !known.has(name));
  return [...wrong, ...extra.map((name) => `HAProxy has ${name}, haproxy.cfg does not`)];
}

/** Places for servers that DNS names: HAProxy has them all, whoever is in them, and nobody took one out by hand. */
function followDiff({ stable, live }: LbFacts): readonly string[] {
  const wanted = new Map(
    templatesIn(stable.config?.text ?? "").flatMap((template) =>
      slotNames(template).map((name) => [name, template.srv] as const),
    ),
  );
  const wrong = [...wanted].flatMap(([name, srv]) => {
    const place = live.followed[name];
    if (place === undefined) return [`${name} is in haproxy.cfg and HAProxy does not know it`];
    if (place.srv !== srv) return [`${name} follows ${place.srv}, haproxy.cfg says ${srv}`];
    return place.admin === "ready" ? [] : [`${name} is ${place.admin}, and no file can say that of a followed server`];
  });
  const extra = Object.keys(live.followed).filter((name) => !wanted.has(name));
  return [...wrong, ...extra.map((name) => `HAProxy has ${name}, haproxy.cfg does not`)];
}

function short(path: string): string {
  return path.startsWith(`${CERTS}/`) ? path.slice(CERTS.length + 1) : path.slice(FILES.length + 1);
}

function entryDiff(path: string, { disk, runtime }: Pair<readonly string[]>): readonly string[] {
  if (runtime === null) return [`HAProxy has not loaded ${short(path)}`];
  const [left, right] = [new Set(disk), new Set(runtime)];
  return [
    ...disk.filter((entry) => !right.has(entry)).map((entry) => `HAProxy lacks an entry of ${short(path)}: ${entry}`),
    ...runtime
      .filter((entry) => !left.has(entry))
      .map((entry) => `HAProxy has an entry that ${short(path)} lacks: ${entry}`),
  ];
}

/**
 * What a running HAProxy has otherwise than the files on its own disk say, one sentence each, sorted by kind; empty where
 * they agree. Says nothing of whether the files are the right ones.
 */
export function runtimeDiff(facts: LbFacts, deep: LbDeep): readonly string[] {
  const { stable } = facts;
  if (!stable.active || stable.admin === null) return ["HAProxy does not answer"];
  const text = stable.config?.text ?? "";
  // A map that no rule names is not loaded, and need not be.
  const maps = Object.entries(deep.maps).filter(([path]) => text.includes(path));
  const certificates = Object.entries(deep.certificates).flatMap(([path, { disk, runtime }]) => {
    if (runtime === disk) return [];
    return [
      runtime === null
        ? `HAProxy has not loaded ${short(path)}`
        : `HAProxy shows another certificate than ${short(path)}`,
    ];
  });
  const { list } = deep;
  const isListed =
    list?.runtime === undefined ||
    list.runtime === null ||
    list.disk.toSorted().join() === list.runtime.toSorted().join();
  return [
    ...serverDiff(facts),
    ...followDiff(facts),
    ...maps.flatMap(([path, pair]) => entryDiff(path, pair)),
    ...(isListed ? [] : ["HAProxy's list of certificates is not the one on disk"]),
    ...certificates,
  ];
}
