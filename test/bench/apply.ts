// A change of every host's firewall: `drover apply --yes` as a whole process, confirmed over new connections, beside the
// playbook that is usually written for it. Both have six hosts of their own, and take turns.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Lab } from "../lab/support/lab.ts";
import { checkout, lab } from "../lab/support/lab.ts";

/** What one run took, in milliseconds: by the clock, and of this machine's processors for the controller alone. */
export interface Took {
  readonly wall: number;
  readonly cpu: number;
}

/** Something that is run again and again; each time it finds another thing to change. */
export interface Contender {
  readonly name: string;
  /** Comes before each run, and is not timed. */
  readonly prepare: (turn: number) => Promise<void>;
  readonly argv: readonly string[];
  readonly lab: Lab;
}

/** Runs on the laptop; `times` of the shell tells what it took, without the way into the lab. */
export async function time({ lab: place, argv, name }: Contender): Promise<Took> {
  const script = 'TIMEFORMAT="took %R %U %S"; time "$@"';
  const { code, stdout, stderr } = await place.run(["bash", "-c", script, "bash", ...argv]);
  const [, real, user, system] = /^took (\S+) (\S+) (\S+)$/m.exec(stderr) ?? [];
  if (code !== 0 || real === undefined) throw new Error(`${name} ended with ${String(code)}\n${stdout}${stderr}`);
  return { wall: Number(real) * 1000, cpu: (Number(user) + Number(system)) * 1000 };
}

const ADMIN = ["192.168.56.1", "fd00:56::1"] as const;

/** The firewall: SSH for the operator, and these ports for every host from every host. */
function block(ports: readonly number[]): string {
  const rule = `{from: [{hosts: "@host=*"}], ports: [${ports.join(", ")}]}`;
  return `firewall: {admin: [${ADMIN.join(", ")}], confirm: 20s, policies: {bench: {hosts: "@host=*", ingress: [${rule}]}}}\n`;
}

async function writeBlock(place: Lab, ports: readonly number[]): Promise<void> {
  const path = join(place.fleet, "drover.yaml");
  const text = (await readFile(path, "utf8")).replace(/^firewall:.*\n/m, "");
  await writeFile(path, `${text}${block(ports)}`);
}

/** drover in a lab of its own, its app and first firewall applied. */
export async function droverContenders(name: string): Promise<readonly Contender[]> {
  const place = lab(name);
  await place.up();
  const apply = [join(checkout, "bin/drover"), "apply", "--yes"];
  const turns: readonly Contender["prepare"][] = [
    () => writeBlock(place, [9000]),
    () => writeBlock(place, [9000, 9001]),
    () => writeBlock(place, [9000]),
    () => Promise.resolve(),
  ];
  await turns[0]?.(0);
  await time({ name: "the first apply", lab: place, argv: apply, prepare: () => Promise.resolve() });
  return ["drover, opens a port", "drover, closes it again", "drover, nothing to do"].map((each, index) => ({
    name: each,
    lab: place,
    argv: apply,
    prepare: turns[index + 1] ?? (() => Promise.resolve()),
  }));
}

interface Inventory {
  readonly hosts: Readonly<Record<string, { readonly address: readonly string[] }>>;
}

const PLAYBOOK = ["ansible.cfg", "playbook.yml", "rules.j2"] as const;

/** The playbook's folder on the laptop: the lab's key, and its hosts by their addresses. */
async function layPlaybook(place: Lab): Promise<string> {
  const folder = join(place.fleet, "../ansible");
  await mkdir(folder, { recursive: true });
  for (const file of PLAYBOOK) {
    // oxlint-disable-next-line no-await-in-loop -- three small files
    await copyFile(join(import.meta.dirname, "ansible", file), join(folder, file));
  }
  await copyFile(join(place.fleet, "known_hosts"), join(folder, "known_hosts"));
  const inventory: Inventory = parse(await readFile(join(place.fleet, "inventory.yaml"), "utf8"));
  const login = { ansible_user: "drover", ansible_ssh_private_key_file: join(place.fleet, "id_ed25519") };
  const hosts = Object.entries(inventory.hosts).map(([host, { address }]) => {
    return [host, { ansible_host: address[0] ?? "", addresses: address, ...login }] as const;
  });
  // JSON is YAML, which is what the name makes Ansible read.
  await writeFile(join(folder, "hosts.yml"), JSON.stringify({ all: { hosts: Object.fromEntries(hosts) } }));
  return folder;
}

/** Ansible in a lab of its own: both families as drover does, and IPv4 alone. It connects anew, as a command does. */
export async function ansibleContenders(name: string): Promise<readonly Contender[]> {
  const place = lab(name);
  await place.up();
  const folder = await layPlaybook(place);
  const argvOf = (variables: Readonly<Record<string, unknown>>): readonly string[] => {
    // Sockets of ControlPersist lie where their path is short enough for the kernel.
    const control = `ANSIBLE_SSH_CONTROL_PATH_DIR=/tmp/${name}`;
    const told = JSON.stringify({ admin: ADMIN, ...variables });
    return ["env", "-C", folder, control, "ansible-playbook", "-i", "hosts.yml", "-e", told, "playbook.yml"];
  };
  // Its masters are this lab's processes on the laptop: no other is meant by this path.
  const hangUp = `for s in /tmp/${name}/*; do [ -S "$s" ] && ssh -o ControlPath="$s" -O exit x 2>/dev/null; done; true`;
  const cold = async (): Promise<void> => void (await place.run(["sh", "-c", hangUp]));
  const connected = (): Promise<void> => Promise.resolve();
  const contenders = [
    { name: "ansible, both families", lab: place, argv: argvOf({ port: 9001, only_v4: false }), prepare: cold },
    {
      name: "ansible, connected already",
      lab: place,
      argv: argvOf({ port: 9002, only_v4: false }),
      prepare: connected,
    },
    { name: "ansible, IPv4 alone", lab: place, argv: argvOf({ port: 9003, only_v4: true }), prepare: cold },
  ];
  // Python's caches are warm, and there are files to change, before anything counts.
  for (const each of contenders) await time(each); // oxlint-disable-line no-await-in-loop
  return contenders;
}
