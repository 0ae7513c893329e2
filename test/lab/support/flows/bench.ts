// A lab with a firewall: a web shop behind the VIP, which talks to an app made of flows; files are written from data.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Lab } from "../lab.ts";
import { EXIT_CODE } from "../../../../src/report/exit-code.ts";
import { checkout, command, until, withoutDns } from "../lab.ts";
import { drover, expectDrover } from "../shop.ts";
import { FLOWS, stopAll } from "./agents.ts";

export const HOSTS = ["lb1", "lb2", "app1", "app2", "app3", "dns1"] as const;

/** IPv4 addresses; `laptop` is where operators are. */
export const ADDRESS: Readonly<Record<string, string>> = {
  laptop: "192.168.56.1",
  vip: "192.168.56.10",
  lb1: "192.168.56.11",
  lb2: "192.168.56.12",
  app1: "192.168.56.21",
  app2: "192.168.56.22",
  app3: "192.168.56.23",
  app4: "192.168.56.24",
  dns1: "192.168.56.31",
};

/** Ports of the shop and of flows on their hosts, and of flows at the VIP. */
export const SHOP = 8080;
export const FLOW = 8200;
export const EDGE = 7000;

/** The `firewall:` block; policies as YAML by name. */
export interface Block {
  readonly admin: readonly string[];
  /** Seconds. */
  readonly confirm: number;
  readonly sever: boolean;
  readonly policies: Readonly<Record<string, string>>;
}

/** An app of the bench; `talksTo` as names. */
export interface AppText {
  readonly hosts: readonly string[];
  readonly talksTo: readonly string[];
  readonly port: number;
  readonly routes: readonly string[];
}

/** The lab and what its files say. Writing changes files alone; hosts change with `apply`. */
export interface FirewallBench {
  readonly lab: Lab;
  readonly block: () => Block;
  /** Changes keys of the block; null: takes it away. */
  firewall(change: Partial<Block> | null): Promise<void>;
  policy(name: string, text: string | null): Promise<void>;
  /** Changes an app's file; null takes it away. */
  app(name: string, change: Partial<AppText> | null): Promise<void>;
  /** All files as they were at first; hosts are not asked. */
  reset(): Promise<void>;
  /** The inventory as the lab wrote it, with lines taken out and others put in. */
  inventory(change: { readonly without?: readonly string[]; readonly lines?: readonly string[] }): Promise<void>;
}

const BLOCK: Block = { admin: ["192.168.56.1/32"], confirm: 10, sever: false, policies: {} };

const APPS: Readonly<Record<string, AppText>> = {
  shop: {
    hosts: ["app1", "app2"],
    talksTo: ["flows"],
    port: SHOP,
    routes: ["{lb: edge, host: shop.lab.internal, path: /}"],
  },
  flows: { hosts: ["app2", "app3"], talksTo: [], port: FLOW, routes: [`{lb: edge, port: ${String(EDGE)}}`] },
};

function appYaml(name: string, app: AppText): string {
  const web = name === "shop";
  const [release, run] = web ? ["1.4.0", "./bin/shop --port {{port}}"] : ["1", "./bin/flows serve {{port}}"];
  return `app: ${name}
hosts: "@host in (${app.hosts.join(",")})"
release: "${release}"
artifact: dist/${web ? "shop" : "flows"}-{{release}}.tar.gz
run: ${run}
port: ${String(app.port)}
health: ${web ? "{http: /healthz, interval: 500ms, successThreshold: 2}" : "{tcp: true}"}
routes: [${app.routes.join(", ")}]
talksTo: [${app.talksTo.join(", ")}]
rollout: {minHealthyTime: 0s, healthyDeadline: 15s, drainTimeout: 2s${app.hosts.length === 1 ? ", minAvailable: 0" : ""}}
`;
}

function blockYaml({ admin, confirm, sever, policies }: Block): string {
  const lines = Object.entries(policies).map(([name, text]) => `    ${name}: ${text}\n`);
  const list = lines.length === 0 ? "" : `  policies:\n${lines.join("")}`;
  return `firewall:
  admin: [${admin.join(", ")}]
  confirm: ${String(confirm)}s
  sever: ${String(sever)}
${list}`;
}

/** Brings a lab up with shop and flows deployed and the firewall in force on every host. */
export async function raiseFirewall(lab: Lab, block: Partial<Block> = {}): Promise<FirewallBench> {
  await lab.down();
  await lab.up();
  await pack(lab);
  const bench = await benchOf(lab);
  await bench.firewall(block);
  for (const name of Object.keys(APPS)) {
    // oxlint-disable-next-line no-await-in-loop -- two small files
    await bench.app(name, {});
  }
  await expectDrover(lab, 0, "apply", "--yes");
  return bench;
}

/** After a scenario that failed half way: what it left must not take the next ones with it. Says what it could not do. */
export async function tidy(bench: FirewallBench): Promise<void> {
  const { lab } = bench;
  stopAll();
  await lab.heal();
  for (const host of HOSTS) await lab.start(host);
  await bench.reset();
  let last = await drover(lab, "apply", "--yes");
  // The lease of a killed run is free within ten seconds.
  await until("the lease is free", async () => {
    if (last.code === EXIT_CODE.leaseHeld) last = await drover(lab, "apply", "--yes");
    return last.code !== EXIT_CODE.leaseHeld;
  });
  if (last.code !== 0) console.log(`could not tidy up: ${last.stdout}${last.stderr}`);
}

async function pack({ fleet }: Lab): Promise<void> {
  const packed = await command("python3", [join(checkout, "lab/apps/pack.py"), join(fleet, "dist"), "flows", FLOWS], {
    stdin: "1\n",
  });
  expect(packed.code, packed.stderr).toBe(0);
}

async function benchOf(lab: Lab): Promise<FirewallBench> {
  const drover = join(lab.fleet, "drover.yaml");
  const inventory = join(lab.fleet, "inventory.yaml");
  const plain = withoutDns(await readFile(join(checkout, "lab/fleet/drover.yaml"), "utf8"));
  const hosts = (await readFile(join(checkout, "lab/fleet/inventory.yaml"), "utf8")).split("\n");
  const apps = new Map(Object.entries(APPS));
  let block: Block = BLOCK;
  const bench: FirewallBench = {
    lab,
    block: () => block,
    async firewall(change) {
      if (change !== null) block = { ...block, ...change };
      await writeFile(drover, change === null ? plain : `${plain}${blockYaml(block)}`);
    },
    async policy(name, text) {
      const { [name]: _, ...others } = block.policies;
      await bench.firewall({ policies: text === null ? others : { ...others, [name]: text } });
    },
    async app(name, change) {
      const file = join(lab.fleet, "apps", `${name}.yaml`);
      if (change === null) {
        apps.delete(name);
        await rm(file);
        return;
      }
      const app = { hosts: [], talksTo: [], port: 0, routes: [], ...apps.get(name), ...change };
      apps.set(name, app);
      await writeFile(file, appYaml(name, app));
    },
    async reset() {
      await bench.inventory({});
      await bench.firewall({ admin: BLOCK.admin, sever: false, policies: {} });
      for (const name of apps.keys()) await bench.app(name, APPS[name] ?? null);
    },
    async inventory({ without = [], lines = [] }) {
      const left = hosts.filter((line) => line !== "" && !without.some((name) => line.startsWith(`  ${name}:`)));
      await writeFile(inventory, `${[...left, ...lines].join("\n")}\n`);
    },
  };
  return bench;
}
