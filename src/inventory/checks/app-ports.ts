import type { AppDraft } from "../drafts.ts";
import type { NamedPort } from "../../model/fleet.ts";
import type { Path } from "../places.ts";

/** A port that an app listens on, and where that is said. */
export interface AppPort extends NamedPort {
  readonly path: Path;
  /** As it is written. */
  readonly says: string;
}

/** All ports of an app, as far as they are known: its own, which has the app's name, and those it names. */
export function portsOfApp({ fields }: Pick<AppDraft, "fields">): readonly AppPort[] {
  const { app: name = "", port = null, ports = [] } = fields;
  const own: AppPort = { name, protocol: "tcp", port: port ?? 0, path: ["port"], says: String(port) };
  const named = ports.map((each): AppPort => {
    const says = each.protocol === "udp" ? `udp/${String(each.port)}` : String(each.port);
    return { ...each, path: ["ports", each.name], says };
  });
  return port === null ? named : [own, ...named];
}
