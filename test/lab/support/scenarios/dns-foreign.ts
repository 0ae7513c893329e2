// What others have in the zone: drover refuses to touch it, and whatever it does, it stays as it is, byte for byte.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { expectUnchanged, folder, hostsOn, recordsOn, SERVERS, standing, ZONE } from "../dns/bench.ts";
import type { Lab } from "../lab.ts";
import { until } from "../lab.ts";
import { expectDrover } from "../shop.ts";

const UNRELATED = 200;
/** How many records of one name and type servers take (BIND: max-records-per-type). */
const MOST = 100;

/** Records that drover must never touch: with the names it would use for apps that are not there yet, and with others. */
const FOREIGN: readonly string[] = [
  `_cart._tcp.${ZONE}. 30 IN SRV 7 7 7777 elsewhere.${ZONE}.`,
  `elsewhere.${ZONE}. 30 IN A 192.168.56.99`,
  `_drover._pay._tcp.${ZONE}. 30 IN TXT "heritage=drover" "owner=others" "rev=3" "epoch=9" "run=theirs"`,
  `_pay._tcp.${ZONE}. 30 IN SRV 0 5 9999 elsewhere.${ZONE}.`,
  ...Array.from(
    { length: UNRELATED },
    (_, index) => `other${String(index)}.${ZONE}. 30 IN TXT "text ${String(index)}"`,
  ),
];

/** By hand, as the zone's other users do. */
async function nsupdate(lab: Lab, lines: readonly string[]): Promise<void> {
  const stdin = ["server 192.168.56.31", `zone ${ZONE}`, ...lines, "send", ""].join("\n");
  const { code, stdout, stderr } = await lab.exec("dns1", ["nsupdate", "-v", "-k", "/etc/bind/drover.key"], { stdin });
  expect(code, stdout + stderr).toBe(0);
}

/** Lays the others' records into the zone. */
export async function layForeign(lab: Lab): Promise<void> {
  await nsupdate(
    lab,
    FOREIGN.map((record) => `update add ${record}`),
  );
  await until("the secondary has them", async () => (await recordsOn(lab, "dns2")).length > UNRELATED);
}

/** Every one of them is there on both servers, as it was laid. */
export async function expectForeign(lab: Lab): Promise<void> {
  for (const server of ["dns1", "dns2"] as const) {
    const there = new Set(await recordsOn(lab, server));
    expect(
      FOREIGN.filter((record) => !there.has(record)),
      server,
    ).toEqual([]);
  }
}

function appFile(name: string, port: number): string {
  return `app: ${name}
hosts: "role=app"
release: "1.5.0"
artifact: dist/shop-{{release}}.tar.gz
run: ./bin/shop --port {{port}}
port: ${String(port)}
health: {http: /healthz}
rollout: {minHealthyTime: 0s, healthyDeadline: 15s}
`;
}

/** 4: an app whose records are another's, or whose name is a CNAME, is refused before anything. */
export async function refusesForeign(lab: Lab): Promise<void> {
  await alias(lab, "add");
  const before = await standing(lab);
  const cases = [
    ["cart", ["_cart._tcp has records in DNS that drover did not write [dns-foreign]", "drover dns adopt cart"]],
    ["pay", ["pay in DNS belongs to the fleet others [dns-foreign]", "drover dns adopt pay --from others"]],
    ["news", [`_news._tcp is a CNAME, for other0.${ZONE}`, "[dns-conflict]"]],
  ] as const;
  for (const [index, [name, words]] of cases.entries()) {
    const at = await folder(lab, `with-${name}`, { files: { [`apps/${name}.yaml`]: appFile(name, 8200 + index) } });
    for (const command of [
      ["apply", "--yes"],
      ["rollout", "start", name],
    ]) {
      const output = await expectDrover(lab, 1, ...command, "-C", at);
      for (const word of [...words, "nothing was changed"]) expect(output).toContain(word);
    }
  }
  await expectUnchanged(lab, before, "untouched");
  await alias(lab, "remove");
  console.log("4 foreign SRV, foreign owner, CNAME: refused, nothing changed");
}

/** A CNAME where an app's record set would be. The key may not write one: by the primary's operator, in the file. */
async function alias(lab: Lab, what: "add" | "remove"): Promise<void> {
  const line = `_news._tcp.${ZONE}. 30 IN CNAME other0.${ZONE}.`;
  const edit = what === "add" ? 'printf "%s\\n" "$1" >> "$2"' : 'sed -i /CNAME/d "$2"';
  const script = `set -e
    rndc freeze ${ZONE}
    # named says so before it has written the file.
    serial=$(dig +short @${SERVERS.dns1} ${ZONE} SOA | cut -d ' ' -f 3)
    until grep -q "$serial *; serial" "$2"; do sleep 0.05; done
    ${edit}
    sed -i -E "s/[0-9]+( *; serial)/$((serial + 1))\\1/" "$2"
    rndc thaw ${ZONE}`;
  const file = `/var/lib/bind/drover/${ZONE}.zone`;
  const { code, stdout, stderr } = await lab.exec("dns1", ["sh", "-c", script, "sh", line, file]);
  expect(code, stdout + stderr).toBe(0);
  const there = async (): Promise<boolean> => {
    const both = await Promise.all((["dns1", "dns2"] as const).map((server) => recordsOn(lab, server)));
    return both.every((lines) => lines.some((each) => each.includes("CNAME")) === (what === "add"));
  };
  await until(`the CNAME: ${what}`, there);
}

/** 4: more instances than a record set holds: the plan refuses. The hosts need not be there for that. */
export async function tooMany(lab: Lab): Promise<void> {
  const more = MOST + 1 - 3;
  const hosts = Array.from({ length: more }, (_, index) => {
    return `  many${String(index)}: {address: 192.168.56.${String(101 + index)}, tags: {role: app, zone: a}}`;
  });
  const inventory = `${await readFile(join(lab.fleet, "inventory.yaml"), "utf8")}${hosts.join("\n")}\n`;
  const at = await folder(lab, "too-many", { files: { "inventory.yaml": inventory } });
  const before = await recordsOn(lab, "dns1");
  const output = await expectDrover(lab, 1, "apply", "--yes", "--timeout", "3s", "-C", at);
  expect(output).toContain(
    `_shop._tcp.${ZONE} would have 101 records: DNS servers take at most 100 of one name and type`,
  );
  expect(output).toContain("[dns-too-large]");
  expect(await recordsOn(lab, "dns1")).toEqual(before);
  console.log("4 an app with 101 instances: the plan refuses");
}

/** 4: beside all that, drover does its own, cleans up after itself, and nothing of others' changes. */
export async function besideForeign(lab: Lab): Promise<void> {
  const own = appFile("gone", 8300).replace("role=app", "@host in (app1,app2)");
  const at = await folder(lab, "with-gone", { files: { "apps/gone.yaml": own } });
  await expectDrover(lab, 0, "rollout", "start", "gone", "-C", at);
  expect(await expectDrover(lab, 0, "dns", "gc", "--yes")).toContain("gone: stays, it is still deployed on app1, app2");
  // As on hosts that were made anew.
  const forget =
    "systemctl disable -q --now drover-gone; rm -r /opt/drover/gone /etc/systemd/system/drover-gone* /var/lib/drover/manifest/gone.json";
  for (const host of ["app1", "app2"]) {
    const { code, stderr } = await lab.exec(host, ["sh", "-c", forget]);
    expect(code, stderr).toBe(0);
  }
  expect(await expectDrover(lab, 1, "dns", "gc", "--yes")).toContain("[dns-empty]");
  expect(await hostsOn(lab, "dns2", "gone")).toEqual(["app1", "app2"]);
  await expectDrover(lab, 0, "dns", "gc", "--yes", "--allow-empty");
  for (const server of ["dns1", "dns2"] as const) {
    expect((await recordsOn(lab, server)).filter((line) => line.includes("gone"))).toEqual([]);
  }
  await expectForeign(lab);
  console.log(
    `4 ${String(FOREIGN.length)} records of others: as they were after all of this, another app's rollout and gc`,
  );
}
