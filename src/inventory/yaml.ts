import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { Alias, Document, Pair, ParsedNode, Scalar } from "yaml";
import type { Diagnostic, Place } from "../model/fleet.ts";
import { describe, printable, quote } from "./describe.ts";
import { UNPRINTABLE } from "./names.ts";
import { formatPath, spotKey } from "./places.ts";
import type { Path, Spot, Spots } from "./places.ts";

/** One YAML file as plain data, with the place of everything in it. */
export interface YamlFile {
  readonly file: string;
  /** Maps, lists, strings, numbers, booleans and null; undefined when the text is no YAML or the file is empty. */
  readonly value: unknown;
  readonly spots: Spots;
  /** Paths whose values were refused while reading: nothing more needs to be said about them. */
  readonly refused: readonly Path[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Enough for files written by hand; a file that expands to more is a mistake or an attack. */
const MOST_ALIASES = 100;
const MOST_NODES = 100_000;
const DEEPEST = 24;
/** The kernel takes no longer word or variable than 128 KiB (execve(2)). */
const LONGEST_TEXT = 30_000;

interface Reader {
  readonly file: string;
  readonly text: string;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly spots: Map<string, Spot>;
  readonly refused: Path[];
  readonly diagnostics: Diagnostic[];
  /** Maps and lists that are being read, against an alias inside its own anchor. */
  readonly open: Set<unknown>;
  aliases: number;
  nodes: number;
}

/**
 * Reads one YAML 1.2 document of the core schema. Every warning of the parser is an error (DESIGN §2), as are tags,
 * second documents, duplicate and non-string keys, and unprintable characters. Never throws.
 */
export function readYaml(file: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    resolveKnownTags: false,
    merge: false,
    schema: "core",
  });
  const reader: Reader = {
    file,
    text,
    document,
    lines,
    spots: new Map(),
    refused: [],
    diagnostics: [],
    open: new Set(),
    aliases: 0,
    nodes: 0,
  };
  reportParser(reader);
  const broken = document.errors.length > 0 || document.contents === null;
  if (document.contents === null && document.errors.length === 0)
    reader.diagnostics.push({ file, line: 1, column: 1, path: "", message: "expected a map, got an empty file" });
  const value = broken ? undefined : read(reader, document.contents, []);
  return { file, value, spots: reader.spots, refused: reader.refused, diagnostics: reader.diagnostics };
}

/** What the parser itself found. Tags are told by {@link read}, which knows the path. */
function reportParser(reader: Reader): void {
  const { document, diagnostics } = reader;
  const first = document.errors[0];
  // One slip often gives a row of follow-on errors; the first says where it is.
  if (first !== undefined)
    diagnostics.push({ ...placeAt(reader, first.pos[0]), path: "", message: syntaxMessage(first.code, first.message) });
  for (const warning of document.warnings) {
    if (warning.code === "TAG_RESOLVE_FAILED") continue;
    diagnostics.push({ ...placeAt(reader, warning.pos[0]), path: "", message: lowerFirst(warning.message) });
  }
  const { explicit, version } = document.directives.yaml;
  if (explicit === true && version !== "1.2")
    diagnostics.push({
      ...placeAt(reader, 0),
      path: "",
      message: `expected YAML 1.2, got the directive %YAML ${version}`,
    });
}

function syntaxMessage(code: string, message: string): string {
  if (code === "MULTIPLE_DOCS") return "expected one document, got a second one";
  if (code === "BAD_SCALAR_START") return `this is not YAML: ${lowerFirst(message)} (write it with quotes)`;
  return `this is not YAML: ${lowerFirst(message)}`;
}

function lowerFirst(text: string): string {
  const line = text.split("\n")[0] ?? "";
  return printable(line.charAt(0).toLowerCase() + line.slice(1));
}

function placeAt({ file, lines }: Reader, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
}

function refuse(reader: Reader, place: Place, path: Path, message: string): void {
  reader.refused.push(path);
  reader.diagnostics.push({ ...place, path: formatPath(path), message });
}

/** A node as plain data, its spot noted under `path`. */
function read(reader: Reader, node: ParsedNode | null, path: Path, key: Place | null = null): unknown {
  if (node === null) return null;
  const start = placeAt(reader, node.range[0]);
  reader.nodes += 1;
  if (reader.nodes > MOST_NODES || path.length > DEEPEST) {
    if (reader.nodes <= MOST_NODES + 1)
      refuse(reader, start, path, `expected at most ${DEEPEST} levels and ${MOST_NODES} values`);
    return null;
  }
  if (isAlias(node)) return readAlias(reader, node, path, key);
  if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:")) {
    noteSpot(reader, path, { value: start, key, source: null, verbatim: null });
    refuse(reader, placeOfTag(reader, node, start), path, tagMessage(node.tag));
    return null;
  }
  if (isScalar(node)) return readScalar(reader, node, path, key);
  noteSpot(reader, path, { value: start, key, source: null, verbatim: null });
  reader.open.add(node);
  const value = isSeq(node)
    ? node.items.map((item, index) => read(reader, item, [...path, index]))
    : isMap(node)
      ? readMap(reader, node.items, path)
      : null;
  reader.open.delete(node);
  return value;
}

function noteSpot(reader: Reader, path: Path, spot: Spot): void {
  reader.spots.set(spotKey(path), spot);
}

function tagMessage(tag: string): string {
  return `expected a value without a YAML tag, got the tag ${quote(tag)} (write ${quote(tag)} with quotes if it is text)`;
}

function placeOfTag(reader: Reader, node: ParsedNode, otherwise: Place): Place {
  const warning = reader.document.warnings.findLast(({ pos }) => pos[0] <= node.range[0]);
  return warning === undefined ? otherwise : placeAt(reader, warning.pos[0]);
}

function readAlias(reader: Reader, alias: Alias.Parsed, path: Path, key: Place | null): unknown {
  const start = placeAt(reader, alias.range[0]);
  noteSpot(reader, path, { value: start, key, source: null, verbatim: null });
  reader.aliases += 1;
  const target = alias.resolve(reader.document);
  const expected = expectedOfAlias(reader, alias, target);
  if (expected !== null) {
    refuse(reader, start, path, `expected ${expected}, got ${quote(`*${alias.source}`)}`);
    return null;
  }
  // Parsed documents hold parsed nodes only; the type of resolve() does not say so.
  return read(reader, target as ParsedNode, path, key);
}

function expectedOfAlias(reader: Reader, alias: Alias.Parsed, target: unknown): string | null {
  if (reader.aliases > MOST_ALIASES) return `at most ${MOST_ALIASES} aliases`;
  if (target === undefined) return `an anchor &${printable(alias.source)} before it`;
  return reader.open.has(target) ? "no alias inside its own anchor" : null;
}

function readScalar(reader: Reader, node: Scalar.Parsed, path: Path, key: Place | null): unknown {
  const value = placeAt(reader, node.range[0]);
  const { source } = node;
  const lead = node.type === "PLAIN" ? 0 : 1;
  const written = reader.text.slice(node.range[0] + lead, node.range[0] + lead + source.length);
  noteSpot(reader, path, { value, key, source, verbatim: written === source ? lead : null });
  if (typeof node.value === "string" && UNPRINTABLE.test(node.value))
    refuse(reader, value, path, `expected text on one line without control characters, got ${quote(node.value)}`);
  else if (source.length > LONGEST_TEXT)
    refuse(reader, value, path, `expected at most ${LONGEST_TEXT} characters, got ${source.length}`);
  return node.value;
}

function readMap(reader: Reader, pairs: readonly Pair<ParsedNode, ParsedNode | null>[], path: Path): unknown {
  const map: Record<string, unknown> = {};
  const seen = new Map<string, Place>();
  for (const pair of pairs) {
    const start = placeAt(reader, pair.key.range[0]);
    const name = keyText(reader, pair.key, path, start);
    if (name === null) continue;
    const first = seen.get(name);
    if (first !== undefined) {
      refuse(
        reader,
        start,
        [...path, name],
        `expected each key once, got ${quote(name)} again (first on line ${first.line})`,
      );
      continue;
    }
    seen.set(name, start);
    map[name] = read(reader, pair.value, [...path, name], start);
  }
  return map;
}

/** A key, which has to be a printable string that is no property of every object; null when it is refused. */
function keyText(reader: Reader, key: ParsedNode, path: Path, start: Place): string | null {
  const value: unknown = isScalar(key) ? key.value : undefined;
  const source = isScalar(key) && typeof key.source === "string" ? key.source : "";
  const refused = (got: string): null => {
    refuse(reader, start, [...path, source], `expected ${got}`);
    return null;
  };
  if (typeof value !== "string") {
    if (source === "") return refused(`a string as key, got ${isScalar(key) ? "nothing" : "another kind of value"}`);
    return refused(`a string as key, got ${describe(value, source)} (write ${quote(source)} with quotes)`);
  }
  if (UNPRINTABLE.test(value)) return refused(`a key without control characters, got ${quote(value)}`);
  return value === "__proto__" ? refused(`another key, got ${quote(value)}`) : value;
}
