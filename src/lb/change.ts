import { sha256 } from "../model/hash.ts";
import type { LbChange, LbFile, RuntimeEdit } from "../model/lb.ts";
import { fileId } from "./bundle.ts";
import { CERTS, CRT_LIST, MAPS } from "./paths.ts";
import type { LbRender } from "./render.ts";
import { isDynamic, parseSections, type Section, type ServerLine } from "./sections.ts";

/** The files a balancer has now. */
export interface Applied {
  /** haproxy.cfg's text. */
  readonly config: string;
  /** The others by path: see {@link hashesOf}. */
  readonly files: Readonly<Record<string, string>>;
}

/** The least that is needed for a part of the files: edits, or why only a reload will do. */
interface Finding {
  readonly edits: readonly RuntimeEdit[];
  readonly why: readonly string[];
  readonly reload: readonly string[];
}

const NOTHING: Finding = { edits: [], why: [], reload: [] };

function reload(why: string): Finding {
  return { ...NOTHING, reload: [why] };
}

function join(findings: readonly Finding[]): Finding {
  return {
    edits: findings.flatMap(({ edits }) => edits),
    why: findings.flatMap(({ why }) => why),
    reload: findings.flatMap((finding) => finding.reload),
  };
}

/** Path by path what a render's files are: the sha256 of a text, the fingerprint of a certificate. */
export function hashesOf(render: LbRender): Readonly<Record<string, string>> {
  return Object.fromEntries(render.files.map((file) => [file.path, fileId(file)]));
}

/**
 * The least that makes a HAProxy that runs `before` run `after`. Marks (`disabled`) are no difference: `lb.mark` and the
 * state file carry them. Never `restart`: whether HAProxy runs is not in its files.
 */
export function changeOf(before: Applied | null, after: LbRender): LbChange {
  if (before === null) return { kind: "reload", why: ["haproxy.cfg is missing"] };
  const {
    edits,
    why,
    reload: reasons,
  } = join([
    ...configFindings(parseSections(before.config), parseSections(after.config)),
    ...mapFindings(before.files, after.files),
    certificateFinding(before.files, after.files),
  ]);
  if (reasons.length > 0) return { kind: "reload", why: [...new Set(reasons)] };
  return edits.length > 0 ? { kind: "runtime", why, edits } : ofFilesAlone(before, after);
}

/** Nothing to tell HAProxy, but somebody took files away or laid some there. */
function ofFilesAlone(before: Applied, after: LbRender): LbChange {
  const names = new Set(after.files.map(({ path }) => path));
  const missing = [...names].filter((path) => before.files[path] === undefined);
  if (missing.length > 0) return { kind: "reload", why: missing.map((path) => `${path} is missing`) };
  const left = Object.keys(before.files).filter((path) => !names.has(path));
  return { kind: "runtime", why: left.map((path) => `${path} is left over`), edits: [] };
}

function configFindings(before: readonly Section[], after: readonly Section[]): readonly Finding[] {
  const old = new Map(before.map((section) => [section.title, section]));
  const names = new Set(after.map(({ title }) => title));
  const gone = before.filter(({ title }) => !names.has(title)).map(({ title }) => reload(`${title} is gone`));
  const kept = after.map((section) => {
    const was = old.get(section.title);
    if (was === undefined) return reload(`${section.title} is new`);
    return was.rest === section.rest ? serverFindings(was, section) : reload(`${section.title} changed`);
  });
  // A section may be named twice in a file of somebody else's; HAProxy minds the order of `defaults`.
  const isSame = before.map(({ title }) => title).join("\n") === after.map(({ title }) => title).join("\n");
  const moved = gone.length === 0 && before.length === after.length && !isSame ? [reload("sections moved")] : [];
  return [...gone, ...kept, ...moved];
}

function serverFindings(before: Section, after: Section): Finding {
  const old = new Map(before.servers.map((server) => [server.ref.server, server]));
  const names = new Set(after.servers.map(({ ref }) => ref.server));
  const removed = before.servers.filter(({ ref }) => !names.has(ref.server)).map(removal);
  const others = after.servers.map((server) => {
    const was = old.get(server.ref.server);
    if (was === undefined) return addition(server, after);
    return was.line === server.line ? NOTHING : replacement(was, server, after);
  });
  // What is new comes before anything leaves.
  return join([...others, ...removed]);
}

function title({ ref }: ServerLine): string {
  return `server ${ref.backend}/${ref.server}`;
}

function removal(server: ServerLine): Finding {
  return { edits: [{ kind: "server-remove", server: server.ref }], why: [`${title(server)} leaves`], reload: [] };
}

function addition(server: ServerLine, section: Section): Finding {
  // `add server` knows no default-server and only balances that can be told of a new server (management.txt §9.3).
  if (!isDynamic(section)) return reload(`${title(server)} is new`);
  return {
    edits: [{ kind: "server-add", server: server.ref, line: server.line }],
    why: [`${title(server)} is new`],
    reload: [],
  };
}

/** A server that takes no traffic may go and come again elsewhere; one that serves would be missing until its checks pass. */
function replacement(was: ServerLine, server: ServerLine, section: Section): Finding {
  if (!server.disabled || !isDynamic(section)) return reload(`${title(server)} changed`);
  const edits = [...removal(was).edits, ...addition(server, section).edits];
  return { edits, why: [`${title(server)} changed`], reload: [] };
}

function mapFindings(before: Readonly<Record<string, string>>, after: readonly LbFile[]): readonly Finding[] {
  return after.flatMap((file) => {
    if (file.kind !== "text" || !file.path.startsWith(`${MAPS}/`)) return [];
    const was = before[file.path];
    // A map that comes or goes has a frontend that names it, and that is told there.
    if (was === undefined || was === fileId(file)) return [];
    const name = file.path.slice(MAPS.length + 1);
    const why = [`the entries of ${name} changed`];
    return [{ edits: [{ kind: "map", path: file.path }], why, reload: [] }];
  });
}

function certificateName(path: string): string {
  return path.slice(CERTS.length + 1).replace(/\.pem$/, "");
}

/** The line of a certificate in the list; null where it is not named exactly once. */
function listLine(list: string, path: string): string | null {
  const lines = list.split("\n").filter((line) => line === path || line.startsWith(`${path} `));
  return lines.length === 1 ? (lines[0] ?? null) : null;
}

function certificateFinding(before: Readonly<Record<string, string>>, after: readonly LbFile[]): Finding {
  const certificates = after.filter((file) => file.kind === "certificate");
  const list = after.find((file) => file.kind === "text" && file.path === CRT_LIST);
  const text = list?.kind === "text" ? list.text : "";
  const renewed = certificates.filter((file) => (before[file.path] ?? file.fingerprint) !== file.fingerprint);
  const added = certificates.filter((file) => before[file.path] === undefined);
  const paths = new Set(certificates.map(({ path }) => path));
  const removed = Object.keys(before).filter((path) => path.startsWith(`${CERTS}/`) && !paths.has(path));
  const renewals: Finding = {
    edits: renewed.map(({ path }) => ({ kind: "certificate-renew", path })),
    why: renewed.map(({ path }) => `the certificate ${certificateName(path)} is another`),
    reload: [],
  };
  const was = before[CRT_LIST];
  // The first list and the last are a frontend that comes or goes, and that is told there.
  if (was === undefined || list === undefined || was === fileId(list)) return renewals;
  return join([renewals, listFinding({ was, text, added: added.map(({ path }) => path), removed })]);
}

interface ListChange {
  readonly was: string;
  readonly text: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Only whole lines that come or go, and not the first: it is what a client gets that names no host. */
function listFinding({ was, text, added, removed }: ListChange): Finding {
  const additions = added.flatMap((path) => {
    const line = listLine(text, path);
    return line === null ? [] : [{ path, line }];
  });
  const isPlain = additions.length === added.length && added.length + removed.length > 0;
  const isFirst = additions.some(({ line }) => text.startsWith(`${line}\n`));
  const rest = text
    .split("\n")
    .filter((line) => !additions.some((addition) => addition.line === line))
    .join("\n");
  // What a removed line said is not known here: the host compares both lists before it trusts this.
  const isWhole = removed.length > 0 || sha256(rest) === was;
  if (!isPlain || isFirst || !isWhole) return reload("the list of certificates changed");
  return {
    edits: [
      ...additions.map(({ path, line }) => ({ kind: "certificate-add" as const, path, list: CRT_LIST, line })),
      ...removed.map((path) => ({ kind: "certificate-remove" as const, path, list: CRT_LIST })),
    ],
    why: [
      ...added.map((path) => `the certificate ${certificateName(path)} is new`),
      ...removed.map((path) => `the certificate ${certificateName(path)} leaves`),
    ],
    reload: [],
  };
}
