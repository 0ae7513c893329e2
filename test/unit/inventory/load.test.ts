import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../../../src/inventory/diagnostics.ts";
import type { LoadOptions } from "../../../src/inventory/load.ts";
import { loadFleet } from "../../../src/inventory/load.ts";
import { DroverError, failure } from "../../../src/model/errors.ts";
import type { Files } from "../../../src/model/ports.ts";

const limits = { deadline: 1000, signal: new AbortController().signal };
const app = ["app: tick", 'hosts: "@host=one"', 'release: "1"', "artifact: tick.tar", "run: tick"].join("\n");
const drover = "fleet: tiny\nssh: {user: ops}\nstate: {store: ssh, host: one}\n";
const whole = {
  "drover.yaml": drover,
  "inventory.yaml": "hosts:\n  one: {address: 10.0.0.1}\n",
  "apps/tick.yaml": app,
};

/** Files by path; `run` is what programs do. */
function memory(files: Readonly<Record<string, string>>, run?: Files["run"]): Files {
  const unused = (): never => {
    throw new Error("loading a fleet reads, lists and runs, and nothing else");
  };
  const inside = (folder: string): readonly string[] => {
    const start = `${folder.replace(/\/+$/, "")}/`;
    return Object.keys(files)
      .filter((path) => path.startsWith(start))
      .map((path) => path.slice(start.length));
  };
  return {
    read: async (path) => (files[path] === undefined ? null : new TextEncoder().encode(files[path])),
    list: async (path) => (inside(path).length === 0 ? null : inside(path)),
    run: run ?? unused,
    digest: unused,
    stream: unused,
    write: unused,
    fetch: unused,
  };
}

/** The errors of loading, or the hosts' names. */
async function load(files: Files, options: Partial<LoadOptions> = {}): Promise<readonly string[]> {
  const loaded = await loadFleet(files, { limits, folder: "/home/me/fleet", ...options });
  return loaded.kind === "ok" ? loaded.fleet.hosts.map(({ name }) => name) : loaded.diagnostics.map(formatDiagnostic);
}

describe("loading a fleet", () => {
  test("reads what drover.yaml names", async () => {
    expect(await load(memory(whole))).toEqual(["one"]);
  });

  test("without drover.yaml says so", async () => {
    expect(await load(memory({}))).toEqual([
      "drover.yaml:1:1: expected the fleet's file in /home/me/fleet, got none (-C DIR names the folder of a fleet)",
    ]);
  });

  test("gives the hosts of a fleet whose other files are wrong, and none that are in doubt", async () => {
    const wrong = { ...whole, "apps/tick.yaml": app.replace("@host=one", "role=app") };
    const hosts = [{ name: "one", addresses: ["10.0.0.1"], tags: {} }];
    const options = { limits, folder: "/fleet" };
    expect(await loadFleet(memory(wrong), options)).toMatchObject({ kind: "invalid", hosts });
    const doubtful = { ...wrong, "inventory.yaml": "hosts:\n  one: {address: 10.0.0.1}\n  two: {}\n" };
    expect(await loadFleet(memory(doubtful), options)).toMatchObject({ kind: "invalid", hosts: [] });
  });

  test("uses the release that is given for one app, and no other", async () => {
    const release = { app: "tick", release: "2" };
    const other = app.replace("tick", "tock");
    const loaded = await loadFleet(memory({ ...whole, "apps/tock.yml": other }), { limits, folder: "/fleet", release });
    const releases = loaded.kind === "ok" ? loaded.fleet.apps.map(({ name, release: now }) => `${name} ${now}`) : [];
    expect(releases).toEqual(["tick 2", "tock 1"]);
  });
});

describe("a program that lists hosts", () => {
  const files = { ...whole, "drover.yaml": `inventory: [inventory.yaml, {exec: [./list, "a b"]}]\n${drover}` };
  const prints =
    (stdout: string, code = 0): Files["run"] =>
    async () => {
      return { code, stdout: new TextEncoder().encode(stdout), stderr: "first\nlast words\n" };
    };

  test("is run without a shell, with --list at the end", async () => {
    const asked: (readonly string[])[] = [];
    const json = '{"_meta": {"hostvars": {"two": {"ansible_host": "10.0.0.2"}}}}';
    const run: Files["run"] = (argv, given) => {
      asked.push(argv);
      return prints(json)(argv, given);
    };
    expect(await load(memory(files, run))).toEqual(["one", "two"]);
    expect(asked).toEqual([["./list", "a b", "--list"]]);
  });

  test.for([
    ["fails", prints("", 3), 'expected a program that exits 0, got exit code 3: "last words"'],
    ["prints no JSON", prints("hosts:"), "expected a JSON object as of Ansible's --list, got something else"],
    ["prints another JSON", prints("[]"), "expected a JSON object as of Ansible's --list, got something else"],
    ["prints no variables", prints("{}"), "expected _meta.hostvars in the program's JSON, got none"],
  ] as const)("that %s is an error, not a smaller fleet", async ([, run, message]) => {
    expect(await load(memory(files, run))).toEqual([`drover.yaml:1:36 inventory[1].exec: ${message}`]);
  });

  test("that cannot be run is an error too", async () => {
    const run: Files["run"] = () => Promise.reject(new DroverError(failure("usage", "no program ./list")));
    expect(await load(memory(files, run))).toEqual([
      "drover.yaml:1:29 inventory[1]: expected a program that runs, got: no program ./list",
    ]);
  });

  test("puts hosts into the groups of their groups, even where groups contain each other", async () => {
    const list = {
      _meta: { hostvars: { two: { ansible_host: "10.0.0.2" } } },
      web: { children: ["blue"] },
      blue: { hosts: ["two"], children: ["web"] },
      bare: ["two"],
    };
    const loaded = await loadFleet(memory(files, prints(JSON.stringify(list))), { limits, folder: "/fleet" });
    const tags = loaded.kind === "ok" ? loaded.fleet.hosts[1]?.tags : {};
    expect(tags).toEqual({ "group/web": "true", "group/blue": "true", "group/bare": "true" });
  });
});
