// A lab whose app is in DNS: BIND on dns1 and dns2, set up by drover as an operator would.
import { appendFile, cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Lab } from "../lab.ts";
import { balancers, editShop, expectDrover, releasesRunning } from "../shop.ts";
import { adminStates, filesOf } from "../scenarios/bench.ts";

export const ZONE = "svc.lab.internal";
/** Seconds. */
export const TTL = 1;
/** The zone's servers with their addresses: the primary, then the secondary. */
export const SERVERS = { dns1: "192.168.56.31", dns2: "192.168.56.32" } as const;
export type Server = keyof typeof SERVERS;
/** Where the lab's laptop is seen by its hosts. */
export const LAPTOP = "192.168.56.1";

/** What `drover.yaml` says of DNS; scenarios replace it. */
const DNS_BLOCK: string = `dns: {servers: "role=dns", zone: ${ZONE}, ttl: ${String(TTL)}s, negativeTtl: 1s}`;

/** Brings the lab up with a second DNS server, and the shop into DNS. */
export async function raiseDns(lab: Lab): Promise<void> {
  await lab.down();
  await lab.up("--add", "dns2");
  await appendFile(join(lab.fleet, "drover.yaml"), `${DNS_BLOCK}\n`);
  await editShop(lab, "health: {http: /healthz}", "health: {http: /healthz, interval: 500ms, successThreshold: 2}");
  await editShop(lab, /^rollout: .*$/m, "rollout: {minHealthyTime: 0s, healthyDeadline: 15s, drainTimeout: 3s}");
  await expectDrover(lab, 0, "apply", "--yes");
}

/** What a folder of its own says otherwise than the fleet's. */
export interface Otherwise {
  /** Instead of the whole `dns` block. */
  readonly dns?: string;
  /** Further files by their paths. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A second folder of the same fleet, as another operator might have it: `drover … -C NAME`. Gives its name. */
export async function folder(lab: Lab, name: string, { dns = DNS_BLOCK, files = {} }: Otherwise): Promise<string> {
  const at = join(lab.fleet, name);
  await rm(at, { recursive: true, force: true });
  await mkdir(at);
  for (const each of ["inventory.yaml", "known_hosts", "id_ed25519", "apps"]) {
    // oxlint-disable-next-line no-await-in-loop -- a handful
    await cp(join(lab.fleet, each), join(at, each), { recursive: true });
  }
  await symlink("../dist", join(at, "dist"));
  const drover = await readFile(join(lab.fleet, "drover.yaml"), "utf8");
  await writeFile(join(at, "drover.yaml"), drover.replace(DNS_BLOCK, dns));
  // oxlint-disable-next-line no-await-in-loop -- a handful
  for (const [path, text] of Object.entries(files)) await writeFile(join(at, path), text, { mode: 0o600 });
  return name;
}

/** All records of the zone as a server has them, sorted, without the SOA; what nobody but the key's holder may ask for. */
export async function recordsOn(lab: Lab, server: Server): Promise<readonly string[]> {
  const ask = [`@${SERVERS[server]}`, "+tcp", "-k", "/etc/bind/drover.key", "+noall", "+answer", ZONE, "AXFR"];
  const { stdout } = await lab.exec(server, ["dig", ...ask]);
  const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
  expect(lines.length, `${server} gives no zone: ${stdout}`).toBeGreaterThan(2);
  return lines
    .map((line) => line.replaceAll(/\s+/g, " "))
    .filter((line) => !line.includes(" IN SOA "))
    .toSorted();
}

/** The hosts that a server names for an app, sorted. */
export async function hostsOn(lab: Lab, server: Server, app = "shop"): Promise<readonly string[]> {
  const ask = [`@${SERVERS[server]}`, "+tcp", "+norecurse", "+short", "+tries=1", `_${app}._tcp.${ZONE}`, "SRV"];
  const { stdout } = await lab.run(["dig", ...ask]);
  return stdout
    .split("\n")
    .flatMap((line) => /^\d+ \d+ \d+ ([^.]+)\./.exec(line)?.[1] ?? [])
    .toSorted();
}

/** Everything that users notice: the zone on both servers, what each balancer does and has on disk, and what runs. */
export interface Standing {
  readonly zone: readonly (readonly string[])[];
  readonly servers: readonly Readonly<Record<string, string>>[];
  readonly files: readonly string[];
  readonly releases: readonly string[];
}

/** As it is now. */
export async function standing(lab: Lab): Promise<Standing> {
  const [zone, servers, files, releases] = await Promise.all([
    Promise.all((["dns1", "dns2"] as const).map((server) => recordsOn(lab, server))),
    Promise.all(balancers.map((balancer) => adminStates(lab, balancer))),
    Promise.all(balancers.map((balancer) => filesOf(lab, balancer))),
    releasesRunning(lab),
  ]);
  return { zone, servers, files, releases };
}

/** The same without what tells of the last write alone: revision, epoch and run of the owner records. */
function but(writes: Standing): Standing {
  const plain = (line: string): string => line.replace(/"rev=\d+" "epoch=\d+" "run=[^"]*"/, "");
  return { ...writes, zone: writes.zone.map((lines) => lines.map(plain)) };
}

/** The same as before, to the byte; or, where it was changed and put back, but for revision, epoch and run. */
export async function expectUnchanged(lab: Lab, before: Standing, how: "untouched" | "put back"): Promise<void> {
  const now = await standing(lab);
  if (how === "untouched") expect(now).toEqual(before);
  else expect(but(now)).toEqual(but(before));
}
