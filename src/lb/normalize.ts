import type { ServerAddress, ServerRef } from "../model/lb.ts";

/** `backend/server`, the way HAProxy's socket and drover's sets name a server. */
export function refName(ref: ServerRef): string {
  return `${ref.backend}/${ref.server}`;
}

const SECTION = /^(\S+)(?:[ \t]+(\S+))?/;
const SERVER = /^[ \t]+server[ \t]+(\S+)[ \t]/;
const MARK = /[ \t]+disabled[ \t]*$/;

/** Walks a haproxy.cfg and gives every line that defines a server of a backend; sections start in column one. */
function* serverLines(lines: readonly string[]): Generator<{ readonly at: number; readonly ref: ServerRef }> {
  let backend: string | null = null;
  for (const [at, line] of lines.entries()) {
    const section = SECTION.exec(line);
    if (section !== null && !line.startsWith("#")) backend = section[1] === "backend" ? (section[2] ?? null) : null;
    const server = SERVER.exec(line)?.[1];
    if (backend !== null && server !== undefined) yield { at, ref: { backend, server } };
  }
}

/** The text without its `disabled` marks, and the servers that had one: what is compared, and what is not. */
export function normalizeHaproxy(text: string): { readonly text: string; readonly disabled: ReadonlySet<string> } {
  const lines = text.split("\n");
  const disabled = new Set<string>();
  for (const { at, ref } of serverLines(lines)) {
    const line = lines[at] ?? "";
    if (MARK.test(line)) disabled.add(refName(ref));
    lines[at] = line.replace(MARK, "");
  }
  return { text: lines.join("\n"), disabled };
}

/** Puts a server's `disabled` mark into the text or takes it out; the pure twin of the edit that `lb.mark` does on a host. */
export function setDisabled(text: string, ref: ServerRef, disabled: boolean): string {
  const lines = text.split("\n");
  for (const line of serverLines(lines)) {
    if (refName(line.ref) !== refName(ref)) continue;
    lines[line.at] = `${(lines[line.at] ?? "").replace(MARK, "")}${disabled ? " disabled" : ""}`;
  }
  return lines.join("\n");
}

/** `address:port` as a server's line has it; IPv6 in brackets (configuration.txt §11.3). */
export function addressText({ address, port }: ServerAddress): string {
  return `${address.includes(":") ? `[${address}]` : address}:${String(port)}`;
}

/** Gives a server another address in the text; the pure twin of the edit that `lb.move` does on a host. */
export function setAddress(text: string, ref: ServerRef, to: ServerAddress): string {
  const lines = text.split("\n");
  for (const line of serverLines(lines)) {
    if (refName(line.ref) !== refName(ref)) continue;
    lines[line.at] = (lines[line.at] ?? "").replace(/^([ \t]+server[ \t]+\S+[ \t]+)\S+/, `$1${addressText(to)}`);
  }
  return lines.join("\n");
}
