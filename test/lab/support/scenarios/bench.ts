// A lab with a fleet made for the balancers: three web apps, a VIP, a certificate; its files are written from data, so
// that a scenario changes one field and says `apply`.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Lab, Outcome } from "../lab.ts";
import { until } from "../lab.ts";
import type { Authority } from "../load/certificates.ts";
import { authority } from "../load/certificates.ts";
import type { Pressure } from "../load/pressure.ts";
import { appHosts, balancers, expectDrover } from "../shop.ts";

/** The balancers' own addresses: load goes to both, so that a mistake on either is seen. */
export const ADDRESSES: readonly string[] = ["192.168.56.11", "192.168.56.12"];
export const VIP = "192.168.56.10";
/** The names that load asks for; no scenario takes their routes away. */
export const NAMES: readonly string[] = ["shop.lab.internal", "cart.lab.internal", "pay.lab.internal"];

/** An app as its team would write it. */
export interface AppSpec {
  readonly name: string;
  readonly program: "shop" | "echo";
  readonly hosts: readonly string[];
  readonly release: string;
  readonly port: number;
  /** Each as YAML. */
  readonly routes: readonly string[];
  /** Keys of `rollout:`. */
  readonly rollout: string;
  /** Further lines. */
  readonly more?: string;
}

/** The balancer set's keys besides its hosts, each as YAML. */
export type EdgeSpec = Readonly<Record<string, string>>;

/** A lab with its fleet. Files are written at once; hosts change with `apply`. */
export interface Bench {
  readonly lab: Lab;
  readonly authority: Authority;
  readonly app: (name: string) => AppSpec;
  readonly apps: ReadonlyMap<string, AppSpec>;
  /** Writes an app's file: the present one with these fields changed, or a new one. */
  write(name: string, change: Partial<AppSpec>): Promise<void>;
  remove(name: string): Promise<void>;
  /** Writes drover.yaml: the present keys of the set with these changed; "" takes one away. */
  edge(change: EdgeSpec): Promise<void>;
  /** Lays a template of the fleet's own, or takes it away. */
  template(name: string, text: string | null): Promise<void>;
}

/** The web apps that every scenario begins with; one is not everywhere. */
export const WEB = ["shop", "cart", "pay"] as const;
const SPREAD: Readonly<Record<string, Partial<AppSpec>>> = { pay: { hosts: ["app1", "app2"] } };

const ROLLOUT = "minHealthyTime: 0s, healthyDeadline: 10s, drainTimeout: 3s";

/** A web app with a route of its own that plain HTTP reaches as well as TLS. */
function webApp(name: string, port: number): AppSpec {
  return {
    name,
    program: "shop",
    hosts: appHosts,
    release: "1.6.3-abrupt",
    port,
    routes: [`{lb: edge, host: ${name}.lab.internal, path: /, redirect: false}`],
    rollout: ROLLOUT,
  };
}

function yamlOf(app: AppSpec): string {
  const health = app.program === "shop" ? "health: {http: /healthz, interval: 500ms, successThreshold: 2}\n" : "";
  return `app: ${app.name}
hosts: "@host in (${app.hosts.join(",")})"
release: "${app.release}"
artifact: dist/${app.program}-{{release}}.tar.gz
run: ./bin/${app.program} --port {{port}}
port: ${app.port}
${health}routes: [${app.routes.join(", ")}]
rollout: {${app.rollout}}
${app.more ?? ""}`;
}

/** Brings the lab up with `names` deployed as web apps on ports from 8080. */
export async function raise(lab: Lab, options: readonly string[] = []): Promise<Bench> {
  await lab.down();
  await lab.up(...options);
  const trusted = await authority(lab);
  await trusted.issue("lab", ["shop.lab.internal", "*.lab.internal"]);
  const bench = benchOf(lab, trusted);
  await bench.edge({
    hosts: '"role=lb"',
    vip: `[${VIP}/24, "fd00:56::10/64"]`,
    virtualRouterId: "51",
    interface: "eth0",
    certificates: "[{file: certs/lab.pem}]",
  });
  await rm(join(lab.fleet, "apps/shop.yaml"));
  for (const [index, name] of WEB.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- three small files
    await bench.write(name, { ...webApp(name, 8080 + index), ...SPREAD[name] });
  }
  await expectDrover(lab, 0, "apply", "--yes");
  return bench;
}

function benchOf(lab: Lab, trusted: Authority): Bench {
  const apps = new Map<string, AppSpec>();
  let edge: EdgeSpec = {};
  let templates = false;
  const app = (name: string): AppSpec => {
    const found = apps.get(name);
    if (found === undefined) throw new Error(`the bench has no app ${name}`);
    return found;
  };
  const file = (name: string): string => join(lab.fleet, "apps", `${name}.yaml`);
  const writeDrover = async (): Promise<void> => {
    const path = join(lab.fleet, "drover.yaml");
    const keys = Object.entries(edge).map(([key, value]) => `${key}: ${value}`);
    const before = (await readFile(path, "utf8")).replace(/^templates:.*\n/m, "");
    const after = before.replace(/^ {2}edge:.*$/m, `  edge: {${keys.join(", ")}}`);
    await writeFile(path, templates ? `${after}templates: templates\n` : after);
  };
  return {
    lab,
    authority: trusted,
    apps,
    app,
    async write(name, change) {
      const spec: AppSpec = { ...(apps.get(name) ?? webApp(name, 8090)), ...change };
      apps.set(name, spec);
      await writeFile(file(name), yamlOf(spec));
    },
    async remove(name) {
      apps.delete(name);
      await rm(file(name));
    },
    async edge(change) {
      edge = Object.fromEntries(Object.entries({ ...edge, ...change }).filter(([, value]) => value !== ""));
      await writeDrover();
    },
    async template(name, text) {
      const folder = join(lab.fleet, "templates");
      await mkdir(folder, { recursive: true });
      if (text === null) await rm(join(folder, name), { force: true });
      else await writeFile(join(folder, name), text);
      templates = text !== null;
      await writeDrover();
    },
  };
}

/** After a scenario that failed half way: what it left must not take the next ones with it. Says what it could not do. */
export async function tidy(bench: Bench): Promise<void> {
  const { lab } = bench;
  await lab.heal();
  for (const name of ["haproxy.cfg.hbs", "keepalived.conf.hbs"]) await bench.template(name, null);
  for (const name of WEB) {
    const { hosts, routes, rollout } = { ...webApp(name, 0), ...SPREAD[name] };
    await bench.write(name, { hosts, routes, rollout });
  }
  for (const name of WEB) await lab.run(["drover", "rollout", "abort", name]);
  for (const host of appHosts) await lab.run(["drover", "undrain", host]);
  for (const balancer of balancers) {
    const start =
      "systemctl unmask --runtime -q keepalived; rm -f /var/filler; iptables -P INPUT ACCEPT; iptables -F; systemctl start haproxy keepalived; systemctl stop squatter";
    await lab.exec(balancer, ["sh", "-c", start]);
  }
  const { code, stdout, stderr } = await lab.run(["drover", "apply", "--yes"]);
  if (code !== 0) console.log(`could not tidy up: ${stdout}${stderr}`);
}

/** Requests a second of each protocol. With the full counts there is a machine for each scenario alone. */
const RATE: number = process.env["DROVER_PROVE"] === undefined ? 100 : 200;

/** Load on both balancers for every name; `rate` of each protocol in requests a second. */
export function pressure({ lab, authority: { ca } }: Bench, rate: number = RATE): Pressure {
  return { lab, addresses: ADDRESSES, names: NAMES, ca, rate };
}

/** Users' requests that an instance has had since it started, asked directly. */
export async function requestsOf({ lab, app }: Bench, name: string, host: string): Promise<number> {
  const address = `192.168.56.2${host.slice(-1)}:${app(name).port}`;
  const { stdout } = await lab.run(["curl", "-sS", "-m", "5", `http://${address}/requests`]);
  const said = /"requests": (\d+)/.exec(stdout)?.[1];
  if (said === undefined) throw new Error(`${name} on ${host} did not tell its requests: ${stdout}`);
  return Number(said);
}

/** The administrative state of every server of a balancer's HAProxy, from HAProxy itself. */
export async function adminStates(
  lab: Lab,
  balancer: string,
): Promise<Readonly<Record<string, "ready" | "drain" | "maint">>> {
  const { stdout } = await ask(lab, balancer, "/run/haproxy/admin.sock", "show servers state");
  const rows = stdout.split("\n").filter((line) => /^\d+ /.test(line));
  return Object.fromEntries(
    rows.map((row) => {
      const [, backend = "", , server = "", , , admin = "0"] = row.split(" ");
      // Bits of srv_admin_state in HAProxy's management.txt: 0x01, 0x02, 0x20 are maintenance, 0x08 and 0x10 drain; 0x04
      // only says that the configuration began it disabled.
      const mask = Number(admin);
      const state = (mask & 0x23) !== 0 ? "maint" : (mask & 0x18) !== 0 ? "drain" : "ready";
      return [`${backend}/${server}`, state];
    }),
  );
}

/**
 * HAProxy's answer to a command; empty where it does not answer within two seconds, as a master may while it reloads. A
 * master waits for more commands until it is told that there are none.
 */
async function ask(lab: Lab, balancer: string, socket: string, line: string): Promise<Outcome> {
  const script = `use IO::Socket::UNIX; alarm 2; my $s = IO::Socket::UNIX->new($ARGV[0]) or die;
    print $s $ARGV[1], chr 10; shutdown $s, 1; print <$s>`;
  return await lab.exec(balancer, ["perl", "-e", script, socket, line]);
}

/** How often a balancer's HAProxy was reloaded since it started, as its master counts. */
export async function reloadsOf(lab: Lab, balancer: string): Promise<number> {
  const { stdout } = await ask(lab, balancer, "/run/haproxy-master.sock", "show proc");
  return Number(/^\d+ +master +(\d+)/m.exec(stdout)?.[1] ?? Number.NaN);
}

/** The hosts that have the VIP on an interface now. */
export async function holders(lab: Lab, vip: string = VIP): Promise<readonly string[]> {
  const asked = await Promise.all(
    balancers.map(async (host) => {
      const { stdout } = await lab.exec(host, ["ip", "-o", "addr", "show"]);
      return stdout.includes(` ${vip}/`) ? [host] : [];
    }),
  );
  return asked.flat();
}

/** Waits for exactly one holder and names it. */
export async function oneHolder(lab: Lab): Promise<string> {
  await until("one balancer holds the VIP", async () => (await holders(lab)).length === 1, 15_000);
  const [holder = ""] = await holders(lab);
  return holder;
}

/** The status that a balancer's own address gives for a name; TLS where `ca` is given. */
export async function statusOf({ lab, authority: { ca } }: Bench, address: string, url: string): Promise<string> {
  const name = new URL(url).hostname;
  const to = ["--connect-to", `${name}::${address}:`];
  return (
    await lab.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-m", "5", "--cacert", ca, ...to, url])
  ).stdout;
}

/** Every file of a balancer's HAProxy and keepalived, by its hash. What drover keeps for itself is not among them. */
export async function filesOf(lab: Lab, balancer: string): Promise<string> {
  const list = "find /etc/haproxy /etc/keepalived -type f -exec sha256sum {} + | sort -k 2";
  return (await lab.exec(balancer, ["sh", "-c", list])).stdout;
}

/** Both balancers' files are what `lb render` prints, verify has nothing to say, and a further apply has nothing to do. */
export async function expectSettled(lab: Lab): Promise<void> {
  for (const balancer of balancers) {
    const list = "cd /etc/haproxy && ls -d haproxy.cfg drover/crt-list drover/maps/*.map 2>/dev/null; true";
    const { stdout } = await lab.exec(balancer, ["sh", "-c", list]);
    const files = [...stdout.trim().split("\n"), "keepalived.conf"];
    for (const file of files) {
      const name = file.replace(/^drover\//, "");
      const fresh = await expectDrover(lab, 0, "lb", "render", balancer, "--file", name);
      const folder = file === "keepalived.conf" ? "/etc/keepalived" : "/etc/haproxy";
      const found = (await lab.exec(balancer, ["cat", `${folder}/${file}`])).stdout;
      expect(sha256(found), `${file} on ${balancer}:\n${found}\nrendered:\n${fresh}`).toBe(sha256(fresh));
    }
  }
  await expectDrover(lab, 0, "lb", "verify");
  expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
