import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diffNamed } from "../../src/named/diff.ts";
import { removeNamed } from "../../src/named/steps.ts";
import type { NamedAction } from "../../src/model/named.ts";
import { configOf, zoneOf } from "../unit/named/models.ts";
import { driver } from "./support/drive.ts";
import { lab, until } from "./support/lab.ts";
import { killedAnywhere, wrongSecret } from "./support/scenarios/named-cuts.ts";
import { modelOf, namedPair, secretOf, SERVERS, type Server } from "./support/named.ts";

const ZONE = "svc.lab.internal";
const real = lab("test-named");
const { sh } = driver(real);
const pair = namedPair(real);
const HOSTS: readonly Server[] = ["dns1", "dns2"];

/** On the laptop; what it prints. */
async function laptop(script: string): Promise<string> {
  const { code, stdout, stderr } = await real.run(["sh", "-c", script]);
  if (code !== 0) throw new Error(`${script}: ${String(code)}: ${stdout}${stderr}`);
  return stdout;
}

function dig(host: Server, words: string): Promise<string> {
  return laptop(`dig @${SERVERS[host]} +norec +time=2 +tries=2 ${words}`);
}

function keyFile(name: string): string {
  return join(real.fleet, `${name}.key`);
}

/** Sends an update to a server, signed with a key or with none; nsupdate's words. */
async function update(lines: string, key: string | null, host: Server = "dns1"): Promise<string> {
  const argv = ["nsupdate", ...(key === null ? [] : ["-k", keyFile(key)])];
  const stdin = `server ${SERVERS[host]}\nzone ${ZONE}\n${lines}\nsend\n`;
  const { code, stderr } = await real.run(argv, { stdin });
  return code === 0 ? "done" : stderr.trim();
}

/** Asks a server again and again until told to stop; gives how often it did not answer for the zone, and of how many. */
async function watch(host: Server): Promise<() => Promise<{ readonly asked: number; readonly failed: number }>> {
  const stop = join(real.fleet, `stop-${host}`);
  await laptop(`rm -f ${stop}`);
  const program = join(import.meta.dirname, "support/zone-watch.py");
  const running = laptop(`exec python3 ${program} ${SERVERS[host]} ${ZONE} ${stop}`);
  running.catch(() => "told when it is asked for");
  return async () => {
    await laptop(`touch ${stop}`);
    const [asked = 0, failed = 0] = (await running).trim().split(" ").map(Number);
    return { asked, failed };
  };
}

async function installBoth(key: string): Promise<void> {
  for (const host of HOSTS) {
    expect(await pair.install(host, key), host).toMatchObject({ kind: "done" });
    expect(await pair.diff(host, key), host).toEqual({ kind: "same" });
  }
}

/** How often named has read its files, and which process it is. */
function life(host: Server): Promise<string> {
  return sh(
    host,
    "systemctl show -p MainPID --value named; journalctl -q -u named -o cat --no-pager | grep -c 'loading configuration from'",
  );
}

beforeAll(async () => {
  await real.up("--only", "dns1", "--add", "dns2");
  for (const key of ["drover", "drover2"]) {
    const text = `key "${key}" { algorithm hmac-sha256; secret "${secretOf(key)}"; };\n`;
    writeFileSync(keyFile(key), text, { mode: 0o600 });
  }
  // An operator's own zone is there before drover comes.
  await sh(
    "dns1",
    `printf '$TTL 60\\n@ IN SOA ns hostmaster 7 60 60 60 60\\n@ IN NS ns\\nns IN A 10.9.9.9\\n' > /etc/bind/db.own;
     echo 'zone "own.test" { type master; file "/etc/bind/db.own"; };' >> /etc/bind/named.conf.local`,
  );
}, 240_000);

afterAll(async () => {
  await real.down();
});

describe("a primary and a secondary", () => {
  test("are set up one after the other, and the key is seen nowhere meanwhile", async () => {
    const secrets = `${secretOf("drover")}\n${secretOf("drover2")}\n`;
    const looking = HOSTS.map((host) =>
      real.exec(
        host,
        [
          "perl",
          "-e",
          'my @secret = map { chomp; $_ } <STDIN>; unlink "/run/looked"; my $n = 0; open(my $f, ">", "/run/looking"); until (-e "/run/looked") { for my $p (glob "/proc/[0-9]*/cmdline /proc/[0-9]*/environ") { open(my $f, "<", $p) or next; local $/; my $t = <$f> // next; $n++; for (@secret) { print "SEEN in $p\\n" if index($t, $_) >= 0 } } select(undef, undef, undef, 0.01) } print "looked $n\\n"',
        ],
        { stdin: secrets },
      ),
    );
    await Promise.all(HOSTS.map((host) => sh(host, "until [ -e /run/looking ]; do sleep 0.05; done")));
    await installBoth("drover");
    await Promise.all(HOSTS.map((host) => sh(host, "touch /run/looked")));
    for (const { stdout } of await Promise.all(looking)) expect(stdout).toMatch(/^looked \d{3,}\n$/);
    for (const host of HOSTS) {
      expect(await sh(host, "stat -c '%a %U:%G' /etc/bind/drover.key")).toBe("640 root:bind\n");
      const places = "/var/lib/drover/manifest /var/lib/drover/staged /var/log /etc/bind/named.conf /run/systemd";
      const found = await real.exec(
        host,
        [
          "sh",
          "-c",
          `cat > /run/secrets; journalctl --no-pager -q | grep -cFf /run/secrets; grep -rlFf /run/secrets ${places}; rm /run/secrets`,
        ],
        { stdin: secrets },
      );
      expect(found.stdout, host).toBe("0\n");
    }
  });

  test("answer for the zone alike, over both families, and give nothing else away", async () => {
    const soa = await dig("dns1", `+short SOA ${ZONE}`);
    expect(soa).toMatch(/^dns1\.svc\.lab\.internal\. hostmaster\.svc\.lab\.internal\. \d{10} 30 5 1209600 5\n$/);
    const looked = HOSTS.map(async (host) => {
      expect(await dig(host, `SOA ${ZONE}`)).toMatch(/flags: qr aa;/);
      expect(await dig(host, `+short SOA ${ZONE}`)).toBe(soa);
      expect(await dig(host, `+short TXT _drover.dns2.${ZONE}`)).toBe(
        '"heritage=drover" "owner=lab" "rev=1" "epoch=0" "run=zone"\n',
      );
      // The laptop is no client.
      expect(await dig(host, "+rec A example.org")).toContain("status: REFUSED");
      expect(await dig(host, "+short CH TXT version.bind")).toBe("");
      expect(await dig(host, "+short CH TXT hostname.bind")).toBe("");
    });
    await Promise.all(looked);
    expect(await laptop(`dig @fd00:56::32 +short AAAA dns1.${ZONE}`)).toBe("fd00:56::31\n");
    expect(await sh("dns2", "dig @192.168.56.31 +time=1 +tries=1 A example.org || true")).not.toContain("REFUSED");
    expect(await dig("dns1", "+short SOA own.test")).toContain(" 7 ");
  });

  test("a change is on the secondary within a second", async () => {
    const took: number[] = [];
    for (const port of [8080, 8081, 8082]) {
      const script = `
        name=_shop._tcp.${ZONE}; began=$(date +%s%N)
        printf 'server ${SERVERS.dns1}\\nzone ${ZONE}\\nupdate delete %s SRV\\nupdate add %s 15 SRV 0 1 ${String(port)} dns1.${ZONE}\\nsend\\n' $name $name | nsupdate -k ${keyFile("drover")}
        until [ "$(dig @${SERVERS.dns2} +short SRV $name)" = "0 1 ${String(port)} dns1.${ZONE}." ]; do :; done
        echo $(( ($(date +%s%N) - began) / 1000000 ))`;
      took.push(Number(await laptop(script)));
    }
    console.log(`update to secondary: ${took.join(", ")} ms`);
    expect(Math.max(...took)).toBeLessThan(1000);
  });

  test("only the key changes anything, and only records of four types", async () => {
    const srv = `update add _x._tcp.${ZONE} 15 SRV 0 1 1 dns1.${ZONE}`;
    expect(await update(srv, null)).toContain("REFUSED");
    expect(await update(srv, "drover2")).toMatch(/BADKEY|NOTAUTH/);
    expect(await update(srv, "drover", "dns2")).toMatch(/REFUSED|NOTAUTH|NOTIMP/);
    const refused = [
      `x.${ZONE} 60 CNAME dns1.${ZONE}`,
      `x.${ZONE} 60 MX 10 dns1.${ZONE}`,
      `x.${ZONE} 60 NS dns1.${ZONE}`,
      `${ZONE} 60 NS dns1.${ZONE}`,
      `${ZONE} 60 CAA 0 issue "x"`,
    ];
    const words = await Promise.all(refused.map((record) => update(`update add ${record}`, "drover")));
    for (const [index, said] of words.entries()) expect(said, refused[index]).toContain("REFUSED");
    expect(await update(`update add a.${ZONE} 60 A 10.0.0.1\nupdate add a.${ZONE} 60 TXT x`, "drover")).toBe("done");
    for (const host of HOSTS) {
      expect(await dig(host, `AXFR ${ZONE}`)).toContain("Transfer failed");
      expect(await laptop(`dig @${SERVERS[host]} -k ${keyFile("drover")} AXFR ${ZONE} | grep -c SOA`)).toBe("2\n");
    }
  });

  test("a second installation changes nothing", async () => {
    const before = await Promise.all(HOSTS.map(life));
    const again = await Promise.all(HOSTS.map((host) => pair.install(host, "drover")));
    for (const outcome of again) expect(outcome).toEqual({ kind: "done", note: "unchanged" });
    expect(await Promise.all(HOSTS.map(life))).toEqual(before);
  });

  test("what does not come up is put back, while BIND answers", async () => {
    const model = modelOf("dns1", "drover");
    const before = await Promise.all(HOSTS.map(pair.facts));
    const lives = await Promise.all(HOSTS.map((host) => sh(host, "systemctl show -p MainPID --value named")));
    const watched = await Promise.all(HOSTS.map(watch));
    const { config } = await pair.input("dns1", "drover");
    const bad = async (changes: { readonly config?: string; readonly zoneFile?: string }): Promise<unknown> =>
      await pair.install("dns1", "drover", { model, ...changes });
    const onPrimary = async (): Promise<void> => {
      expect(await bad({ config: config.replace("recursion yes", "recursion yess") })).toMatchObject({
        failure: { code: "dns-server", message: "dns1: named-checkconf refuses the new named.conf" },
      });
      // root can read it, and so named-checkconf says nothing; named cannot.
      await sh("dns1", "umask 077; echo '// nothing' > /etc/bind/mine.conf");
      expect(await bad({ config: `${config}include "/etc/bind/mine.conf";\n` })).toMatchObject({
        failure: {
          message: "dns1: BIND does not take the new files; the previous files are back and BIND runs",
          detail: expect.arrayContaining([expect.stringContaining("permission denied")]),
        },
      });
    };
    await Promise.all([onPrimary(), wrongSecret(pair, sh, "quick")]);
    for (const stop of watched) {
      const { asked, failed } = await stop();
      expect(asked).toBeGreaterThan(20);
      expect(failed).toBe(0);
    }
    expect(await Promise.all(HOSTS.map(pair.facts))).toEqual(before);
    expect(await Promise.all(HOSTS.map((host) => sh(host, "systemctl show -p MainPID --value named")))).toEqual(lives);
    expect(await update(`update add b.${ZONE} 60 A 10.0.0.2`, "drover")).toBe("done");
    await until("the secondary has it", async () => (await dig("dns2", `+short A b.${ZONE}`)) === "10.0.0.2\n", 2000);
  });

  test("a new key comes on the primary first; the old one is worth nothing then, and the way back is as good", async () => {
    const lives = await Promise.all(HOSTS.map((host) => sh(host, "systemctl show -p MainPID --value named")));
    const before = new Map(await Promise.all(HOSTS.map(async (host) => [host, await pair.facts(host)] as const)));
    await installBoth("drover2");
    expect(await Promise.all(HOSTS.map((host) => sh(host, "systemctl show -p MainPID --value named")))).toEqual(lives);
    expect(await update(`update add c.${ZONE} 60 A 10.0.0.3`, "drover")).toMatch(/BADKEY|NOTAUTH/);
    expect(await update(`update add c.${ZONE} 60 A 10.0.0.3`, "drover2")).toBe("done");
    await until("the secondary has it", async () => (await dig("dns2", `+short A c.${ZONE}`)) === "10.0.0.3\n", 2000);
    // And back, the last one first, as a plan takes its steps back.
    for (const host of HOSTS.toReversed()) {
      const sha256 = before.get(host)?.sha256 ?? null;
      expect(await pair.go({ kind: "named.restore", host, sha256, model: modelOf(host, "drover") }), host).toEqual({
        kind: "done",
        note: "reconfigured",
      });
      expect(await pair.facts(host)).toEqual(before.get(host));
    }
    expect(await update(`update add c2.${ZONE} 60 A 10.0.0.3`, "drover")).toBe("done");
    await until("the secondary has it", async () => (await dig("dns2", `+short A c2.${ZONE}`)) === "10.0.0.3\n", 2000);
  });

  test("killed while the key changes and done again, it comes to the same end", async () => {
    await killedAnywhere(pair, [0.05, 0.15]);
    for (const host of HOSTS) expect(await dig(host, `+short A c.${ZONE}`)).toBe("10.0.0.3\n");
  });

  test("both lose power, and have every record and the operator's zone afterwards", async () => {
    expect(await update(`update add d.${ZONE} 60 A 10.0.0.4`, "drover2")).toBe("done");
    await until("the secondary has it", async () => (await dig("dns2", `+short A d.${ZONE}`)) === "10.0.0.4\n", 2000);
    await Promise.all(HOSTS.map((host) => real.kill(host)));
    // The secondary alone: what it answers with is its own copy.
    await real.start("dns2");
    await until("dns2 answers", async () => (await dig("dns2", `+short A a.${ZONE} || true`)) === "10.0.0.1\n");
    await real.start("dns1");
    for (const host of HOSTS) {
      await until(`${host} answers`, async () => (await dig(host, `+short A d.${ZONE} || true`)) === "10.0.0.4\n");
      expect(await pair.diff(host, "drover2")).toEqual({ kind: "same" });
    }
    expect(await dig("dns1", "+short SOA own.test")).toContain(" 7 ");
  });
});

describe("a server that goes", () => {
  test("leaves BIND as the package had it, with the operator's zone; and the way back has every record", async () => {
    const before = await pair.facts("dns1");
    const serial = (await dig("dns1", `+short SOA ${ZONE}`)).split(" ")[2];
    const [[draft] = []] = removeNamed("contract", {
      host: "dns1",
      previous: { sha256: before.sha256, model: modelOf("dns1", "drover2") },
    });
    const [[undo] = []] = draft?.undo.kind === "stages" ? draft.undo.stages : [];
    if (undo?.action.kind !== "named.restore") throw new Error("removal has a way back");
    expect(await pair.go({ kind: "named.remove", host: "dns1" })).toMatchObject({ kind: "done" });
    expect(await pair.go(undo.action)).toMatchObject({ kind: "done", note: "started" });
    expect(await pair.facts("dns1")).toEqual(before);
    expect(await dig("dns1", `+short A d.${ZONE}`)).toBe("10.0.0.4\n");
    expect((await dig("dns1", `+short SOA ${ZONE}`)).split(" ")[2]).toBe(serial);
  });

  test("the secondary takes over as primary with every record, under a newer serial", async () => {
    const serial = Number((await dig("dns1", `+short SOA ${ZONE}`)).split(" ")[2]);
    const model = { ...modelOf("dns1", "drover2"), peers: [] };
    const wanted = await pair.input("dns2", "drover2");
    const initial = model.initial === null ? null : { ...model.initial, servers: model.initial.servers.slice(1) };
    const promoted = { ...model, initial };
    const found = await pair.facts("dns2");
    expect(diffNamed(promoted, configOf(promoted), found)).toMatchObject({ creates: true, inherits: true });
    const config = configOf(promoted);
    const { previous: _, ...rest } = wanted;
    const action: NamedAction = { kind: "named.install", ...rest, model: promoted, config, zoneFile: zoneOf(promoted) };
    expect(await pair.go(action)).toEqual({ kind: "done", note: "reconfigured" });
    expect(await dig("dns2", `+short A d.${ZONE}`)).toBe("10.0.0.4\n");
    expect(await dig("dns2", `+short NS ${ZONE}`)).toBe(`dns2.${ZONE}.\n`);
    expect(Number((await dig("dns2", `+short SOA ${ZONE}`)).split(" ")[2])).toBeGreaterThan(serial);
    expect(await update(`update add e.${ZONE} 60 A 10.0.0.5`, "drover2", "dns2")).toBe("done");
  });

  test("nothing of drover is left but what was kept", async () => {
    const gone = async (host: Server): Promise<void> => {
      expect(await pair.go({ kind: "named.remove", host }), host).toEqual({
        kind: "done",
        note: "BIND is as it was before, and stopped",
      });
      expect(await sh(host, "dpkg --verify bind9 | grep -v named.conf.local || true")).toBe("");
      expect((await sh(host, "ls -A /var/lib/drover")).trim().split("\n")).toEqual([
        ".lock",
        "epoch",
        "manifest",
        "previous",
        "staged",
      ]);
      expect(
        await sh(
          host,
          "ls -A /var/lib/drover/manifest /var/lib/drover/staged; ls /var/cache/bind | grep drover || true",
        ),
      ).toBe("/var/lib/drover/manifest:\n\n/var/lib/drover/staged:\n");
      expect(await pair.facts(host)).toMatchObject({
        manifest: null,
        active: false,
        enabled: false,
        zones: [],
        key: "missing",
      });
      expect(await pair.go({ kind: "named.remove", host })).toEqual({
        kind: "done",
        note: "nothing of drover is there",
      });
    };
    await Promise.all(HOSTS.map(gone));
    await sh("dns1", "systemctl start named");
    expect(await dig("dns1", "+short SOA own.test")).toContain(" 7 ");
    expect(await dig("dns1", `+norec SOA ${ZONE}`)).not.toContain("flags: qr aa");
    expect(await sh("dns1", "ls /var/lib/bind/drover")).toContain(`${ZONE}.zone.gone`);
  });
});
