import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SshOptions } from "../../../src/ssh/options.ts";

/** A real sshd of our own on the loopback, with its own host key and one key that may log in. */
export interface Sshd {
  readonly directory: string;
  readonly port: number;
  /** The public host key line, without a name: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** Options for a transport to host `box`; what is given replaces. */
  options(change?: Partial<SshOptions["ssh"]>): SshOptions;
  /** Logins that it has let in, by its log, and connections that are open right now, by the kernel. */
  connections(): { readonly made: number; readonly live: number };
  /** Writes a file into the fixture's directory and gives its path. */
  file(name: string, text: string): string;
  stop(): Promise<void>;
}

/** Runs a program to its end; throws with its own words when it fails. */
export function must(command: string, ...args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${result.stderr || result.error?.message || ""}`);
  return result.stdout;
}

/** A key pair without passphrase; gives the path of the private half. */
export function makeKey(directory: string, name: string, type = "ed25519"): string {
  const path = join(directory, name);
  must("ssh-keygen", "-q", "-t", type, "-N", "", "-C", name, "-f", path);
  return path;
}

/** Type and key of a public key, as known_hosts wants them. */
export function publicKey(path: string): string {
  return readFileSync(`${path}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
}

/** A port of the loopback that nothing listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a fixture may ask for beyond the usual. */
export interface SshdRequest {
  /** Host key types, ed25519 alone by default. */
  readonly hostKeys?: readonly string[];
  /** More lines of sshd_config. */
  readonly config?: readonly string[];
}

/**
 * Starts a {@link Sshd}, as root, in a mount namespace of its own: users, sudo's rules and /var/lib are the fixture's,
 * so that nothing of this machine (a slow profile, a locked root) matters and nothing of it is touched. Users: `root`;
 * `drover`, who may use sudo; `guest`, who may not. `small` in the directory is a disk of 1 MiB.
 */
export async function startSshd(request: SshdRequest = {}): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), "drover-sshd-"));
  chmodSync(directory, 0o755);
  const hostKeys = (request.hostKeys ?? ["ed25519"]).map((type) => makeKey(directory, `host_${type}`, type));
  const identity = makeKey(directory, "id");
  const port = await freePort();
  const file = (name: string, text: string, mode = 0o644): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode });
    return path;
  };
  file("authorized_keys", readFileSync(`${identity}.pub`, "utf8"));
  file("known_hosts", hostKeys.map((key) => `[127.0.0.1]:${port} ${publicKey(key)}\n`).join(""));
  file("sshd_config", configuration(directory, port, hostKeys, request.config ?? []));
  furnish(directory, file);
  const log = join(directory, "sshd.log");
  // Whatever becomes of the tests, their sshd does not outlive them.
  const argv = ["--pdeathsig", "TERM", "unshare", "--mount", "--propagation", "private", "sh", "-euc", ENTER, "sh"];
  const child = spawn("/usr/bin/setpriv", [...argv, directory, log], {
    stdio: ["ignore", "ignore", openSync(log, "a")],
  });
  await listening(port, child, log);
  return {
    directory,
    port,
    hostKey: publicKey(hostKeys[0] ?? ""),
    file,
    options: (change = {}) => ({
      ssh: { user: "root", port, become: "none", knownHosts: ["known_hosts"], identity: "id", ...change },
      hosts: [{ name: "box", addresses: ["127.0.0.1"], tags: {} }],
      places: { directory, home: join(directory, "home"), agent: null },
    }),
    connections: () => ({
      made: readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line.startsWith("Accepted publickey")).length,
      live: establishedAt(port),
    }),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGTERM")) await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Connections that a listener on this port of the loopback has; as /proc/net/tcp lists them, 01 is ESTABLISHED. */
function establishedAt(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  return rows.filter((row) => {
    const [, from = "", , state] = row.trim().split(/\s+/);
    return from.endsWith(local) && state === "01";
  }).length;
}

/** Mounts what the fixture brings over the machine's own, seen by sshd alone, and becomes sshd. */
const ENTER = `
  for file in passwd group shadow sudoers; do mount --bind "$1/etc/$file" "/etc/$file"; done
  mount --bind "$1/var-lib" /var/lib
  mount -t tmpfs -o size=1M,mode=755 tmpfs "$1/small"
  mkdir -p -m 755 /run/sshd
  exec /usr/sbin/sshd -D -f "$1/sshd_config" -E "$2"
`;

function furnish(directory: string, file: (name: string, text: string, mode?: number) => string): void {
  for (const folder of ["etc", "home", "small", "var-lib", "var-lib/drover"]) mkdirSync(join(directory, folder));
  chmodSync(join(directory, "home"), 0o777);
  const users = [
    ["root", 0],
    ["sshd", 4201],
    ["drover", 4202],
    ["guest", 4203],
  ] as const;
  const home = join(directory, "home");
  file("etc/passwd", users.map(([name, id]) => `${name}:x:${id}:${id}::${home}:/bin/bash\n`).join(""));
  file("etc/group", users.map(([name, id]) => `${name}:x:${id}:\n`).join(""));
  file("etc/shadow", users.map(([name]) => `${name}:*:19000:0:99999:7:::\n`).join(""), 0o640);
  // As Debian has it, so that sudo costs what it costs on a host.
  const sudoers = ["Defaults env_reset", "Defaults mail_badpass", "Defaults use_pty", "root ALL=(ALL:ALL) ALL"];
  file("etc/sudoers", `${[...sudoers, "drover ALL=(ALL:ALL) NOPASSWD: ALL"].join("\n")}\n`, 0o440);
}

function configuration(directory: string, port: number, hostKeys: readonly string[], more: readonly string[]): string {
  const lines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    ...hostKeys.map((key) => `HostKey ${key}`),
    `AuthorizedKeysFile ${join(directory, "authorized_keys")}`,
    "PidFile none",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM no",
    "UseDNS no",
    // The directory lies below /tmp, which is world-writable.
    "StrictModes no",
  ];
  return `${[...lines, ...more].join("\n")}\n`;
}

async function listening(port: number, child: ChildProcess, log: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) break;
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("data", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`sshd did not start:\n${existsSync(log) ? readFileSync(log, "utf8") : ""}`);
}
