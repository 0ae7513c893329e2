/** What the fake reads out of a haproxy.cfg. */
export interface ConfiguredServer {
  readonly ref: string;
  readonly backend: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly marked: boolean;
  readonly rise: number;
  readonly fall: number;
}

function numberAfter(word: string, text: string, fallback: number): number {
  return Number(new RegExp(` ${word} (\\d+)`).exec(text)?.[1] ?? fallback);
}

/** The servers of all backends. */
export function parseConfig(text: string): readonly ConfiguredServer[] {
  const servers: ConfiguredServer[] = [];
  let backend: string | null = null;
  for (const line of text.split("\n")) {
    const section = /^([a-z]+)(?: (\S+))?/.exec(line);
    if (section !== null) backend = section[1] === "backend" ? (section[2] ?? null) : null;
    const server = /^ +server (\S+) (?:\[([0-9a-f:]+)\]|([0-9.]+)):(\d+)(.*)$/.exec(line);
    if (backend === null || server === null) continue;
    const [, name = "", v6, v4 = "", port, rest = ""] = server;
    const marked = rest.split(" ").includes("disabled");
    servers.push({
      ref: `${backend}/${name}`,
      backend,
      name,
      address: v6 ?? v4,
      port: Number(port),
      marked,
      rise: numberAfter("rise", rest, 2),
      fall: numberAfter("fall", rest, 3),
    });
  }
  return servers;
}

/** Rows of a state file by "backend/server". */
export function rowsByServer(
  state: string,
): ReadonlyMap<string, { readonly admin: number; readonly up: boolean; readonly at: string; readonly row: string }> {
  const rows = state.split("\n").filter((line) => line.split(" ").length > 18 && !line.startsWith("#"));
  return new Map(
    rows.map((row) => {
      const cells = row.split(" ");
      const at = `${cells[4] ?? ""} ${cells[18] ?? ""}`;
      return [`${cells[1] ?? ""}/${cells[3] ?? ""}`, { admin: Number(cells[6]), up: cells[5] !== "0", at, row }];
    }),
  );
}

/** The state file for a config: a row for every marked server, and those given besides. */
export function stateFor(config: string, more: readonly string[] = []): string {
  const rows = parseConfig(config)
    .filter((server) => server.marked)
    .map(
      ({ backend, name, address, port }) =>
        `0 ${backend} 0 ${name} ${address} 2 12 1 1 0 1 0 0 6 0 0 0 - ${port} - 0 0 - - 0`,
    );
  return ["1", ...rows, ...more, ""].join("\n");
}
