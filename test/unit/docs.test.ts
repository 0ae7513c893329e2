// The documentation says what is so: its files are valid, its commands exist, its tables are the code's.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { runCommandLine } from "../../src/commands/command-line.ts";
import { formatDiagnostic } from "../../src/inventory/diagnostics.ts";
import { jsonSchemas } from "../../src/inventory/json-schema.ts";
import { loadFleet } from "../../src/inventory/load.ts";
import type { ErrorCode } from "../../src/model/errors.ts";
import { failure, isUnreachable } from "../../src/model/errors.ts";
import type { Files } from "../../src/model/ports.ts";
import type { Page } from "../support/pages.ts";
import { anchors, blocks, codes, localLinks, page, pages, prose, tableAfter } from "../support/pages.ts";

const root = join(import.meta.dirname, "../..");
const all = pages();

describe("fleet files", () => {
  // A yaml block begins with `# PATH` (a whole file) or `# part of PATH` (some top-level keys of one).
  const shown = all.flatMap((from) => blocks(from, "yaml").map((text) => ({ from, ...readBlock(from, text) })));
  const filesOf = (from: Page): Record<string, string> =>
    Object.fromEntries(
      shown.filter((block) => block.from === from && !block.isPart).map(({ path, text }) => [path, text]),
    );
  const base = filesOf(all.find(({ path }) => path === "docs/fleet-files.md") ?? page("docs/fleet-files.md"));

  test("are shown in README and in docs/fleet-files.md as whole fleets", () => {
    expect(Object.keys(filesOf(all[0] ?? page("README.md")))).toEqual([
      "drover.yaml",
      "inventory.yaml",
      "apps/hello.yaml",
    ]);
    expect(Object.keys(base)).toEqual(["drover.yaml", "inventory.yaml", "apps/shop.yaml", "apps/ticker.yaml"]);
  });

  test("are shown once on a page", () => {
    const names = shown.map(({ from, isPart, path }) => `${from.path} ${isPart ? "part of " : ""}${path}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test.for([...new Set(shown.map(({ from }) => from))])("on $path are valid", async (from) => {
    const own = filesOf(from);
    const fleet = "drover.yaml" in own ? { ...own } : { ...base, ...own };
    for (const { path, text } of shown.filter((block) => block.from === from && block.isPart)) {
      fleet[path] = stringify({ ...parse(base[path] ?? ""), ...parse(text) });
    }
    const limits = { deadline: 1000, signal: new AbortController().signal };
    const loaded = await loadFleet(memory(fleet), { limits, folder: "/fleet" });
    expect(loaded.kind === "ok" ? [] : loaded.diagnostics.map(formatDiagnostic)).toEqual([]);
  });
});

function readBlock(
  from: Page,
  text: string,
): { readonly path: string; readonly isPart: boolean; readonly text: string } {
  const [, part, path] = /^# (part of )?([\w/.-]+\.yaml)\n/.exec(text) ?? [];
  if (path === undefined) throw new Error(`${from.path}: a yaml block does not say which file it is:\n${text}`);
  return { path, isPart: part !== undefined, text };
}

/** The part of the Files port that loading a fleet needs. */
function memory(files: Readonly<Record<string, string>>): Files {
  const unused = (): never => {
    throw new Error("loading these files reads and lists, and nothing else");
  };
  return {
    read: async (path) => (files[path] === undefined ? null : new TextEncoder().encode(files[path])),
    list: async (path) => {
      const folder = path.replace(/\/*$/, "/");
      const names = Object.keys(files).filter((file) => file.startsWith(folder));
      return names.length === 0 ? null : names.map((file) => file.slice(folder.length)).toSorted();
    },
    run: unused,
    digest: unused,
    stream: unused,
    write: unused,
    fetch: unused,
  };
}

/** One command as the listing of --help tells it. */
interface Verb {
  readonly name: string;
  /** How few and how many words it takes. */
  readonly least: number;
  readonly most: number;
}

describe("commands", () => {
  let verbs: readonly Verb[] = [];
  let common: readonly string[] = [];
  let exitCodes: readonly (readonly string[])[] = [];

  beforeAll(async () => {
    const [top, validate, ...groups] = await Promise.all([
      help(),
      help("validate"),
      ...GROUPS.map((name) => help(name)),
    ]);
    verbs = [
      ...listedVerbs(top).filter(({ name }) => !GROUPS.includes(name)),
      ...GROUPS.flatMap((name, at) => listedVerbs(groups[at] ?? "", `${name} `)),
    ];
    common = flagsOf(validate);
    exitCodes = [...top.matchAll(/^ {2}(\d+) {2,}(.*)$/gm)].map(([, code = "", text = ""]) => [code, text]);
  });

  test("are all in README's table, and no others", () => {
    const listed = tableAfter(page("README.md"), "## Commands").map(([cell = ""]) =>
      verbOf(words(codes(cell)[0] ?? "")),
    );
    expect(listed.toSorted()).toEqual(verbs.map(({ name }) => name).toSorted());
  });

  test("are typed as they can be typed", async () => {
    const typed = all.flatMap((from) => commandsOn(from).map((line) => ({ from: from.path, line })));
    expect(typed.length).toBeGreaterThan(40);
    const own = new Map<string, readonly string[]>();
    for (const name of new Set(
      typed.filter(({ line }) => strangeFlags(line).length > 0).map(({ line }) => verbOf(words(line))),
    )) {
      // oxlint-disable-next-line no-await-in-loop -- one or two
      own.set(name, verbs.some((verb) => verb.name === name) ? flagsOf(await help(...name.split(" "))) : []);
    }
    const wrong = typed.flatMap(({ from, line }) =>
      problemsOf(line, own).map((problem) => `${from}: ${line}: ${problem}`),
    );
    expect(wrong).toEqual([]);
  });

  test("have the exit codes of README's table", () => {
    const told = tableAfter(page("README.md"), "## Exit codes").map((row) =>
      row.map((cell) => cell.replaceAll("`", "")),
    );
    expect(told).toEqual(exitCodes);
  });

  function strangeFlags(line: string): readonly string[] {
    return words(line).filter((word) => word.startsWith("-") && !common.includes(word));
  }

  function problemsOf(line: string, own: ReadonlyMap<string, readonly string[]>): readonly string[] {
    const typed = words(line);
    if (typed[1] === "help" || typed[1] === "COMMAND") return [];
    const name = verbOf(typed);
    const verb = verbs.find((each) => each.name === name);
    if (verb === undefined) return ["there is no such command"];
    const unknown = strangeFlags(line).filter((flag) => own.get(name)?.includes(flag) !== true);
    const rest = typed.slice(1 + name.split(" ").length);
    const operands = rest.filter(
      (word, at) => !word.startsWith("-") && !TAKES_VALUE.includes(rest[at - 1] ?? ""),
    ).length;
    const count = operands < verb.least || operands > verb.most ? [`takes ${verb.least} to ${verb.most} words`] : [];
    return [...unknown.map((flag) => `unknown option ${flag}`), ...count];
  }
});

function verbOf([, first = "", second = ""]: readonly string[]): string {
  return GROUPS.includes(first) ? `${first} ${second}` : first;
}

/** Commands that are only the first word of others. */
const GROUPS: readonly string[] = ["rollout", "lb", "firewall", "dns"];

const TAKES_VALUE: readonly string[] = [
  "-C",
  "--directory",
  "--output",
  "--forks",
  "--timeout",
  "--release",
  "--file",
  "--from",
  "--forget",
  "-m",
  "--reason",
];

async function help(...verb: readonly string[]): Promise<string> {
  let text = "";
  const print = { out: (more: string) => (text += more), error: (): void => undefined };
  const shown = runCommandLine([...verb, "--help"], () => Promise.resolve(), print);
  await expect(shown).rejects.toMatchObject({ code: "commander.helpDisplayed" });
  return text;
}

/** The commands a --help lists; brackets mark words that may be left out. */
function listedVerbs(text: string, prefix = ""): readonly Verb[] {
  const section = /^Commands:\n((?: {2}.*\n)+)/m.exec(text)?.[1] ?? "";
  return [...section.matchAll(/^ {2}([a-z]+)((?: [[<]\w+[\]>])*)/gm)]
    .filter(([, name]) => name !== "help")
    .map(([, name = "", operands = ""]) => {
      const needed = operands.match(/<\w+>/g)?.length ?? 0;
      const optional = operands.match(/\[(?!options)\w+\]/g)?.length ?? 0;
      return { name: prefix + name, least: needed, most: needed + optional };
    });
}

function flagsOf(text: string): readonly string[] {
  return [...text.matchAll(/^ {2}(?:(-\w), )?(--[\w-]+)/gm)].flatMap(([, short, long = ""]) =>
    short === undefined ? [long] : [short, long],
  );
}

/** Lines of shell blocks and pieces of inline code that call drover. */
function commandsOn(from: Page): readonly string[] {
  const lines = blocks(from, "sh").flatMap((text) => text.split("\n"));
  const called = lines.map((line) => /^(?:\S*bin\/|.*\blab\/lab run -- )?(drover .*)$/.exec(line)?.[1] ?? "");
  const inline = codes(prose(from)).filter((code) => code.startsWith("drover "));
  // Options before the command count as if they stood after it.
  return [...called.filter((line) => line !== ""), ...inline].map((line) =>
    line.replace(/\s+#.*$/, "").replace(/^drover ((?:-C \S+ )+)(.*)$/, "drover $2 $1"),
  );
}

/** A command line's words; brackets, which mark what may be left out, are taken away. */
function words(line: string): readonly string[] {
  const plain = line.replaceAll(/\[([^\]]*)\]/g, "$1");
  return (plain.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly default?: unknown;
}

describe("tables of keys hold what the schema holds", () => {
  const { drover, inventory, app } = jsonSchemas();
  const isRollout = ([path]: readonly string[]): boolean => path?.startsWith("rollout.") === true;
  const ofApp = keysOf(app);
  const files = page("docs/fleet-files.md");

  test.for([
    ["drover.yaml", files, keysOf(drover)],
    ["inventory.yaml", files, keysOf(inventory)],
    ["apps/NAME.yaml", files, ofApp.filter((row) => !isRollout(row))],
    [
      "rollout",
      page("docs/rollouts.md"),
      ofApp.filter(isRollout).map(([path = "", value = ""]) => [path.slice(8), value]),
    ],
  ] as const)("of %s", ([name, from, expected]) => {
    const rows = tableAfter(from, `<!-- keys of ${name} -->`).map(([key = "", value = ""]) => [codes(key)[0], value]);
    expect(rows).toEqual(expected);
  });
});

/** Every key of a schema with what its table's second column has to say, in the schema's order. */
function keysOf(schema: Schema, prefix = ""): readonly (readonly string[])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const path = `${prefix}${name}`;
    const each =
      typeof inner.additionalProperties === "object" ? keysOf(inner.additionalProperties, `${path}.NAME.`) : [];
    const items = inner.items === undefined ? [] : keysOf(inner.items, `${path}[].`);
    return [
      [path, worth(inner, schema.required?.includes(name) === true)],
      ...keysOf(inner, `${path}.`),
      ...each,
      ...items,
    ];
  });
}

function worth({ default: value }: Schema, isRequired: boolean): string {
  if (value !== undefined) return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
  return isRequired ? "required" : "—";
}

describe("docs/errors.md", () => {
  const documented = page("docs/errors.md").text.matchAll(/^\| `([a-z-]+)` \|/gm);
  const source = readFileSync(join(root, "src/model/errors.ts"), "utf8");
  const union = /export type ErrorCode =(.*?);/s.exec(source)?.[1] ?? "";
  const known = [...union.matchAll(/"([a-z-]+)"/g)].map(([, code = ""]) => code as ErrorCode);

  test("has every code, each once", () => {
    expect(known.length).toBeGreaterThan(20);
    expect([...documented].map(([, code = ""]) => code).toSorted()).toEqual(known.toSorted());
  });

  test("says which codes make a host unreachable", () => {
    const told = tableAfter(page("docs/errors.md"), "## The way to a host").map(([code = ""]) => codes(code)[0] ?? "");
    expect(told.toSorted()).toEqual(known.filter((code) => isUnreachable(failure(code, ""))).toSorted());
  });
});

describe("pages", () => {
  test.for(all)("links on $path lead somewhere", (from) => {
    const broken = localLinks(from).filter((target) => {
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? from.path : normalize(join(dirname(from.path), file));
      if (!existsSync(join(root, path))) return true;
      return anchor !== undefined && !anchors(page(path)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("are all reached from README", () => {
    const reached = new Set(["README.md"]);
    for (const path of reached) {
      if (!path.endsWith(".md")) continue;
      for (const target of localLinks(page(path))) {
        reached.add(normalize(join(dirname(path), target.split("#")[0] ?? "")));
      }
    }
    expect(all.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });

  test("of the glossary are in alphabetical order", () => {
    const terms = tableAfter(page("docs/glossary.md"), "# Glossary").map(([term = ""]) => term.toLowerCase());
    expect(terms).toEqual(terms.toSorted());
  });
});
