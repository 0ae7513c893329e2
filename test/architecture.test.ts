import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { parseSync } from "oxc-parser";
import { describe, expect, test } from "vitest";
import { codes, page, tableAfter } from "./support/pages.ts";

// docs/architecture.md's table "folders and who may import whom", as data. A checker that can pass on
// nothing is no checker: the last tests plant a violation of every rule and expect to see it found.

interface Rule {
  /** Other folders of src/ it may import. */
  readonly folders: readonly string[];
  /** Packages it may import. */
  readonly packages: readonly string[];
  /** Node's own modules it may import; 'any' still excludes BANNED. */
  readonly node: readonly string[] | "any";
}

const DOMAINS = ["lb", "vip", "firewall", "discovery", "named", "resolver", "release"] as const;
const PURE_CORE = ["model", "plan"] as const;
const ADAPTERS = ["ssh", "net", "store"] as const;
const COMMANDER = ["commander", "@commander-js/extra-typings"] as const;
const WITHOUT_ADAPTERS = ["model", "inventory", ...DOMAINS, "plan", "rollout", "drift", "report", "exec"] as const;
/** exec waits and aborts; it owns no files and no sockets. */
const WAITING = ["node:events", "node:timers", "node:timers/promises"] as const;

const TABLE: Readonly<Record<string, Rule>> = {
  model: { folders: [], packages: [], node: [] },
  inventory: { folders: ["model"], packages: ["yaml", "zod"], node: [] },
  lb: { folders: ["model"], packages: ["handlebars"], node: [] },
  vip: { folders: ["model"], packages: ["handlebars"], node: [] },
  firewall: { folders: ["model"], packages: ["zod"], node: [] },
  discovery: { folders: ["model"], packages: [], node: [] },
  named: { folders: ["model"], packages: ["handlebars", "zod"], node: [] },
  resolver: { folders: ["model"], packages: ["zod"], node: [] },
  release: { folders: ["model"], packages: ["handlebars"], node: [] },
  plan: { folders: ["model", ...DOMAINS], packages: [], node: [] },
  rollout: { folders: PURE_CORE, packages: [], node: [] },
  drift: { folders: PURE_CORE, packages: [], node: [] },
  report: { folders: PURE_CORE, packages: [], node: [] },
  exec: { folders: [...PURE_CORE, "rollout", "drift"], packages: ["p-queue"], node: WAITING },
  ssh: { folders: ["model"], packages: ["ssh2"], node: "any" },
  net: { folders: ["model"], packages: ["dns-packet"], node: "any" },
  store: { folders: ["model"], packages: [], node: "any" },
  commands: { folders: WITHOUT_ADAPTERS, packages: COMMANDER, node: "any" },
  "world.ts": { folders: [...WITHOUT_ADAPTERS, ...ADAPTERS, "commands"], packages: [], node: "any" },
  "main.ts": { folders: [...WITHOUT_ADAPTERS, "commands", "world.ts"], packages: COMMANDER, node: "any" },
  "cli.ts": { folders: ["main.ts"], packages: [], node: "any" },
};

/** Single files that may import more: hashing is pure and Node has it built in; so are the terminal's colours. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  "src/model/hash.ts": ["node:crypto"],
  "src/world.ts": ["node:util"],
};

/** Its helpers (inherits, promisify, inspect) have plain replacements, and it drags the machine in. */
const BANNED: readonly string[] = ["node:util"];

/** The file names every domain shares: who knows one domain finds his way in all of them. */
const DOMAIN_FILES = ["desired", "facts", "normalize", "diff", "render", "steps", "operations"] as const;

interface Source {
  readonly path: string;
  readonly text: string;
}

/** The part of src/ a file belongs to: its folder's name, or the file's own name at the top. */
function placeOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function parse(source: Source): ReturnType<typeof parseSync>["module"] {
  const { module, errors } = parseSync(source.path, source.text);
  if (errors[0] !== undefined) throw new Error(`${source.path}: ${errors[0].message}`);
  return module;
}

function importsOf(source: Source): readonly string[] {
  const module = parse(source);
  const reExported = module.staticExports.flatMap((statement) =>
    statement.entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
  );
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) =>
    source.text.slice(start, end).replace(/^['"`]|['"`]$/g, ""),
  );
  return [...module.staticImports.map((statement) => statement.moduleRequest.value), ...reExported, ...dynamic];
}

function nodeProblem(path: string, rule: Rule, specifier: string): string | undefined {
  if (EXCEPTIONS[path]?.includes(specifier) === true) return undefined;
  if (BANNED.includes(specifier)) return "is banned everywhere";
  if (rule.node === "any" || rule.node.includes(specifier)) return undefined;
  return "is no business of this folder";
}

function relativeProblem(path: string, rule: Rule, specifier: string): string | undefined {
  const target = join(dirname(path), specifier);
  if (!target.startsWith("src/")) return "reaches out of src";
  const to = placeOf(target);
  return to === placeOf(path) || rule.folders.includes(to) ? undefined : `reaches into ${to}`;
}

function importProblem(path: string, specifier: string): string | undefined {
  const rule = TABLE[placeOf(path)];
  if (rule === undefined) return undefined;
  if (specifier.startsWith("node:")) return nodeProblem(path, rule, specifier);
  if (specifier.startsWith(".")) return relativeProblem(path, rule, specifier);
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  return rule.packages.includes(name) ? undefined : "is a package this folder does not own";
}

function exportProblems(source: Source): readonly string[] {
  const exports = parse(source).staticExports.flatMap((statement) => statement.entries);
  const file = basename(source.path);
  return [
    ...(exports.some((entry) => entry.exportName.kind === "Default") ? ["has a default export"] : []),
    ...(exports.some((entry) => entry.moduleRequest !== null) ? ["re-exports another file"] : []),
    ...(file === "index.ts" ? ["is a barrel by name"] : []),
  ];
}

/** Every way in which the files break the table, one line each. */
function violations(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) => [
    ...(TABLE[placeOf(source.path)] === undefined ? [`${source.path}: has no place in the table`] : []),
    ...importsOf(source).flatMap((specifier) => {
      const problem = importProblem(source.path, specifier);
      return problem === undefined ? [] : [`${source.path}: ${specifier} ${problem}`];
    }),
    ...exportProblems(source).map((problem) => `${source.path}: ${problem}`),
  ]);
}

const root = join(import.meta.dirname, "..");

function readSources(): readonly Source[] {
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({ path: relative(root, file), text: readFileSync(file, "utf8") }));
}

describe("the folders of src/", () => {
  const sources = readSources();

  test("hold files, and imports were seen in them", () => {
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(5);
  });

  test("hold the same files in every domain", () => {
    const paths = new Set(sources.map((source) => source.path));
    const domains = DOMAINS.filter((domain) => [...paths].some((path) => path.startsWith(`src/${domain}/`)));
    const missing = domains.flatMap((domain) =>
      DOMAIN_FILES.map((file) => `src/${domain}/${file}.ts`).filter((path) => !paths.has(path)),
    );
    expect(domains).not.toEqual([]);
    expect(missing).toEqual([]);
  });

  test("import only what the table allows", () => {
    expect(violations(sources)).toEqual([]);
  });

  test("are in docs/architecture.md as they are here", () => {
    const here = new Set(sources.map((source) => placeOf(source.path)));
    const written = tableAfter(page("docs/architecture.md"), "## Folders");
    const rows = written.map(([folder = "", , folders = "", packages = ""]) => [
      codes(folder)[0],
      codes(folders),
      codes(packages),
    ]);
    const expected = Object.entries(TABLE)
      .filter(([folder]) => here.has(folder))
      .map(([folder, rule]) => [folder, rule.folders.filter((each) => here.has(each)), rule.packages]);
    const sorted = (table: readonly (readonly unknown[])[]): unknown =>
      Object.fromEntries(table.map(([folder, ...rest]) => [folder, rest]));
    expect(sorted(rows)).toEqual(sorted(expected));
  });

  test("name every package in the table that package.json brings, and no other", () => {
    const manifest: { dependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    );
    const owned = new Set(Object.values(TABLE).flatMap((rule) => rule.packages));
    expect(Object.keys(manifest.dependencies).filter((name) => !owned.has(name))).toEqual([]);
  });
});

describe("the checker finds a planted", () => {
  const planted: readonly (readonly [what: string, path: string, text: string, found: string])[] = [
    ["domain in a domain", "src/lb/x.ts", "import { a } from '../release/a.ts';", "reaches into release"],
    ["type-only import", "src/model/x.ts", "import type { A } from '../plan/a.ts';", "reaches into plan"],
    ["adapter in a command", "src/commands/x.ts", "import { a } from '../ssh/a.ts';", "reaches into ssh"],
    ["adapter in an adapter", "src/store/x.ts", "import { a } from '../ssh/a.ts';", "reaches into ssh"],
    ["executor in the planner", "src/plan/x.ts", "import { a } from '../exec/a.ts';", "reaches into exec"],
    ["dynamic import", "src/plan/x.ts", "export const a = import('../ssh/a.ts');", "reaches into ssh"],
    ["file system in the model", "src/model/x.ts", "import 'node:fs/promises';", "no business"],
    ["hash outside its file", "src/model/x.ts", "import { hash } from 'node:crypto';", "no business"],
    ["socket in the executor", "src/exec/x.ts", "import { connect } from 'node:net';", "no business"],
    ["banned module", "src/ssh/x.ts", "import { inspect } from 'node:util';", "banned everywhere"],
    ["foreign package", "src/exec/x.ts", "import { Client } from 'ssh2';", "does not own"],
    ["part of a foreign package", "src/lb/x.ts", "import { a } from 'zod/v4';", "does not own"],
    ["escape from src", "src/lb/x.ts", "import { a } from '../../lab/lb/a.ts';", "out of src"],
    ["folder without a row", "src/helpers/x.ts", "export const a = 1;", "no place in the table"],
    ["default export", "src/model/x.ts", "export default 1;", "default export"],
    ["re-export", "src/model/x.ts", "export * from './a.ts';", "re-exports"],
    ["barrel", "src/model/index.ts", "export const a = 1;", "barrel"],
  ];

  test.for(planted)("%s", ([, path, text, found]) => {
    expect(violations([{ path, text }])).toEqual([expect.stringContaining(found)]);
  });

  test("nothing in a file that keeps the rules", () => {
    const text = "import { hash } from 'node:crypto';\nimport type { A } from './a.ts';\nexport const sum: A = hash;";
    expect(violations([{ path: "src/model/hash.ts", text }])).toEqual([]);
  });
});
