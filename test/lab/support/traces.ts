// What a lab could leave on this machine. Labs of other names may stand beside it and are not counted.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { checkout, command } from "./lab.ts";

/** Everything a lab could leave behind, as sorted lists. */
export interface Traces {
  readonly namespaces: readonly string[];
  readonly interfaces: readonly string[];
  readonly mounts: readonly string[];
  readonly loops: readonly string[];
  readonly groups: readonly string[];
  readonly processes: readonly string[];
  readonly files: readonly string[];
}

async function lines(file: string, ...args: readonly string[]): Promise<string[]> {
  const { stdout } = await command(file, args);
  return stdout.split("\n").filter((line) => line !== "");
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the process has ended meanwhile
  }
}

/** Processes in the lab's control groups, or in a mount namespace that holds one of its directories. */
function processesOf(name: string): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter(
      (pid) =>
        ["cgroup", "mountinfo"].some((file) => textOf(`/proc/${pid}/${file}`).includes(`/drover-lab-${name}-`)) ||
        textOf(`/proc/${pid}/mountinfo`).includes(`/drover-lab/${name}-`),
    )
    .map((pid) => textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim())
    .filter((command) => command !== ""); // has ended; whether it was reaped yet is up to this machine's init
}

/** Looks at this machine now. */
export async function traces(name: string): Promise<Traces> {
  const groups = await lines("find", "/sys/fs/cgroup", "-type", "d", "-path", `*/drover-lab-${name}-*`);
  const places = ["/var/lib/drover-lab", "/run/drover-lab"].filter((place) => existsSync(place));
  const files = places.flatMap((place) => readdirSync(place).map((entry) => join(place, entry)));
  return {
    namespaces: await lines("ip", "netns", "list"),
    interfaces: (await lines("ip", "-br", "link")).map((line) => line.split(/ +/)[0] ?? "").toSorted(),
    mounts: (await lines("findmnt", "-rno", "TARGET")).toSorted(),
    loops: (await lines("losetup", "-nO", "NAME,BACK-FILE")).filter((line) => line.includes(`/drover-lab/${name}-`)),
    groups: groups.toSorted(),
    processes: processesOf(name).toSorted(),
    files: [...files, join(checkout, ".lab", name)].filter((file) => existsSync(file) && file.includes(`/${name}`)),
  };
}
