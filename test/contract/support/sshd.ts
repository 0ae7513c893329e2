import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
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
  /** Writes a file into the fixture's directory and gives its path. */
  file(name: string, text: string): string;
  stop(): Promise<void>;
}

/** Runs a program to its end; throws with its own words when it fails. */
export function must(command: string, ...args: readonly string[]): string {
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${result.stderr || result.error?.message || ""}`);
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

/** Starts a {@link Sshd}. Its log is `sshd.log` in its directory. */
export async function startSshd(request: SshdRequest = {}): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), "drover-sshd-"));
  chmodSync(directory, 0o755);
  const hostKeys = (request.hostKeys ?? ["ed25519"]).map((type) => makeKey(directory, `host_${type}`, type));
  const identity = makeKey(directory, "id");
  const port = await freePort();
  writeFileSync(join(directory, "authorized_keys"), readFileSync(`${identity}.pub`));
  writeFileSync(
    join(directory, "sshd_config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      ...hostKeys.map((key) => `HostKey ${key}`),
      `AuthorizedKeysFile ${join(directory, "authorized_keys")}`,
      `PidFile ${join(directory, "sshd.pid")}`,
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "UsePAM no",
      "UseDNS no",
      // The directory lies below /tmp, which is world-writable.
      "StrictModes no",
      ...(request.config ?? []),
      "",
    ].join("\n"),
  );
  // The daemon drops its privileges into this directory; Debian's unit makes it, and there is no unit here.
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const child = spawn("/usr/sbin/sshd", ["-D", "-f", join(directory, "sshd_config"), "-E", join(directory, "sshd.log")], {
    stdio: "ignore",
  });
  await listening(port, child, join(directory, "sshd.log"));
  const hostKey = publicKey(hostKeys[0] ?? "");
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };
  file("known_hosts", hostKeys.map((key) => `[127.0.0.1]:${port} ${publicKey(key)}\n`).join(""));
  return {
    directory,
    port,
    hostKey,
    file,
    options: (change = {}) => ({
      ssh: { user: userInfo().username, port, become: "none", knownHosts: ["known_hosts"], identity: "id", ...change },
      hosts: [{ name: "box", addresses: ["127.0.0.1"], tags: {} }],
      places: { directory, home: directory, agent: null },
    }),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGTERM")) await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
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
