// lb show, render and verify on real balancers: what they say of a healthy pair, and of one that was tampered with.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { balancers, drover, expectDrover, openWebsocket } from "./support/shop.ts";
import { lab as makeLab, until } from "./support/lab.ts";

const lab = makeLab("lb-commands");
const CHECK = "/etc/keepalived/drover-alive";

beforeAll(async () => {
  await lab.down();
  await lab.up("--only", "lb1,lb2,app1,app2,dns1");
  const path = join(lab.fleet, "drover.yaml");
  const text = await readFile(path, "utf8");
  const vip = '  edge: {hosts: "role=lb", vip: 192.168.56.10/24, virtualRouterId: 51}';
  await writeFile(path, text.replace(/^ {2}edge: .*$/m, vip));
  await expectDrover(lab, 0, "apply", "--yes");
}, 180_000);

afterAll(() => lab.down());

/** Runs a line of shell as root, on a host. */
async function sh(host: string, line: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, ["sh", "-c", line]);
  expect(code, `${line}\n${stderr}`).toBe(0);
  return stdout;
}

/** Tells HAProxy something behind drover's back. */
async function tell(host: string, line: string): Promise<void> {
  const perl = `use IO::Socket::UNIX; $s = IO::Socket::UNIX->new("/run/haproxy/admin.sock") or die; print $s "${line}\\n"; print <$s>`;
  await lab.exec(host, ["perl", "-e", perl]);
}

interface Verified {
  readonly checks: number;
  readonly findings: readonly { readonly code: string; readonly balancer: string | null; readonly message: string }[];
}

/** What verify finds, in short, sorted. */
async function verified(code: number): Promise<readonly string[]> {
  const out = JSON.parse(await expectDrover(lab, code, "lb", "verify", "--output", "json")) as Verified;
  return out.findings.map(({ code: name, balancer }) => `${balancer ?? "edge"} ${name}`).toSorted();
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

test("a healthy pair: one holder, nothing to find, and the bytes of a render are those on its disks", async () => {
  const text = await expectDrover(lab, 0, "lb", "verify");
  expect(text).toMatch(/^verified: \d+ checks on 2 balancers\n$/);
  console.info(text.trim());
  const shown = await expectDrover(lab, 0, "lb", "show");
  expect(shown).toMatch(/^edge: VIP 192\.168\.56\.10\/24 is held by lb[12]\n/);
  expect(Math.max(...shown.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  for (const balancer of balancers) {
    for (const [file, path] of [
      ["haproxy.cfg", "/etc/haproxy/haproxy.cfg"],
      ["maps/http.map", "/etc/haproxy/drover/maps/http.map"],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- four short commands, told apart when one fails
      const rendered = await expectDrover(lab, 0, "lb", "render", balancer, "--file", file);
      // oxlint-disable-next-line no-await-in-loop -- as above
      const [found = ""] = (await sh(balancer, `sha256sum ${path}`)).split(" ");
      expect(`${balancer} ${file} ${sha256(rendered)}`).toBe(`${balancer} ${file} ${found}`);
    }
  }
});

test("a worker from before a reload is listed with what it still carries", async () => {
  const user = await openWebsocket(lab, "192.168.56.11");
  let seen = "";
  await sh("lb1", "systemctl reload haproxy");
  await until("lb1 has an old worker", async () => {
    const { stdout } = await drover(lab, "lb", "show");
    seen = stdout;
    return /lb1: worker \d+ from before a reload, .* old, still carries 1 tunnel\n/.test(stdout);
  });
  expect(seen).toMatch(/\nlb1 .* {2}2 +0 +runs/);
  user.leave();
});

test("one way closed for protocol 112 is found, though nothing shows yet", async () => {
  await sh("lb1", "iptables -A INPUT -p 112 -s 192.168.56.12 -j DROP");
  await expect(verified(2)).resolves.toEqual(["lb1 vrrp-deaf"]);
  await sh("lb1", "iptables -F INPUT");
  await expect(verified(0)).resolves.toEqual([]);
});

test("what was done by hand is found: files, servers, addresses, map entries, the check", async () => {
  await sh("lb2", `echo '# mine' >> /etc/haproxy/haproxy.cfg; chmod 777 ${CHECK}`);
  await tell("lb1", "set server shop/app1 state maint");
  await tell("lb1", "set server shop/app2 addr 192.168.56.21");
  await tell("lb2", "add map /etc/haproxy/drover/maps/http.map other.lab.internal/ shop");
  await expect(verified(2)).resolves.toEqual(
    [
      "edge set-differs",
      "lb1 drained",
      // The state without its mark, and the address.
      "lb1 runtime-differs",
      "lb1 runtime-differs",
      "lb2 check-off",
      "lb2 config-differs",
      "lb2 runtime-differs",
    ].toSorted(),
  );
  const shown = await drover(lab, "lb", "show");
  expect(shown.stdout).toMatch(/\nlb2 .* changed by hand /);
  expect(shown.stdout).toMatch(/ {2}!  lb1 +MAINT /);
  // Their hints, in order: the plan for what it sees, a reload for the rest.
  await expectDrover(lab, 0, "apply", "--yes");
  await sh("lb1", "systemctl reload haproxy");
  await expect(verified(0)).resolves.toEqual([]);
});

test("two holders, no holder and a holder that is not known are said, with exit code 1", async () => {
  await sh("lb1", "iptables -A INPUT -p 112 -j DROP");
  await sh("lb2", "iptables -A INPUT -p 112 -j DROP");
  await until("both hold it", async () => {
    const { code, stdout } = await drover(lab, "lb", "show");
    return code === 1 && stdout.startsWith("edge: VIP 192.168.56.10/24 IS HELD BY 2 BALANCERS: lb1, lb2;");
  });
  await Promise.all(balancers.map((balancer) => sh(balancer, "iptables -F INPUT; systemctl stop keepalived")));
  const nobody = await drover(lab, "lb", "show");
  expect([nobody.code, nobody.stdout.split("\n")[0]]).toEqual([
    1,
    "edge: VIP 192.168.56.10/24 IS HELD BY NO BALANCER: nobody answers on it",
  ]);
  await expect(verified(2)).resolves.toEqual(["edge vip-nobody", "lb1 keepalived-down", "lb2 keepalived-down"]);
  await sh("lb1", "systemctl start keepalived");
  await lab.kill("lb2");
  await until("lb1 holds it", async () => /inet 192\.168\.56\.10\//.test(await sh("lb1", "ip -o addr show")));
  const silent = await drover(lab, "lb", "show", "--timeout", "5s");
  expect([silent.code, silent.stdout.split("\n")[0]]).toEqual([
    1,
    "edge: VIP 192.168.56.10/24 is held by lb1, BUT NOT EVERY BALANCER TOLD: not lb2",
  ]);
  const { code, stdout } = await drover(lab, "lb", "verify", "--timeout", "5s");
  expect(code, stdout).toBe(1);
});
