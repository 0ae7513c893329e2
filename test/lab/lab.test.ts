import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { traces } from "./support/traces.ts";
import { checkout, command, lab, labCommand, until } from "./support/lab.ts";

const small = ["--only", "lb1,app1,app2"];

const ssh = ["ssh", "-i", "id_ed25519", "-o", "UserKnownHostsFile=known_hosts", "-o", "BatchMode=yes"];

async function output(of: Promise<{ code: number; stdout: string; stderr: string }>): Promise<string> {
  const { code, stdout, stderr } = await of;
  if (code !== 0) throw new Error(`ended with ${code}: ${stderr}`);
  return stdout.trim();
}

describe("a lab of six hosts", () => {
  const six = lab("test-six", { dns: true });
  beforeAll(() => six.up());
  afterAll(() => six.down());

  test("has every host running, and its fleet is lab/fleet with key, host keys and artifacts", async () => {
    const rows = (await six.status()).trim().split("\n").slice(1);
    expect(rows.map((row) => row.split(/ +/).filter((_, at) => at === 0 || at === 4))).toEqual(
      ["lb1", "lb2", "app1", "app2", "app3", "dns1"].map((host) => [host, "running"]),
    );
    for (const file of ["drover.yaml", "inventory.yaml", "apps/shop.yaml"]) {
      expect(readFileSync(join(six.fleet, file), "utf8")).toBe(readFileSync(join(checkout, "lab/fleet", file), "utf8"));
    }
    expect(statSync(join(six.fleet, "id_ed25519")).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(six.fleet, "dist"))).toContain("shop-1.6.3-abrupt.tar.gz");
  });

  test("coming up again is quick and changes nothing", async () => {
    const boots = (): Promise<string[]> =>
      Promise.all(["lb1", "dns1"].map((host) => output(six.exec(host, ["cat", "/proc/sys/kernel/random/boot_id"]))));
    const before = await boots();
    const started = Date.now();
    await six.up();
    expect(Date.now() - started).toBeLessThan(5_000);
    expect(await boots()).toEqual(before);
  });

  test("hosts have a machine-id, a host name and an ssh host key of their own", async () => {
    const script = "cat /etc/machine-id; hostname; cat /etc/ssh/ssh_host_ed25519_key.pub";
    const answers = await Promise.all(
      ["lb1", "lb2", "app1", "app2", "app3", "dns1"].map((host) => output(six.exec(host, ["sh", "-c", script]))),
    );
    for (const line of [0, 1, 2]) {
      expect(new Set(answers.map((answer) => answer.split("\n")[line])).size).toBe(6);
    }
  });

  test("from the laptop drover's user reaches each host under strict host keys, over IPv4 and IPv6, and is root by sudo", async () => {
    const inventory: unknown = parse(readFileSync(join(six.fleet, "inventory.yaml"), "utf8"));
    expect(inventory).toMatchObject({ hosts: { app3: { address: ["192.168.56.23", "fd00:56::23"] } } });
    for (const [host, address] of [
      ["app3", "192.168.56.23"],
      ["dns1", "fd00:56::31"],
      ["lb2", "lb2"],
    ] as const) {
      expect(await output(six.run([...ssh, `drover@${address}`, "hostname; sudo -n id -u"]))).toBe(`${host}\n0`);
    }
  });

  test("haproxy, keepalived, BIND and systemd-resolved are installed and not started, and names are found as before", async () => {
    const units = ["haproxy", "keepalived", "named", "systemd-resolved"];
    const states = await six.exec("lb1", ["systemctl", "is-enabled", ...units]);
    expect(states.stdout.trim().split("\n")).toEqual(units.map(() => "disabled"));
    const active = await six.exec("lb1", ["systemctl", "is-active", ...units]);
    expect(active.stdout.trim().split("\n")).toEqual(units.map(() => "inactive"));
    const naming = await output(
      six.exec("lb1", ["sh", "-c", "stat -c %F /etc/resolv.conf; grep ^hosts: /etc/nsswitch.conf"]),
    );
    expect(naming).toMatch(/^regular file\nhosts: +files dns$/);
  });

  test("the recipe, run again in a host, finds nothing to change", async () => {
    const recipe = readFileSync(join(checkout, "lab/recipe/provision.sh"));
    const hosts = readFileSync(join(checkout, "lab/recipe/hosts"));
    const key = readFileSync(join(checkout, ".lab/test-six/id_ed25519.pub"));
    for (const [file, stdin] of [
      ["/root/provision.sh", recipe],
      ["/root/hosts", hosts],
      ["/root/key.pub", key],
    ] as const) {
      await output(six.exec("app3", ["sh", "-c", 'cat > "$1"', "sh", file], { stdin }));
    }
    const again = six.exec("app3", ["sh", "/root/provision.sh", "/root/hosts", "/root/key.pub"]);
    expect(await output(again)).toBe("0 changed");
    expect(await output(six.exec("app3", ["systemctl", "is-system-running"]))).toBe("running");
  });

  test("the recipe puts back what was changed in a host, and counts it", async () => {
    await output(six.exec("app2", ["rm", "/etc/sudoers.d/drover"]));
    const recipe = readFileSync(join(checkout, "lab/recipe/provision.sh"));
    expect(await output(six.exec("app2", ["sh", "-s"], { stdin: recipe }))).toBe(
      "changed: /etc/sudoers.d/drover\n1 changed",
    );
  });

  test("more hosts can be added while it is up, and the inventory knows them", async () => {
    await six.up("--add", "app4", "--add", "dns2");
    const inventory = readFileSync(join(six.fleet, "inventory.yaml"), "utf8");
    for (const [host, role, last] of [
      ["app4", "app", "24"],
      ["dns2", "dns", "32"],
    ] as const) {
      expect(await output(six.exec(host, ["hostname"]))).toBe(host);
      const addresses = `[192.168.56.${last}, fd00:56::${last}]`;
      expect(inventory).toContain(`${host}: {address: ${addresses}, tags: {role: ${role}, zone: b}}`);
      const ping = ["ping", "-c", "1", "-W", "2", `192.168.56.${last}`];
      expect(await output(six.exec("lb1", ping))).toContain("1 received");
    }
  });
});

describe("a small lab", () => {
  const some = lab("test-some");
  const reaches = async (from: string, address: string): Promise<boolean> =>
    (await some.exec(from, ["ping", "-c", "1", "-W", "1", address])).code === 0;
  const laptopReaches = async (address: string): Promise<boolean> =>
    (await some.run(["curl", "-s", "--connect-timeout", "1", `telnet://${address}:22`, "-m", "1"])).stdout.startsWith(
      "SSH-",
    );

  beforeAll(() => some.up(...small, "--disk", "64MiB", "app2"));
  afterAll(() => some.down());

  test("exec and run pass arguments, stdin, both outputs and the exit code through", async () => {
    const argv = ["sh", "-c", 'cat; printf "%s|" "$@"; echo oops >&2; exit 7', "sh", "a b", "$(id)", "'", "--", ""];
    const expected = { code: 7, stdout: "in\na b|$(id)|'|--||", stderr: "oops\n" };
    expect(await some.exec("app1", argv, { stdin: "in\n" })).toEqual(expected);
    expect(await some.run(argv, { stdin: "in\n" })).toEqual(expected);
  });

  test("run starts in the fleet, with the project's Node and drover first, and without an ssh agent", async () => {
    const script = 'pwd; command -v drover; node --version; echo "agent:$SSH_AUTH_SOCK"; getent hosts app1';
    const lines = (await output(some.run(["sh", "-c", script], { env: { SSH_AUTH_SOCK: "/nowhere" } }))).split("\n");
    expect(lines[0]).toBe(some.fleet);
    expect(lines[1]).toBe(join(checkout, ".lab/test-some/bin/drover"));
    expect(lines[2]).toMatch(/^v24\./);
    expect(lines[3]).toBe("agent:");
    expect(lines[4]).toMatch(/app1$/);
  });

  test("a host sees its own interface only, and this machine sees none of the lab's", async () => {
    expect((await output(some.exec("app1", ["ls", "/sys/class/net"]))).split(/\s+/)).toEqual(["eth0", "lo"]);
    expect((await command("ip", ["-br", "addr"])).stdout).not.toContain("192.168.56.");
  });

  for (const verb of ["stop", "kill"] as const) {
    test(`${verb} and start keep files, and what only lived in the kernel is gone`, async () => {
      await output(some.exec("app1", ["sh", "-c", `echo ${verb} > /var/lib/kept && sync`]));
      await output(some.exec("app1", ["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "81", "-j", "DROP"]));
      await output(some.exec("app1", ["ip", "addr", "add", "192.168.56.99/24", "dev", "eth0"]));
      const before = await output(some.exec("app1", ["cat", "/proc/sys/kernel/random/boot_id"]));
      await some[verb]("app1");
      expect(await reaches("lb1", "192.168.56.21")).toBe(false);
      expect((await some.exec("app1", ["true"])).code).not.toBe(0);
      await some.start("app1");
      expect(await output(some.exec("app1", ["cat", "/var/lib/kept"]))).toBe(verb);
      expect(await output(some.exec("app1", ["iptables", "-S", "INPUT"]))).toBe("-P INPUT ACCEPT");
      expect(await output(some.exec("app1", ["ip", "-br", "-4", "addr", "show", "eth0"]))).not.toContain(".99");
      expect(await output(some.exec("app1", ["cat", "/proc/sys/kernel/random/boot_id"]))).not.toBe(before);
      expect(await reaches("lb1", "192.168.56.21")).toBe(true);
    });
  }

  test("stop is orderly, kill is not", async () => {
    const unit = ["systemd-run", "--unit=farewell", "-p", "ExecStop=/usr/bin/touch /var/lib/farewell", "sleep", "1000"];
    for (const [verb, said] of [
      ["kill", false],
      ["stop", true],
    ] as const) {
      await output(some.exec("app1", unit));
      await some[verb]("app1");
      await some.start("app1");
      expect((await some.exec("app1", ["test", "-e", "/var/lib/farewell"])).code === 0).toBe(said);
    }
  });

  test("a killed host says no goodbye: an open connection to it just falls silent", async () => {
    const listen =
      'import socket; s = socket.create_server(("", 7000)); c = s.accept()[0]; c.send(b"hello"); c.recv(1)';
    await output(some.exec("app1", ["systemd-run", "--unit=talk", "python3", "-c", listen]));
    const talk = some.background([
      "python3",
      "-uc",
      `import socket, time
for _ in range(100):
    try: s = socket.create_connection(("192.168.56.21", 7000), 1); break
    except OSError: time.sleep(0.05)
print(s.recv(5).decode())
s.settimeout(3)
try: print("goodbye", s.recv(5))
except TimeoutError: print("silence")
except OSError as error: print("goodbye", error)`,
    ]);
    let heard = "";
    talk.stdout?.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    await until("the first word", () => Promise.resolve(heard.includes("hello")));
    const ended = once(talk, "close");
    await some.kill("app1");
    await ended;
    await some.start("app1");
    expect(heard).toBe("hello\nsilence\n");
  });

  test("a partition is from the laptop, from one peer or from all, outlives a reboot, and heals", async () => {
    await some.partition("app1", "laptop");
    expect(await laptopReaches("192.168.56.21")).toBe(false);
    expect(await laptopReaches("[fd00:56::21]")).toBe(false);
    expect(await reaches("lb1", "192.168.56.21")).toBe(true);
    await some.heal();
    await some.partition("app1", "lb1");
    expect(await laptopReaches("192.168.56.21")).toBe(true);
    expect(await reaches("lb1", "fd00:56::21")).toBe(false);
    await some.kill("app1");
    await some.start("app1");
    expect(await reaches("app1", "192.168.56.11")).toBe(false);
    expect(await reaches("app1", "192.168.56.22")).toBe(true);
    await some.partition("app2", "all");
    expect(await reaches("app1", "192.168.56.22")).toBe(false);
    expect(await laptopReaches("192.168.56.22")).toBe(false);
    await some.heal("app1");
    expect(await reaches("lb1", "192.168.56.21")).toBe(true);
    expect(await reaches("app2", "192.168.56.21")).toBe(false);
    await some.heal();
    expect(await reaches("app2", "192.168.56.21")).toBe(true);
  });

  test("a memory limit binds: a unit of 40 MB that takes 120 MB is killed", async () => {
    const limits = ["--wait", "--pipe", "--quiet", "-p", "MemoryMax=40M", "-p", "MemorySwapMax=0"];
    const script = 'import sys; x = bytearray(int(sys.argv[1]) << 20); print("took", len(x) >> 20)';
    const take = (megabytes: number): ReturnType<typeof some.exec> =>
      some.exec("app1", ["systemd-run", ...limits, "python3", "-c", script, String(megabytes)]);
    expect((await take(10)).stdout).toBe("took 10\n");
    const killed = await take(120);
    expect(killed.code).not.toBe(0);
    expect(killed.stdout).toBe("");
  });

  test("a size-limited host runs out of space for real", async () => {
    const full = await some.exec("app2", ["dd", "if=/dev/zero", "of=/var/tmp/big", "bs=1M", "count=100"]);
    expect(full.code).not.toBe(0);
    expect(full.stderr).toContain("No space left on device");
    await output(some.exec("app2", ["rm", "/var/tmp/big"]));
    await some.stop("app2");
    await some.start("app2");
    expect(Number((await output(some.exec("app2", ["df", "--output=size", "-m", "/"]))).split("\n")[1])).toBeLessThan(
      64,
    );
  });

  test("a second lab with the same addresses stands beside it", async () => {
    const other = lab("test-beside");
    try {
      await other.up("--only", "app1");
      await output(other.exec("app1", ["sh", "-c", "echo other > /var/lib/mine"]));
      expect((await some.exec("app1", ["test", "-e", "/var/lib/mine"])).code).toBe(1);
    } finally {
      await other.down();
    }
    expect(await reaches("lb1", "192.168.56.21")).toBe(true);
  });
});

describe("coming and going", () => {
  test("down leaves no process, mount, namespace, interface, control group, loop device or file", async () => {
    const brief = lab("test-brief");
    const before = await traces("test-brief");
    await brief.up("--only", "lb1,app1", "--disk", "64MiB", "app1");
    const load = brief.background(["sleep", "1000"]);
    await until("the load to start", async () =>
      (await traces("test-brief")).processes.some((p) => p.includes("sleep 1000")),
    );
    const during = await traces("test-brief");
    expect(during.processes.length).toBeGreaterThan(10);
    expect(during.groups.length).toBeGreaterThan(10);
    expect({ ...during, processes: [], groups: [], files: [], loops: [] }).toEqual({ ...before, loops: [] });
    const ended = once(load, "close");
    await brief.down();
    await ended;
    expect(await traces("test-brief")).toEqual(before);
    await brief.down();
  });

  /**
   * Starts an up and kills it, alone or with all its children, after so many milliseconds: the moment is the case. An up
   * that was quicker than its killer is whole, and what follows must hold for it too.
   */
  async function tornUp(name: string, delay: number, victim: "itself" | "its process group"): Promise<void> {
    const up = spawn(join(checkout, "lab/lab"), ["up", "--only", "lb1,app1"], {
      env: { ...process.env, LAB: name },
      detached: true,
      stdio: "ignore",
    });
    const ended = once(up, "close");
    if (up.pid === undefined) throw new Error("lab/lab did not start");
    await new Promise((resolve) => setTimeout(resolve, delay));
    if (up.exitCode === null) process.kill(victim === "itself" ? up.pid : -up.pid, "SIGKILL");
    await ended;
  }

  test.concurrent.for([
    [120, "its process group"],
    [300, "itself"],
    [500, "its process group"],
    [900, "itself"],
    [1500, "its process group"],
  ] as const)("an up killed after %i ms, %s, is finished by the next up", async ([delay, victim]) => {
    const name = `test-torn-${delay}ms`;
    const torn = lab(name);
    const before = await traces(name);
    await tornUp(name, delay, victim);
    await torn.up("--only", "lb1,app1");
    expect(await output(torn.exec("app1", ["systemctl", "is-system-running"]))).toBe("running");
    expect(await output(torn.run([...ssh, "drover@192.168.56.21", "sudo -n hostname"]))).toBe("app1");
    await torn.down();
    expect(await traces(name)).toEqual(before);
  });

  test.concurrent.for([
    [200, "itself"],
    [700, "its process group"],
    [1200, "itself"],
  ] as const)("an up killed after %i ms, %s, is cleaned by down", async ([delay, victim]) => {
    const name = `test-torn-${delay}ms`;
    const before = await traces(name);
    await tornUp(name, delay, victim);
    await lab(name).down();
    expect(await traces(name)).toEqual(before);
  });

  test("wrong use is told in a sentence, with exit code 64, and makes nothing", async () => {
    for (const [args, said] of [
      [["fly"], 'no verb "fly"'],
      [["up", "--add", "web1"], '"web1" is not a host the lab can add'],
      [["up", "--only", "web1"], '"web1" is not a host the lab can add'],
      [["--lab", "../x", "up"], '"../x" is not a name for a lab'],
      [["stop"], "stop needs one host"],
    ] as const) {
      const outcome = await labCommand("test-wrong", args);
      expect(outcome).toMatchObject({ code: 64, stderr: expect.stringContaining(said) });
    }
    expect((await labCommand("test-wrong", ["run", "true"])).stderr).toContain("is not up");
    expect(existsSync(join(checkout, ".lab/test-wrong"))).toBe(false);
  });

  test("without root it says what to do instead, and ends with 69", async () => {
    const outcome = await command("setpriv", ["--reuid=65534", "--clear-groups", join(checkout, "lab/lab"), "up"]);
    expect(outcome.code).toBe(69);
    expect(outcome.stderr).toMatch(/needs root.*\n.*vagrant up/);
  });
});
