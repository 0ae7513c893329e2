import { known } from "../model/known.ts";
import type { LbModel } from "../model/lb.ts";
import type { Topology } from "../model/topology.ts";
import { desiredLb } from "../lb/desired.ts";
import type { LbFacts } from "../lb/facts.ts";
import { parseSections } from "../lb/sections.ts";
import type { Section } from "../lb/sections.ts";
import type { HostView } from "./input.ts";

/**
 * A balancer whose manifest is gone still carries what its haproxy.cfg says. Without this it would count as one that drover
 * never touched: the next apply would begin with no app on it, and a drain would find no server there.
 *
 * The model is read back from the file as far as the fleet's files know it; its hash is none, so the next apply installs
 * the files anew, manifest and all. A file that somebody else wrote gives no model.
 */
export function withLostManifest(topology: Topology, host: string, view: HostView): HostView {
  if (view.lb?.kind !== "known" || view.lb.value.stable.manifest !== null) return view;
  const model = carried(topology, host, view.lb.value);
  if (model === null) return view;
  const stable = { ...view.lb.value.stable, manifest: { model, sha256: "", files: {} } };
  return { ...view, lb: known({ ...view.lb.value, stable }) };
}

function carried(topology: Topology, host: string, { stable }: LbFacts): LbModel | null {
  const sections = new Map(parseSections(stable.config?.text ?? "").map((section) => [section.title, section]));
  if (!sections.has("frontend drover_alive")) return null;
  const set = topology.balancers.find(({ hosts }) => hosts.includes(host));
  // Only whether there are any counts here: whoever installs takes the set's part from the fleet's files.
  const certificates = (set?.certificates ?? []).map(({ name }) => ({ name, fingerprint: "", names: [] }));
  const model = desiredLb(topology, host, certificates);
  const apps = Object.values(model.apps).flatMap((app) => {
    const places = serverPlaces(sections.get(`backend ${app.app}`));
    const servers = app.servers.flatMap((server) => {
      const place = places.get(server.name);
      return place === undefined ? [] : [{ ...server, ...place }];
    });
    return servers.length === 0 ? [] : [[app.app, { ...app, servers }] as const];
  });
  return { ...model, apps: Object.fromEntries(apps) };
}

/** Where the file has each server of a backend, by name. */
function serverPlaces(section: Section | undefined): ReadonlyMap<string, { address: string; port: number }> {
  const places = (section?.servers ?? []).flatMap(({ ref, line }) => {
    const [, address = "", port = ""] = /^\[?([^\s\]]+?)\]?:(\d+)(?: |$)/.exec(line) ?? [];
    return address === "" ? [] : [[ref.server, { address, port: Number(port) }] as const];
  });
  return new Map(places);
}
