import type { LbFile } from "../model/lb.ts";
import { DroverError, failure } from "../model/errors.ts";
import { MAP_FILES } from "./maps.ts";
import { FILES } from "./paths.ts";

/** What `haproxy -c` does not find, or finds only on a balancer: looked for as soon as the text is there. */

/** A `bind` line's address, and the section it stands in. */
interface Bind {
  readonly section: string;
  readonly address: string;
  readonly port: string;
  readonly v6only: boolean;
}

interface Parsed {
  /** Names that a map may lead to. */
  readonly backends: ReadonlySet<string>;
  readonly binds: readonly Bind[];
  /** Paths below drover's own folder. */
  readonly paths: ReadonlySet<string>;
}

const OWN_PATH = new RegExp(String.raw`${FILES}/[A-Za-z0-9._/-]+`, "g");

function parsed(config: string): Parsed {
  const backends = new Set<string>();
  const binds: Bind[] = [];
  const paths = new Set<string>();
  let section = "";
  for (const line of config.split("\n")) {
    const words = line.trim().split(/[ \t]+/, 3);
    const [first = "", second = ""] = words;
    if (first === "" || first.startsWith("#")) continue;
    if (!/^[ \t]/.test(line)) {
      section = `${first} ${second}`.trim();
      if (first === "backend" || first === "listen") backends.add(second);
    }
    if (first === "bind") binds.push(...bindsOf(section, second, / v6only(?: |$)/.test(line)));
    for (const path of line.match(OWN_PATH) ?? []) paths.add(path);
  }
  return { backends, binds, paths };
}

function bindsOf(section: string, list: string, v6only: boolean): readonly Bind[] {
  return list.split(",").flatMap((each) => {
    const found = /^(?:ipv[46]@)?(.*):(\d+)$/.exec(each);
    return found === null
      ? []
      : [{ section, address: (found[1] ?? "").replaceAll(/[[\]]/g, ""), port: found[2] ?? "", v6only }];
  });
}

const ANY4: readonly string[] = ["", "*", "0.0.0.0"];

/** True when the kernel would not give both of them their port. */
function collide(one: Bind, other: Bind): boolean {
  if (one.port !== other.port) return false;
  if (one.address === other.address) return true;
  const is6 = ({ address }: Bind): boolean => address.includes(":");
  const takesAll = (bind: Bind): boolean => ANY4.includes(bind.address) || bind.address === "::";
  if (is6(one) !== is6(other)) {
    const six = is6(one) ? one : other;
    return six.address === "::" && !six.v6only;
  }
  return takesAll(one) || takesAll(other);
}

function bindProblem(binds: readonly Bind[]): string | null {
  const byPort = Map.groupBy(binds, ({ port }) => port);
  for (const [port, group] of byPort) {
    for (const [at, one] of group.entries()) {
      const other = group.slice(at + 1).find((each) => collide(one, each));
      if (other !== undefined) return `port ${port} is bound by ${one.section} and by ${other.section}`;
    }
  }
  return null;
}

const ROUTING: readonly string[] = [MAP_FILES.http, MAP_FILES.https, MAP_FILES.sni];

function mapProblem(files: readonly LbFile[], backends: ReadonlySet<string>): string | null {
  for (const file of files) {
    if (file.kind !== "text" || !ROUTING.includes(file.path)) continue;
    for (const line of file.text.split("\n")) {
      const [key = "", value = ""] = line.split(" ", 2);
      if (key === "" || key === "#" || backends.has(value)) continue;
      return `${file.path} sends ${key} to ${value}, and no backend has that name`;
    }
  }
  return null;
}

function pathProblem(paths: ReadonlySet<string>, files: readonly LbFile[]): string | null {
  const there = new Set(files.map(({ path }) => path));
  const missing = [...paths].find((path) => !there.has(path));
  return missing === undefined ? null : `it names ${missing}, and there is no such file`;
}

/**
 * Throws a DroverError, with what is wrong, where the files could not work together: two binds on one port, a map that leads
 * nowhere, a file that does not exist, no newline at the end.
 */
export function lint(config: string, files: readonly LbFile[]): void {
  const { backends, binds, paths } = parsed(config);
  const problem =
    (config.endsWith("\n") ? null : "its last line has no end") ??
    bindProblem(binds) ??
    mapProblem(files, backends) ??
    pathProblem(paths, files);
  if (problem === null) return;
  const hint = "change the route or the template haproxy.cfg.hbs that makes it so, then run drover lb render";
  throw new DroverError(failure("files-invalid", `haproxy.cfg would not work: ${problem}`, hint));
}
