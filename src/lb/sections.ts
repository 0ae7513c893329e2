import type { ServerRef } from "../model/lb.ts";

/** One server's line of a backend. */
export interface ServerLine {
  readonly ref: ServerRef;
  /** What follows the name, without the mark, single-spaced. */
  readonly line: string;
  readonly disabled: boolean;
}

/** A section of haproxy.cfg. */
export interface Section {
  /** Its first line, e.g. `backend shop`. */
  readonly title: string;
  /** Of a backend only; elsewhere servers are part of `rest`. */
  readonly servers: readonly ServerLine[];
  /** All else that HAProxy reads: no comments, no empty lines, indentation evened out. */
  readonly rest: string;
}

const SERVER = /^server[ \t]+(\S+)[ \t]+(.*)$/;
const MARK = /[ \t]+disabled$/;

function serverLine(backend: string, line: string): ServerLine | null {
  const [, server, rest] = SERVER.exec(line) ?? [];
  if (server === undefined || rest === undefined) return null;
  return {
    ref: { backend, server },
    line: rest.replace(MARK, "").replaceAll(/[ \t]+/g, " "),
    disabled: MARK.test(rest),
  };
}

function section(title: string, body: readonly string[]): Section {
  const backend = /^backend (\S+)/.exec(title)?.[1] ?? null;
  const servers: ServerLine[] = [];
  const rest: string[] = [];
  for (const line of body) {
    const server = backend === null ? null : serverLine(backend, line);
    if (server === null) rest.push(line);
    else servers.push(server);
  }
  return { title, servers, rest: rest.join("\n") };
}

/** The sections of a haproxy.cfg in order; they start in column one. */
export function parseSections(text: string): readonly Section[] {
  const sections: Section[] = [];
  let title = "";
  let body: string[] = [];
  for (const line of text.split("\n")) {
    const plain = line.trim();
    if (plain === "" || plain.startsWith("#")) continue;
    if (/^\s/.test(line)) {
      body.push(plain);
      continue;
    }
    if (title !== "" || body.length > 0) sections.push(section(title, body));
    title = plain.replaceAll(/[ \t]+/g, " ");
    body = [];
  }
  if (title !== "" || body.length > 0) sections.push(section(title, body));
  return sections;
}

/** Whether a server may be added to a backend while HAProxy runs, and is then what its line says. */
export function isDynamic({ rest }: Section): boolean {
  const balance = /^balance (\S+)/m.exec(rest)?.[1] ?? "roundrobin";
  return ["roundrobin", "leastconn", "random"].includes(balance) && !/^default-server /m.test(rest);
}
