// What comes and goes: instances, apps, hosts, balancers; under load, on the real thing.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lab as makeLab, until } from "./support/lab.ts";
import {
  appHosts,
  balancers,
  drover,
  editShop,
  expectDrover,
  expectNoneFailed,
  expectNothingDrained,
  releasesRunning,
  underLoad,
} from "./support/shop.ts";

const lab = makeLab("topology");

beforeAll(async () => {
  await lab.down();
  await lab.up();
  await expectDrover(lab, 0, "apply", "--yes");
});

afterAll(() => lab.down());

function appFile(name: string): string {
  return join(lab.fleet, "apps", `${name}.yaml`);
}

/** What of an app is left on a host: its unit, its folders, its user, its processes. */
async function remains(host: string, app: string): Promise<string> {
  const look = `ls -d /opt/drover/"$1" /etc/systemd/system/drover-"$1".service* /var/lib/drover/manifest/"$1".json \\
    /var/lib/drover/credentials/"$1" /etc/sysusers.d/drover-"$1".conf 2>/dev/null; getent passwd drover-"$1"; \\
    systemctl is-active -q drover-"$1" && echo running; true`;
  return (await lab.exec(host, ["sh", "-c", look, "sh", app])).stdout;
}

async function serversIn(balancer: string): Promise<readonly string[]> {
  const { stdout } = await lab.exec(balancer, ["grep", "-oE", "^ +server [^ ]+", "/etc/haproxy/haproxy.cfg"]);
  return stdout.split("\n").flatMap((line) => line.trim().split(" ")[1] ?? []);
}

/** What a user gets from a balancer's own address. */
async function statusFor(address: string, host: string): Promise<string> {
  const ask = [
    "curl",
    "-s",
    "-o",
    "/dev/null",
    "-w",
    "%{http_code}",
    "-m",
    "5",
    "-H",
    `Host: ${host}`,
    `http://${address}/`,
  ];
  return (await lab.run(ask)).stdout;
}

describe("instances", () => {
  test("that leave are drained, stopped and removed, and nobody sees an error", async () => {
    await editShop(lab, 'hosts: "role=app"', 'hosts: "@host in (app1,app2)"');
    const { totals } = await underLoad(lab, () => expectDrover(lab, 0, "apply", "--yes"));
    expectNoneFailed(totals);
    expect(await remains("app3", "shop")).toBe("");
    for (const balancer of balancers) expect(await serversIn(balancer)).toEqual(["app1", "app2"]);
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  });

  test("that come are started, proven and let in, and nobody sees an error", async () => {
    await editShop(lab, 'hosts: "@host in (app1,app2)"', 'hosts: "role=app"');
    const { totals } = await underLoad(lab, () => expectDrover(lab, 0, "apply", "--yes"));
    expectNoneFailed(totals);
    for (const balancer of balancers) expect(await serversIn(balancer)).toEqual([...appHosts]);
    await expectNothingDrained(lab);
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  });
});

describe("apps", () => {
  test("a worker without port comes, is updated with its secret, and leaves without a trace", async () => {
    await writeFile(join(lab.fleet, "token"), "s3cret\n");
    const ticker = `app: ticker
hosts: "role=app"
release: "1.0.0"
artifact: dist/ticker-{{release}}.tar.gz
run: ./bin/ticker
secrets: {TOKEN: {file: token}}
rollout: {minHealthyTime: 1s, healthyDeadline: 15s}
`;
    await writeFile(appFile("ticker"), ticker);
    await expectDrover(lab, 0, "apply", "--yes");
    await expectDrover(lab, 0, "rollout", "start", "ticker", "--release", "1.1.0");
    await writeFile(join(lab.fleet, "token"), "n3w\n");
    expect(await expectDrover(lab, 2, "plan")).not.toContain("n3w");
    await expectDrover(lab, 0, "apply", "--yes");
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
    await rm(appFile("ticker"));
    await expectDrover(lab, 0, "apply", "--yes");
    for (const host of appHosts) expect(await remains(host, "ticker")).toBe("");
  });

  test("whose first deployment fails leave nothing behind, and no route", async () => {
    const shop = await readFile(appFile("shop"), "utf8");
    const second = shop
      .replace("app: shop", "app: second")
      .replace(/release: .*/, 'release: "1.6.0-broken"')
      .replace("port: 8080", "port: 8090")
      .replace("shop.lab.internal", "second.lab.internal")
      .replace("healthyDeadline: 15s", "healthyDeadline: 4s");
    await writeFile(appFile("second"), second);
    await expectDrover(lab, 6, "rollout", "start", "second");
    for (const host of appHosts) expect(await remains(host, "second")).toBe("");
    expect(await statusFor("192.168.56.11", "second.lab.internal")).toBe("404");
    await rm(appFile("second"));
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  });
});

describe("what is missing", () => {
  test("HAProxy on a balancer: the plan says which package to install, and nothing is changed", async () => {
    await lab.exec("lb2", ["mv", "/usr/sbin/haproxy", "/usr/sbin/haproxy.away"]);
    const output = await expectDrover(lab, 1, "rollout", "start", "shop", "--release", "1.5.0");
    await lab.exec("lb2", ["mv", "/usr/sbin/haproxy.away", "/usr/sbin/haproxy"]);
    expect(output).toContain("on lb2: apt-get install haproxy");
    expect(await releasesRunning(lab)).toEqual(["1.4.0", "1.4.0", "1.4.0"]);
  });

  test("an app host: refused before anything is changed", async () => {
    // In order, so that the balancers' pooled connections to it end with it and none is left for the load that follows.
    await lab.stop("app3");
    const output = await expectDrover(lab, 1, "rollout", "start", "shop", "--release", "1.5.0", "--timeout", "5s");
    expect(output).toContain("app3");
    expect(output).toContain("nothing was changed");
    await lab.start("app3");
    await until("app3 serves again", async () => (await releasesRunning(lab))[2] === "1.4.0");
    expect(await readFile(appFile("shop"), "utf8")).toContain('release: "1.4.0"');
  });
});

describe("a host lost in mid-rollout", () => {
  test("stays out and is named, nobody sees an error, and abort puts everything back once it is there again", async () => {
    await until("every server is up", async () => {
      const { stdout } = await drover(lab, "status", "shop");
      return !/DOWN|DRAIN|MAINT|unknown/.test(stdout);
    });
    const { result, totals } = await underLoad(lab, async () => {
      const run = lab.background(["sh", "-c", "drover rollout start shop --release 1.5.0; echo ended with $?"]);
      let printed = "";
      run.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
      await until("app2 has been switched", () => Promise.resolve(printed.includes("switch shop on app2")), 60_000);
      await lab.kill("app2");
      await until("the rollout has ended", () => Promise.resolve(printed.includes("ended with")), 120_000);
      return printed;
    });
    expectNoneFailed(totals);
    expect(result).toContain("ended with 4");
    expect(result).toContain("still drained: app2");
    await lab.start("app2");
    await until("app2 answers SSH", async () => (await drover(lab, "status")).code === 0, 30_000);
    await expectDrover(lab, 6, "rollout", "abort", "shop");
    await expectNothingDrained(lab);
    expect(await releasesRunning(lab)).toEqual(["1.4.0", "1.4.0", "1.4.0"]);
  });
});

describe("a balancer's file", () => {
  test("changed by hand is put back by apply, without a failed request", async () => {
    await lab.exec("lb1", ["sed", "-i", "s/timeout connect 3s/timeout connect 4s/", "/etc/haproxy/haproxy.cfg"]);
    const { totals } = await underLoad(lab, () => expectDrover(lab, 0, "apply", "--yes"));
    expectNoneFailed(totals);
    const { stdout } = await lab.exec("lb1", ["grep", "-c", "timeout connect 3s", "/etc/haproxy/haproxy.cfg"]);
    expect(stdout.trim()).toBe("1");
  });

  test("loses the app's routes when the app leaves, and only then do its instances stop", async () => {
    await rm(appFile("shop"));
    await writeFile(
      appFile("ticker"),
      'app: ticker\nhosts: "role=app"\nrelease: "1.0.0"\nartifact: dist/ticker-{{release}}.tar.gz\nrun: ./bin/ticker\nrollout: {minHealthyTime: 1s}\n',
    );
    await expectDrover(lab, 0, "apply", "--yes");
    for (const host of appHosts) expect(await remains(host, "shop")).toBe("");
    expect(await statusFor("192.168.56.12", "shop.lab.internal")).toBe("404");
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
  });
});
