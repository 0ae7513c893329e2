/** What one case of the conformance suite says: a fleet, what may pass in it, and how both change. */

/** A fleet in a few lines of YAML; what every fleet has besides is filled in by {@link fleetOf}. */
export interface FleetSketch {
  /**
   * By name, words: `role=db` is a tag, what has a dot or colon is an address. Without any the host gets one of each
   * family, with `v4` or `v6` one of that family alone.
   */
  readonly hosts: Readonly<Record<string, string>>;
  /** By name, the lines of its file that matter: `hosts: role=db`, `port: 5432`. */
  readonly apps?: Readonly<Record<string, string>>;
  /** What stands below `loadBalancers:`. */
  readonly balancers?: string;
  /** What stands below `firewall:`, besides `admin`; null: there is no such block. */
  readonly firewall?: string | null;
  /** Default: the operator's two addresses. */
  readonly admin?: string;
  /** Whole keys of drover.yaml: `dns: …`. */
  readonly more?: string;
  /** Default 22. */
  readonly sshPort?: number;
}

/** A fleet and what passes in it. */
export interface Stage {
  /**
   * Lines `FROM, FROM -> TO: WHAT WHAT yes; WHAT no`. An end is the name of a host or of somebody outside, `@ADDRESS`
   * after it picks one of several addresses. WHAT is a TCP port, `udp/53`, `ping`, `vrrp` (protocol 112) or `other`
   * (protocol 253). Each is asked once per family that both ends have; `v4:` or `v6:` instead of `:` asks one alone.
   */
  readonly probes: string;
  /** Lines `FROM -> TO: PORT` of streams that are open from now on; with `pushed` after it, the other end talks unasked. */
  readonly hold?: string;
}

/** What happens to the fleet after it was as before. */
export interface Change extends Stage {
  /** In words: `the instance moves to app2`. */
  readonly what: string;
  /** What is different; the rest stays. */
  readonly fleet: Partial<FleetSketch>;
  /** Which of the streams that are open live on, in the words of `hold`. All others are cut. Absent: none is asked. */
  readonly alive?: string;
}

/** One case. Its expectations are written by hand. */
export interface Case extends Stage {
  readonly title: string;
  readonly fleet: FleetSketch;
  /** Machines that no inventory names, and their addresses. `operator` and `stranger` are always there. */
  readonly outside?: Readonly<Record<string, string>>;
  readonly changes?: readonly Change[];
}

/** Where operators come from, and somebody of whom no file knows. */
export const OUTSIDERS: Readonly<Record<string, string>> = {
  operator: "10.0.9.1 fd00::901",
  stranger: "203.0.113.7 2001:db8::7",
};

/** What is sent. `other` is a protocol that nobody speaks (253, RFC 3692). */
export type Flow =
  | { readonly protocol: "tcp" | "udp"; readonly port: number }
  | { readonly protocol: "icmp" | "vrrp" | "other" };

export interface End {
  readonly name: string;
  readonly address: string;
}

export interface Probe {
  readonly from: End;
  readonly to: End;
  readonly flow: Flow;
  readonly expected: boolean;
}

/** A stream of TCP that is held open. `pushed`: the server talks all the time, and the client never. */
export interface Stream {
  readonly pushed: boolean;
  readonly from: End;
  readonly to: End;
  readonly port: number;
}

/** `app1 (10.0.0.11) -> db1 (10.0.0.10): tcp/5432`. */
export function tellProbe({ from, to, flow }: Omit<Probe, "expected">): string {
  const what = "port" in flow ? `${flow.protocol}/${String(flow.port)}` : flow.protocol;
  return `${from.name} (${from.address}) -> ${to.name} (${to.address}): ${what}`;
}

/** `app1 (10.0.0.11) -> db1 (10.0.0.10): 5432`. */
export function tellStream({ from, to, port, pushed }: Stream): string {
  return `${from.name} (${from.address}) -> ${to.name} (${to.address}): ${String(port)}${pushed ? " pushed" : ""}`;
}

/** Addresses of everybody by name. */
export type Addresses = Readonly<Record<string, readonly string[]>>;

/** The table of a stage; throws for what it does not understand, since a probe that is not asked proves nothing. */
export function readProbes(text: string, addresses: Addresses): readonly Probe[] {
  return lines(text).flatMap((line) => {
    const { pairs, rest } = readLine(line, addresses);
    return rest.split(";").flatMap((group) => {
      const words = group.trim().split(/\s+/);
      const verdict = words.pop();
      if ((verdict !== "yes" && verdict !== "no") || words.length === 0) throw new Error(`no verdict in: ${line}`);
      const flows = words.map(readFlow);
      return pairs.flatMap(([from, to]) => flows.map((flow) => ({ from, to, flow, expected: verdict === "yes" })));
    });
  });
}

/** The streams of a stage. */
export function readStreams(text: string, addresses: Addresses): readonly Stream[] {
  return lines(text).flatMap((line) => {
    const { pairs, rest } = readLine(line, addresses);
    const [, port, pushed] = /^([0-9]+)( pushed)?$/.exec(rest) ?? [];
    if (port === undefined) throw new Error(`not understood: ${line}`);
    return pairs.map(([from, to]) => ({ from, to, port: Number(port), pushed: pushed !== undefined }));
  });
}

function lines(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function readLine(line: string, addresses: Addresses): { pairs: readonly (readonly [End, End])[]; rest: string } {
  const [, froms, tos, family, rest] = /^(.*?) -> (.*?)(?: (v4|v6))?: (.*)$/.exec(line) ?? [];
  if (froms === undefined || tos === undefined || rest === undefined) throw new Error(`not understood: ${line}`);
  const all = names(froms).flatMap((from) => names(tos).flatMap((to) => pairsOf(from, to, addresses)));
  const pairs = all.filter(([from]) => family === undefined || (family === "v6") === from.address.includes(":"));
  if (pairs.length === 0) throw new Error(`nobody to ask in: ${line}`);
  return { pairs, rest };
}

function names(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

/** One pair per family: the ends' first addresses, or the ones they name. */
function pairsOf(from: string, to: string, addresses: Addresses): readonly (readonly [End, End])[] {
  const froms = endsOf(from, addresses);
  const tos = endsOf(to, addresses);
  return [false, true].flatMap((is6) => {
    const [left, right] = [froms, tos].map((ends) => ends.find((end) => end.address.includes(":") === is6));
    return left === undefined || right === undefined ? [] : [[left, right] as const];
  });
}

function endsOf(text: string, addresses: Addresses): readonly End[] {
  const [name = "", picked] = text.split("@");
  const own = addresses[name];
  if (own === undefined) throw new Error(`nobody is called ${name}`);
  if (picked !== undefined && !own.includes(picked)) throw new Error(`${name} has no address ${picked}`);
  return own.filter((address) => picked === undefined || address === picked).map((address) => ({ name, address }));
}

function readFlow(word: string): Flow {
  const [, protocol, digits] = /^(?:(tcp|udp)\/)?([0-9]+)$/.exec(word) ?? [];
  if (digits !== undefined) return { protocol: protocol === "udp" ? "udp" : "tcp", port: Number(digits) };
  if (word === "ping") return { protocol: "icmp" };
  if (word === "vrrp" || word === "other") return { protocol: word };
  throw new Error(`what is ${word}?`);
}
