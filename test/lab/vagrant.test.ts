// The Vagrantfile and lab/lab bring up the same hosts; nothing here starts a virtual machine.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkout, command, lab } from "./support/lab.ts";

interface VagrantHost {
  readonly name: string;
  readonly hostname: string;
  readonly box: string;
  readonly networks: readonly { readonly ip: string; readonly forward: string }[];
  readonly provisioners: readonly {
    readonly kind: string;
    readonly path?: string;
    readonly source?: string;
    readonly args?: readonly string[];
  }[];
}
type Inventory = Record<string, { address: readonly [string, string]; tags: { role: string; zone: string } }>;

const home = mkdtempSync(join(tmpdir(), "drover-vagrant-"));
afterAll(() => rmSync(home, { recursive: true }));
const env = { VAGRANT_HOME: home };

const inventory = (parse(readFileSync(join(checkout, "lab/fleet/inventory.yaml"), "utf8")) as { hosts: Inventory })
  .hosts;

test("lab/recipe/hosts and the fleet's inventory say the same", () => {
  const lines = readFileSync(join(checkout, "lab/recipe/hosts"), "utf8").split("\n");
  const hosts = lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(/ +/));
  expect(hosts).toEqual(
    Object.entries(inventory).map(([name, { address, tags }]) => [name, tags.role, ...address, tags.zone]),
  );
});

test("vagrant validate accepts the Vagrantfile", async () => {
  const outcome = await command("vagrant", ["validate"], { env });
  expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining("validated successfully") });
});

describe("what Vagrant makes of the Vagrantfile", () => {
  let providers: Record<string, readonly VagrantHost[]> = {};
  beforeAll(async () => {
    const outcome = await command("ruby", [join(import.meta.dirname, "support/vagrant-hosts.rb"), checkout], { env });
    if (outcome.code !== 0) throw new Error(outcome.stderr);
    providers = JSON.parse(outcome.stdout) as Record<string, readonly VagrantHost[]>;
  });

  test.for(["virtualbox", "libvirt"])("on %s: the inventory's hosts, names and addresses, no NAT", (provider) => {
    const hosts = (providers[provider] ?? []).map(({ name, hostname, box, networks }) => [
      name,
      hostname,
      box,
      networks,
    ]);
    expect(hosts).toEqual(
      Object.entries(inventory).map(([name, { address }]) => [
        name,
        name,
        "debian/bookworm64",
        [{ ip: address[0], forward: "none" }],
      ]),
    );
  });

  test.for(["virtualbox", "libvirt"])(
    "on %s: the lab's own recipe, hosts file and a key of the checkout",
    (provider) => {
      for (const host of providers[provider] ?? []) {
        const [hosts, key, recipe, address6] = host.provisioners;
        expect(hosts?.source).toBe(join(checkout, "lab/recipe/hosts"));
        expect(key?.source).toBe(join(checkout, ".lab/vagrant/id_ed25519.pub"));
        expect(recipe?.path).toBe(join(checkout, "lab/recipe/provision.sh"));
        expect(recipe?.args).toEqual(["/tmp/drover-lab/hosts", "/tmp/drover-lab/key.pub"]);
        expect(address6?.args).toEqual(inventory[host.name]?.address);
      }
    },
  );
});

describe("in a host", () => {
  const one = lab("test-vagrant");
  beforeAll(() => one.up("--only", "app1"));
  afterAll(() => one.down());

  test("the IPv6 address Vagrant cannot set comes from a unit, once, and again at every boot", async () => {
    const script = readFileSync(join(checkout, "lab/recipe/address6.sh"));
    const run = (): Promise<{ stdout: string; code: number }> =>
      one.exec("app1", ["sh", "-s", "192.168.56.21", "fd00:56::99"], { stdin: script });
    const address = async (): Promise<string> =>
      (await one.exec("app1", ["ip", "-o", "-6", "addr", "show", "to", "fd00:56::99"])).stdout;
    expect(await run()).toMatchObject({ code: 0, stdout: "1 changed\n" });
    expect(await address()).toContain("eth0");
    expect(await run()).toMatchObject({ code: 0, stdout: "0 changed\n" });
    await one.stop("app1");
    await one.start("app1");
    expect(await address()).toContain("eth0");
  });
});
