// firewall show and explain on real hosts: what is in force, what was tampered with, and whether the answers are so.
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lab as makeLab } from "./support/lab.ts";
import { drover, expectDrover } from "./support/shop.ts";

const lab = makeLab("firewall-commands");

const BLOCK = `dns: {servers: "role=dns"}
firewall:
  admin: [192.168.56.1, "fd00:56::1"]
  policies:
    lone:
      hosts: "@host=app2"
      egress: []
`;

beforeAll(async () => {
  await lab.down();
  await lab.up("--only", "lb1,app1,app2,dns1");
  await appendFile(join(lab.fleet, "drover.yaml"), BLOCK);
  await expectDrover(lab, 0, "apply", "--yes");
}, 180_000);

afterAll(() => lab.down());

/** Runs a line of shell as root, on a host. */
async function sh(host: string, line: string): Promise<void> {
  const { code, stderr } = await lab.exec(host, ["sh", "-c", line]);
  expect(code, `${line}\n${stderr}`).toBe(0);
}

/** Whether a TCP connection comes about, or is at least answered by a reset: nothing need listen there. */
async function reaches(from: string, address: string, port: number): Promise<boolean> {
  const perl = `use Socket qw(:all); use Errno;
my ($e, @found) = getaddrinfo($ARGV[0], $ARGV[1], { socktype => SOCK_STREAM }); die $e if $e;
socket(my $s, $found[0]{family}, SOCK_STREAM, 0) or die $!;
$SIG{ALRM} = sub { print "silent"; exit }; alarm 2;
print connect($s, $found[0]{addr}) ? "open" : $!{ECONNREFUSED} ? "closed" : "refused: $!";`;
  const argv = ["perl", "-e", perl, address, String(port)];
  const { stdout } = from === "laptop" ? await lab.run(argv) : await lab.exec(from, argv);
  return stdout === "open" || stdout === "closed";
}

test("a host as it was confirmed has nothing to tell but its rules", async () => {
  for (const host of ["app1", "app2", "dns1", "lb1"]) {
    // oxlint-disable-next-line no-await-in-loop -- four short commands, told apart when one fails
    const shown = await expectDrover(lab, 0, "firewall", "show", host);
    expect(shown).toMatch(/: generation \d+ in force, IPv4 and IPv6, confirmed, loaded at boot\n/);
    expect(shown).toMatch(/^in {2,}192\.168\.56\.1, fd00:56::1 +tcp\/22 +fleet\/ssh:0 +drover\.yaml:\d+:\d+$/m);
  }
});

test.for([
  ["laptop", "192.168.56.1", "192.168.56.21", 22, true],
  ["laptop", "fd00:56::1", "fd00:56::21", 8080, false],
  ["laptop", "192.168.56.1", "192.168.56.11", 443, true],
  ["lb1", "lb1", "fd00:56::21", 8080, true],
  ["dns1", "dns1", "192.168.56.21", 8080, false],
  ["app1", "app1", "192.168.56.11", 80, true],
  ["app2", "app2", "192.168.56.31", 53, true],
  ["app2", "app2", "192.168.56.11", 80, false],
] as const)("from %s (%s) to %s at %i: explain says %s, and so it is", async ([from, source, to, port, allowed]) => {
  const out = await expectDrover(lab, 0, "firewall", "explain", source, to, String(port), "--output", "json");
  expect(JSON.parse(out)).toMatchObject({ allowed });
  expect(await reaches(from, to, port)).toBe(allowed);
});

test("what was tampered with is named; apply repairs what is drover's, and leaves what is not", async () => {
  const foreign = "INPUT -s 198.51.100.7/32 -j DROP";
  await sh(
    "app1",
    `chain=$(iptables -S DRV-INPUT | sed -n 's/.*-j \\(DRV-I-g.*\\)/\\1/p')
iptables -D $chain $(iptables -S $chain | grep -v '^-N' | grep -n app/shop/routes:0 | head -n 1 | cut -d: -f1)
iptables -I ${foreign}
systemctl disable -q drover-firewall`,
  );
  const { code, stdout } = await drover(lab, "firewall", "show", "app1");
  expect(stdout).toContain("\ndrift: INPUT: the rule of app/shop/routes:0 was deleted");
  expect(stdout).toContain("\ndrift: the firewall is not loaded at boot → drover apply\n");
  expect(stdout).toContain(`\ndecides before drover's rules: -A ${foreign}\n`);
  expect(code).toBe(2);
  await expectDrover(lab, 0, "apply", "--yes");
  const repaired = await expectDrover(lab, 0, "firewall", "show", "app1");
  expect(repaired).toMatch(/^app1: generation 2 in force, IPv4 and IPv6, confirmed, loaded at boot\n/);
  expect(repaired).toContain(`-A ${foreign}`);
});

test("a host that does not answer is unknown", async () => {
  await lab.partition("app2", "laptop");
  const { code, stdout } = await drover(lab, "firewall", "show", "app2", "--timeout", "5s");
  await lab.heal("app2");
  expect(stdout).toMatch(/^app2: unknown\n {2}.*\[host-timeout\]\n/);
  expect(code).toBe(1);
});
