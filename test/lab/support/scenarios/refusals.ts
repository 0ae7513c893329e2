// What must not reach a running balancer, and balancers that are not as they should be (tests 9 and 10).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { startLoad } from "../../../../lab/demo/load.ts";
import { checkout, until } from "../lab.ts";
import { expectNoFailures, figures, under } from "../load/pressure.ts";
import { balancers, drover, expectDrover } from "../shop.ts";
import type { Bench } from "./bench.ts";
import { ADDRESSES, filesOf, NAMES, pressure, reloadsOf, statusOf } from "./bench.ts";

const shipped = join(checkout, "templates/haproxy.cfg.hbs");

interface Footprint {
  readonly files: readonly string[];
  readonly reloads: readonly number[];
}

async function footprint({ lab }: Bench): Promise<Footprint> {
  return {
    files: await Promise.all(balancers.map((balancer) => filesOf(lab, balancer))),
    reloads: await Promise.all(balancers.map((balancer) => reloadsOf(lab, balancer))),
  };
}

/** An apply that a balancer refuses: everything is put back and nothing is left open. */
async function expectRefused({ lab }: Bench): Promise<string> {
  return await expectDrover(lab, 6, "apply", "--yes");
}

/** 9: a port that another program holds: refused before any reload, and no new connection fails. */
export async function bindConflict(bench: Bench): Promise<void> {
  const { lab } = bench;
  const before = bench.app("shop");
  await lab.exec("lb1", ["systemd-run", "-q", "--unit", "squatter", "python3", "-m", "http.server", "9100"]);
  await until("the squatter listens", async () => {
    return (await lab.exec("lb1", ["ss", "-Hltn", "sport = :9100"])).stdout !== "";
  });
  const was = await footprint(bench);
  const loads = ADDRESSES.map((address) =>
    startLoad({ lab: lab.name, address, host: NAMES, connections: 4, delay: 20, limit: 300, close: true }),
  );
  await bench.write("shop", { routes: [...before.routes, "{lb: edge, port: 9100, mode: http}"] });
  const output = await expectRefused(bench);
  const totals = await Promise.all(loads.map((load) => load.stop()));
  await lab.exec("lb1", ["systemctl", "stop", "squatter"]);
  await bench.write("shop", before);
  await expectDrover(lab, 0, "apply", "--yes");
  expect(output).toContain("9100");
  expect((await footprint(bench)).files).toEqual(was.files);
  const requests = totals.reduce((sum, each) => sum + each.requests, 0);
  for (const each of totals) expect(each.failed, each.report).toBe(0);
  console.log(`9 a taken port: refused, ${requests} requests on new connections, 0 failed`);
}

/** A template that `haproxy -c` refuses, and one that it takes, though no worker can start with it. */
const BROKEN: Readonly<Record<string, (template: string) => string>> = {
  "a keyword that does not exist": (text) =>
    text.replace("    http-reuse safe\n", "    http-reuse safe\n    no-such-keyword\n"),
  "more descriptors than the unit may have": (text) => text.replace(/^ {4}maxconn .*$/m, "    maxconn 30000000"),
};

/** 10: a broken file: its balancer is as before, the other was not touched, nobody was reset. */
export async function brokenConfig(bench: Bench): Promise<void> {
  const { lab } = bench;
  const template = await readFile(shipped, "utf8");
  for (const [what, breakIt] of Object.entries(BROKEN)) {
    const was = await footprint(bench);
    expect(breakIt(template)).not.toBe(template);
    await bench.template("haproxy.cfg.hbs", breakIt(template));
    const { result, seen } = await under(pressure(bench), () => expectRefused(bench));
    await bench.template("haproxy.cfg.hbs", null);
    const now = await footprint(bench);
    expect(now.files, result).toEqual(was.files);
    const touched = balancers.filter((_, index) => now.reloads[index] !== was.reloads[index]);
    expect(touched.length, `reloaded: ${touched.join(", ")}`).toBeLessThanOrEqual(1);
    expectNoFailures(seen, true);
    expect(await expectDrover(lab, 0, "apply", "--yes")).toContain("no difference");
    console.log(`10 ${what}: files as before, reloaded: ${touched.join(", ") || "none"}: ${figures(seen)}`);
  }
}

/** A balancer that does not answer: the plan says so, nothing is changed anywhere, exit code 1. */
export async function unreachableBalancer(bench: Bench): Promise<void> {
  const { lab } = bench;
  const before = bench.app("shop");
  const was = await footprint(bench);
  await bench.write("shop", { routes: [...before.routes, "{lb: edge, host: more.lab.internal}"] });
  await lab.partition("lb2", "laptop");
  const planned = await drover(lab, "plan", "--timeout", "5s");
  const applied = await expectDrover(lab, 1, "apply", "--yes", "--timeout", "5s");
  await lab.heal();
  expect(planned.code, planned.stdout).toBe(1);
  expect(planned.stdout + planned.stderr).toContain("lb2");
  expect(applied).toContain("lb2");
  expect(await footprint(bench)).toEqual(was);
  await expectDrover(lab, 0, "apply", "--yes");
  for (const address of ADDRESSES) expect(await statusOf(bench, address, "https://more.lab.internal/")).toBe("200");
  await bench.write("shop", before);
  await expectDrover(lab, 0, "apply", "--yes");
  console.log("a balancer that does not answer: said, exit code 1, nothing changed; done once it answers");
}

/** A file changed by hand: the plan says so, exit code 2; apply puts it back under load. */
export async function handEdited(bench: Bench): Promise<void> {
  const { lab } = bench;
  const was = await footprint(bench);
  await lab.exec("lb1", ["sed", "-i", "s/timeout connect 3s/timeout connect 4s/", "/etc/haproxy/haproxy.cfg"]);
  await lab.exec("lb2", ["sh", "-c", "echo 'evil.lab.internal/ shop' >> /etc/haproxy/drover/maps/http.map"]);
  const planned = await expectDrover(lab, 2, "plan");
  expect(planned).toContain("lb1");
  expect(planned).toContain("lb2");
  expect((await drover(lab, "lb", "verify")).code).not.toBe(0);
  const { seen } = await under(pressure(bench), () => expectDrover(lab, 0, "apply", "--yes"));
  expectNoFailures(seen, true);
  expect((await footprint(bench)).files).toEqual(was.files);
  console.log(`files changed by hand: said, put back: ${figures(seen)}`);
}

/** A full disk on a balancer: exit code 6, its files and what it runs as before; done once there is room. */
export async function fullDisk(bench: Bench, balancer: string): Promise<void> {
  const { lab } = bench;
  const before = bench.app("shop");
  const was = await footprint(bench);
  // journald makes room when the disk is full; whatever it gives up is taken at once.
  const fill =
    "mkdir -p /var/filler; while :; do dd if=/dev/zero bs=512 >> /var/filler/zeros 2>/dev/null; sleep 0.02; done";
  await lab.exec(balancer, ["systemd-run", "-q", "--unit", "filler", "sh", "-c", fill]);
  await until("the disk is full", async () => {
    const { stdout } = await lab.exec(balancer, ["df", "--output=avail", "/var"]);
    return Number(stdout.trim().split("\n").at(-1)) < 8;
  });
  await bench.write("shop", { routes: [...before.routes, "{lb: edge, host: full.lab.internal}"] });
  const { result, seen } = await under(pressure(bench), () => expectRefused(bench));
  const files = await filesOf(lab, balancer);
  await lab.exec(balancer, ["systemctl", "stop", "filler"]);
  await lab.exec(balancer, ["rm", "-r", "/var/filler"]);
  expect(result).toMatch(/space|disk/i);
  expect(files).toBe(was.files[balancers.findIndex((name) => name === balancer)]);
  expectNoFailures(seen, true);
  await expectDrover(lab, 0, "apply", "--yes");
  for (const address of ADDRESSES) expect(await statusOf(bench, address, "https://full.lab.internal/")).toBe("200");
  await bench.write("shop", before);
  await expectDrover(lab, 0, "apply", "--yes");
  console.log(`a full disk on ${balancer}: exit code 6, nothing half-applied: ${figures(seen)}`);
}
