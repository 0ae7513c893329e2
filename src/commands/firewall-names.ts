import type { FirewallExplanation, FirewallQuestion } from "../firewall/explain.ts";
import { readPort } from "../firewall/explain-ends.ts";
import { suggest } from "../inventory/suggest.ts";
import type { Failure } from "../model/errors.ts";
import { failure } from "../model/errors.ts";
import type { Topology } from "../model/topology.ts";

const PORTS = "a port is written 5432, tcp/5432, udp/53, or by the name that an app gives it";

/** What cannot be asked although it can be read: a name of a port that no app has. Null: nothing. */
export function questionProblem({ apps }: Topology, { port }: FirewallQuestion): Failure | null {
  const asked = readPort(port);
  if (asked === null || asked.kind === "number") return null;
  const names = apps.flatMap((app) => [...(app.port === null ? [] : [app.name]), ...app.ports.map(({ name }) => name)]);
  if (names.includes(asked.name)) return null;
  const near = suggest(asked.name, names);
  const hint = near === null ? PORTS : `did you mean ${near}?`;
  return failure("usage", `no app calls a port ${JSON.stringify(asked.name)}`, hint);
}

/** Why there is no answer, and what may have been meant. */
export function unknownName(
  { hosts, apps }: Topology,
  why: Exclude<FirewallExplanation, { readonly kind: "answers" }>,
): Failure {
  switch (why.kind) {
    case "nowhere":
      return failure("usage", `${why.app} runs on no host`, "its selector: drover hosts");
    case "foreign":
      return failure("usage", "neither end is a host of this fleet", "its hosts: drover hosts");
    case "unknown": {
      const quoted = JSON.stringify(why.text);
      if (why.what === "port") return failure("usage", `${quoted} is no port`, PORTS);
      const near = suggest(
        why.text,
        [...hosts, ...apps].map(({ name }) => name),
      );
      const hint = near === null ? "hosts and their apps: drover hosts" : `did you mean ${near}?`;
      return failure("usage", `${quoted} is no host, no app and no IP address`, hint);
    }
  }
}
