import { DroverError } from "../model/errors.ts";
import type { Diagnostic } from "../model/fleet.ts";
import type { Files, Limits } from "../model/ports.ts";
import type { Assembled } from "./assemble.ts";
import { assembleFleet } from "./assemble.ts";
import { printable, quote } from "./describe.ts";
import { complain } from "./diagnostics.ts";
import type { AppDraft, DroverDraft, HostDrafts } from "./drafts.ts";
import { hostsOfProgram } from "./ansible.ts";
import { parseApp } from "./parse-app.ts";
import { parseFleetFile } from "./parse-drover.ts";
import { parseInventory } from "./parse-inventory.ts";
import type { InventorySource } from "./schema/drover.ts";
import { checkTemplates } from "./templates.ts";

/** The fleet's own file. */
const DROVER_FILE = "drover.yaml";

/** `release` stands in for what one app's file says; an app that is not there is the caller's to notice. */
export interface LoadOptions {
  readonly limits: Limits;
  /** The fleet's folder, absolute, to be named where there is none. */
  readonly folder: string;
  readonly release?: { readonly app: string; readonly release: string };
}

/** What reading something gave, and what went wrong with the reading itself. */
interface Gathered<Item> {
  readonly items: readonly Item[];
  readonly found: readonly Diagnostic[];
}

/**
 * Reads `drover.yaml`, every inventory source and every app file, and puts them together. A missing file or a failing
 * program is an error, never a smaller fleet. Never throws for what the files say.
 */
export async function loadFleet(files: Files, options: LoadOptions): Promise<Assembled> {
  const text = await readText(files, DROVER_FILE);
  if (text.kind !== "ok") {
    const message =
      text.kind === "missing"
        ? `expected the fleet's file in ${printable(options.folder)}, got none (-C DIR names the folder of a fleet)`
        : text.message;
    return { kind: "invalid", diagnostics: [{ file: DROVER_FILE, line: 1, column: 1, path: "", message }], hosts: [] };
  }
  const drover = parseFleetFile(DROVER_FILE, text.text);
  const inventory: HostDrafts[] = [];
  for (const [index, source] of (drover.fields.inventory ?? []).entries()) {
    // oxlint-disable-next-line no-await-in-loop -- the order of sources is the order of hosts, and programs may be heavy
    inventory.push(...(await gatherHosts({ files, drover, index, limits: options.limits }, source)));
  }
  const apps = await gatherApps(files, drover, options);
  const templates = await findTemplates(files, drover);
  return assembleFleet({ drover, inventory, apps: apps.items, found: [...apps.found, ...templates] });
}

interface Source {
  readonly files: Files;
  readonly drover: DroverDraft;
  readonly index: number;
  readonly limits: Limits;
}

async function gatherHosts(at: Source, source: InventorySource): Promise<readonly HostDrafts[]> {
  if (source.kind === "exec") return [await runProgram(at, source.argv)];
  const names = await at.files.list(source.path);
  const paths = names === null ? [source.path] : yamlFiles(source.path, names);
  if (paths.length === 0) return [noHosts(at, `expected a folder with *.yaml files, got one without`)];
  if (names === null && (await at.files.read(source.path)) === null)
    return [noHosts(at, `expected a file or folder, got ${quote(source.path)}, which is not there`)];
  const { items, found } = await gatherFiles(at.files, paths, parseInventory);
  return found.length === 0 ? items : [...items, { hosts: [], complete: false, diagnostics: found }];
}

/** A source that could not be read: an error, so that its hosts are not taken for gone. */
function noHosts({ drover, index }: Source, message: string): HostDrafts {
  return { hosts: [], complete: false, diagnostics: [complain(drover.file, ["inventory", index], message)] };
}

async function runProgram(at: Source, argv: readonly string[]): Promise<HostDrafts> {
  try {
    const ran = await at.files.run([...argv, "--list"], at.limits);
    const place = { file: at.drover.file, path: ["inventory", at.index, "exec"] };
    return hostsOfProgram(place, ran, at.drover.fields.ssh ?? null);
  } catch (error) {
    // The port throws what kept the program from running at all.
    if (error instanceof DroverError) return noHosts(at, `expected a program that runs, got: ${error.message}`);
    throw error;
  }
}

async function gatherApps(files: Files, drover: DroverDraft, { release }: LoadOptions): Promise<Gathered<AppDraft>> {
  const folder = drover.fields.apps;
  if (folder === undefined) return { items: [], found: [] };
  const names = await files.list(folder);
  if (names === null)
    return {
      items: [],
      found: [
        complain(drover.file, ["apps"], `expected a folder of app files, got ${quote(folder)}, which is not there`),
      ],
    };
  return gatherFiles(files, yamlFiles(folder, names), (file, text) => {
    const draft = parseApp(file, text);
    return release !== undefined && draft.fields.app === release.app ? parseApp(file, text, release.release) : draft;
  });
}

/** Templates are read when they are needed; here their names are checked. */
async function findTemplates(files: Files, drover: DroverDraft): Promise<readonly Diagnostic[]> {
  const folder = drover.fields.templates ?? null;
  return folder === null ? [] : checkTemplates(drover, await files.list(folder));
}

async function gatherFiles<Item>(
  files: Files,
  paths: readonly string[],
  parse: (file: string, text: string) => Item,
): Promise<Gathered<Item>> {
  const items: Item[] = [];
  const found: Diagnostic[] = [];
  const texts = await Promise.all(paths.map((path) => readText(files, path)));
  texts.forEach((text, index) => {
    const file = paths[index] ?? "";
    if (text.kind === "ok") items.push(parse(file, text.text));
    else
      found.push({
        file,
        line: 1,
        column: 1,
        path: "",
        message: text.kind === "missing" ? "expected a file, got none" : text.message,
      });
  });
  return { items, found };
}

function yamlFiles(folder: string, names: readonly string[]): readonly string[] {
  const base = folder.replace(/^\.\//, "").replace(/\/+$/, "");
  return names
    .filter((name) => /^[^.].*\.ya?ml$/.test(name))
    .toSorted()
    .map((name) => (base === "" || base === "." ? name : `${base}/${name}`));
}

type Text =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "missing" }
  | { readonly kind: "unreadable"; readonly message: string };

async function readText(files: Files, path: string): Promise<Text> {
  const bytes = await files.read(path);
  if (bytes === null) return { kind: "missing" };
  try {
    return { kind: "ok", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { kind: "unreadable", message: "expected text in UTF-8, got other bytes" };
  }
}
