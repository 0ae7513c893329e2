import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { mutating, reading } from "../../src/model/command.ts";
import type { Failure } from "../../src/model/errors.ts";
import { exitFailure } from "../../src/model/exit.ts";
import type { Limits, Request, Transport } from "../../src/model/ports.ts";
import type { SshOptions } from "../../src/ssh/options.ts";
import { createSshTransport } from "../../src/ssh/transport.ts";
import { echoArgs, exitWith, frame, relaxed, request, shout, write } from "./support/commands.ts";
import { alive, listen, pipeInLumps, pipeTo, tryRead, until } from "./support/trouble.ts";
import { freePort, makeKey, must, publicKey, startSshd } from "./support/sshd.ts";
import type { Sshd } from "./support/sshd.ts";
import { failureOf } from "./transport.contract.ts";

let sshd: Sshd;
beforeAll(async () => {
  sshd = await startSshd({ hostKeys: ["ed25519", "rsa"] });
});
afterAll(() => sshd.stop());

/** Runs one command over a transport of its own and gives what it failed with. */
async function failing(
  options: SshOptions,
  what: Request = request(exitWith(0)),
  limits: Limits = relaxed(),
): Promise<Failure> {
  const transport = createSshTransport(options);
  const result = await transport.exec("box", what, limits);
  await transport.close();
  return failureOf(result);
}

/** Runs a command that must succeed over a transport of its own. */
async function works(options: SshOptions): Promise<boolean> {
  const transport = createSshTransport(options);
  const result = await transport.exec("box", request(echoArgs(["yes"])), relaxed());
  await transport.close();
  expect(result).toMatchObject({ kind: "exited", stdout: "yes\0" });
  return true;
}

const to = (address: string, port: number): SshOptions => ({
  ...sshd.options({ port }),
  hosts: [{ name: "box", addresses: [address], tags: {} }],
});

describe("ways to a host that fail, each by its own name", () => {
  test("an address that does not resolve", async () => {
    // Longer than a label may be: refused before any name server is asked.
    const failure = await failing(to(`${"x".repeat(70)}.invalid`, 22));
    expect(failure).toMatchObject({ code: "host-unresolved", hint: expect.stringContaining("hosts.box.address") });
  });

  test("a host that has left the inventory", async () => {
    const failure = await failing({ ...to("127.0.0.1", 22), hosts: [] });
    expect(failure).toMatchObject({ code: "host-unresolved", message: "box is not in the inventory" });
  });

  test("a port that nothing listens on", async () => {
    expect(await failing(to("127.0.0.1", await freePort()))).toMatchObject({ code: "host-refused" });
  });

  test("a listener that hangs up before its first word is tried again, as MaxStartups asks for", async () => {
    let calls = 0;
    const fickle = await listen((socket) => {
      calls += 1;
      if (calls < 3) socket.destroy();
      else pipeTo(socket, sshd.port);
    });
    sshd.file("known_fickle", `[127.0.0.1]:${fickle.port} ${sshd.hostKey}\n`);
    await works(sshd.options({ port: fickle.port, knownHosts: ["known_fickle"] }));
    expect(calls).toBe(3);
    fickle.close();
  });

  test("something that is no SSH server", async () => {
    const web = await listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect(await failing(to("127.0.0.1", web.port))).toMatchObject({ code: "host-lost" });
    web.close();
  });
});

describe("host keys", () => {
  const known = (name: string, text: string): SshOptions => {
    sshd.file(name, text);
    return sshd.options({ knownHosts: [name] });
  };
  const place = (): string => `[127.0.0.1]:${sshd.port}`;

  test("one that is not known is refused, with its fingerprint", async () => {
    const fingerprint = must("ssh-keygen", "-l", "-f", join(sshd.directory, "host_ed25519")).split(" ")[1];
    const failure = await failing(known("known_none", "# nothing yet\n"));
    expect(failure).toMatchObject({ code: "host-key-unknown", detail: [`it showed ${fingerprint}`] });
  });

  test("a known_hosts file that is not there is told, beside the unknown key", async () => {
    const gone = `there is no file ${join(sshd.directory, "no-such-file")}`;
    expect(await failing(sshd.options({ knownHosts: ["no-such-file"] }))).toMatchObject({
      code: "host-key-unknown",
      message: expect.stringMatching(new RegExp(`is not known: ${gone}$`)),
    });
    sshd.file("known_none", "# nothing yet\n");
    expect(await failing(sshd.options({ knownHosts: ["known_none", "no-such-file"] }))).toMatchObject({
      message: expect.stringMatching(/is not known$/),
      detail: [expect.stringContaining("it showed"), gone],
    });
  });

  test("one that has changed is refused, naming file and line", async () => {
    const other = publicKey(makeKey(sshd.directory, "other_host"));
    const failure = await failing(known("known_other", `# a comment\n${place()} ${other}\n`));
    expect(failure).toMatchObject({ code: "host-key-changed", message: expect.stringContaining("known_other:2") });
  });

  test("one that is revoked is refused even if another line trusts it", async () => {
    const failure = await failing(known("known_revoked", `${place()} ${sshd.hostKey}\n@revoked * ${sshd.hostKey}\n`));
    expect(failure).toMatchObject({ code: "host-key-revoked", message: expect.stringContaining("known_revoked:2") });
  });

  test("names may be hashed, and several files count together", async () => {
    const path = sshd.file("known_hashed", `${place()} ${sshd.hostKey}\n`);
    must("ssh-keygen", "-q", "-H", "-f", path);
    expect(readFileSync(path, "utf8")).toMatch(/^\|1\|/);
    await works(sshd.options({ knownHosts: ["known_none", "known_hashed"] }));
  });

  test("a host may be known by its name in the inventory, or by a pattern", async () => {
    await works(known("known_name", `[box]:${sshd.port} ${sshd.hostKey}\n`));
    await works(known("known_glob", `[127.0.0.*]:${sshd.port} ${sshd.hostKey}\n`));
    const negated = await failing(known("known_negated", `[127.0.0.*]:${sshd.port},!${place()} ${sshd.hostKey}\n`));
    expect(negated.code).toBe("host-key-unknown");
  });

  test("of a host's several keys it is asked for the one that is known", async () => {
    expect(await works(known("known_rsa", `${place()} ${publicKey(join(sshd.directory, "host_rsa"))}\n`))).toBe(true);
  });
});

describe("logging in", () => {
  test("a key that the host does not accept, and no key at all", async () => {
    makeKey(sshd.directory, "stranger");
    const refused = await failing(sshd.options({ identity: "stranger" }));
    expect(refused).toMatchObject({ code: "key-refused", detail: [expect.stringContaining("stranger")] });
    expect(await failing(sshd.options({ identity: null }))).toMatchObject({ code: "key-refused" });
    expect(await failing(sshd.options({ identity: "no-such-key" }))).toMatchObject({ code: "key-refused" });
  });

  test("an agent's key works, also for an identity that is encrypted", async () => {
    const socket = join(sshd.directory, "agent.sock");
    const agent = spawn("/usr/bin/ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise((resolve) => agent.stdout.once("data", resolve));
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    await new Promise((resolve) =>
      spawn("/usr/bin/ssh-add", ["-q", join(sshd.directory, "id")], { env, stdio: "ignore" }).once("exit", resolve),
    );
    const withAgent = (identity: string | null): SshOptions => {
      const options = sshd.options({ identity });
      return { ...options, places: { ...options.places, agent: socket } };
    };
    await works(withAgent(null));
    const locked = join(sshd.directory, "locked");
    writeFileSync(locked, readFileSync(join(sshd.directory, "id")), { mode: 0o600 });
    must("ssh-keygen", "-q", "-p", "-P", "", "-N", "a passphrase", "-f", locked);
    await works(withAgent("locked"));
    expect(await failing(sshd.options({ identity: "locked" }))).toMatchObject({
      code: "key-refused",
      hint: expect.stringContaining("ssh-add"),
    });
    agent.kill();
  });

  test("an agent that is gone does not keep ssh's usual key files from being tried", async () => {
    const options = sshd.options({ identity: null });
    const home = join(sshd.directory, "operator");
    mkdirSync(join(home, ".ssh"), { recursive: true });
    copyFileSync(join(sshd.directory, "id"), join(home, ".ssh/id_ed25519"));
    for (const agent of [join(sshd.directory, "no-agent"), ""]) {
      expect(await works({ ...options, places: { ...options.places, home, agent } })).toBe(true);
    }
  });

  test("sudo that does not let us in", async () => {
    const failure = await failing(sshd.options({ user: "guest", become: "sudo" }));
    expect(failure).toMatchObject({ code: "sudo-refused", message: expect.stringContaining("guest") });
    expect(failure.detail.length).toBeGreaterThan(0);
  });

  test("sudo that does not let us in, when its end comes together with the word that it began", async () => {
    const slow = await listen((socket) => pipeInLumps(socket, sshd.port));
    sshd.file("known_slow", `[127.0.0.1]:${slow.port} ${sshd.hostKey}\n`);
    const options = sshd.options({ port: slow.port, knownHosts: ["known_slow"], user: "guest", become: "sudo" });
    expect(await failing(options)).toMatchObject({ code: "sudo-refused" });
    slow.close();
  });
});

describe.each([
  ["as root", {}],
  ["by sudo", { user: "drover", become: "sudo" }],
] as const)("commands that do not end well, %s", (name, change) => {
  const script = (text: string): Request => request(reading("test.script", text));
  let transport: Transport;
  beforeAll(() => {
    transport = createSshTransport(sshd.options(change));
  });
  afterAll(() => transport.close());
  const run = async (text: string, limits = relaxed()): Promise<Failure> =>
    failureOf(await transport.exec("box", script(text), limits));

  test("one that is killed", async () => {
    expect(await run("kill -9 $$")).toMatchObject({
      code: "command-killed",
      message: expect.stringContaining("SIGKILL"),
    });
  });

  test("one that prints without end", async () => {
    expect(await run("exec cat /dev/zero")).toMatchObject({
      code: "command-failed",
      message: expect.stringContaining("16 MiB"),
    });
  });

  test("one whose disk is full", async () => {
    const command = write({ path: join(sshd.directory, "small/x"), mode: "600", owner: "root" });
    const result = await transport.exec("box", request(command, [frame(new Uint8Array(3_000_000))]), relaxed());
    if (result.kind === "failed") throw new Error(result.failure.message);
    expect(exitFailure({ host: "box", doing: "writing", ...result })).toMatchObject({
      code: "disk-full",
      detail: [expect.stringContaining("No space left")],
    });
  });

  test("one that is aborted is stopped on the host too, with all that it started", async () => {
    const pids = join(sshd.directory, `pids-${name.replace(" ", "-")}`);
    const abort = new AbortController();
    const running = transport.exec(
      "box",
      request(mutating("test.tree", `sleep 300 & echo $$ $! > "$1.new"; mv "$1.new" "$1"; sleep 301`, [pids])),
      relaxed({ signal: abort.signal }),
    );
    const started = await until(() => tryRead(pids));
    abort.abort();
    expect(failureOf(await running)).toMatchObject({ code: "interrupted", hint: "" });
    for (const pid of started.trim().split(" ")) await until(() => (alive(Number(pid)) ? null : "gone"));
  });

  test("one whose connection is lost; the next one gets a new connection", async () => {
    // The parent of the login shell is sshd's own process for this connection.
    const lost = await run(
      `p=$$; while [ "$(cat /proc/$p/comm)" != sshd ]; do p=$(cut -d")" -f2- /proc/$p/stat | cut -d" " -f3); done; kill -9 $p; sleep 5`,
    );
    expect(lost.code).toBe("host-lost");
    expect(await transport.exec("box", script("echo back"), relaxed())).toMatchObject({ stdout: "back\n" });
  });
});

test("a login shell that prints on its own disturbs nothing", async () => {
  const profile = await startSshd();
  onTestFinished(() => profile.stop());
  profile.file("home/.bashrc", "echo 'welcome'; echo drover-begin; printf 'no newline, drover-begin 12 '\n");
  const transport = createSshTransport(profile.options());
  expect(await transport.exec("box", request(echoArgs(["a"])), relaxed())).toMatchObject({ stdout: "a\0" });
  const opened = await transport.open("box", request(shout("hi")), relaxed());
  expect(opened).toMatchObject({ kind: "open", channel: { greeting: "hi" } });
  await transport.close();
});

describe.concurrent("silence", () => {
  test("a listener that accepts and says nothing, at the call's deadline and at ours of ten seconds", async () => {
    const silent = await listen(() => undefined);
    const short = await failing(to("127.0.0.1", silent.port), request(exitWith(0)), relaxed({ deadline: 300 }));
    expect(short.code).toBe("host-timeout");
    const started = performance.now();
    const long = await failing(to("127.0.0.1", silent.port));
    expect(long).toMatchObject({ code: "host-timeout", message: expect.stringContaining("10 s") });
    expect(performance.now() - started).toBeLessThan(12_000);
    silent.close();
  });

  test("a peer that goes silent under a running command is noticed by keep-alive", async () => {
    let silent = false;
    const proxy = await listen((socket) => pipeTo(socket, sshd.port, () => silent));
    sshd.file("known_proxy", `[127.0.0.1]:${proxy.port} ${sshd.hostKey}\n`);
    const transport = createSshTransport(sshd.options({ port: proxy.port, knownHosts: ["known_proxy"] }));
    const mark = join(sshd.directory, "proxied");
    const command = mutating("test.script", `echo > "$1"; sleep 60`, [mark]);
    const running = transport.exec("box", request(command), relaxed({ deadline: 50_000 }));
    await until(() => tryRead(mark));
    silent = true;
    const started = performance.now();
    const failure = failureOf(await running);
    expect(failure.code).toBe("host-lost");
    expect(performance.now() - started).toBeLessThan(25_000);
    await transport.close();
    proxy.close();
  });
});
