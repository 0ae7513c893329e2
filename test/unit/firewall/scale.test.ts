import { describe, expect, test } from "vitest";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import { renderFirewall } from "../../../src/firewall/render.ts";
import type { Topology } from "../../../src/model/topology.ts";
import { fleetOfScale, FULL_SCALE } from "../../support/firewall-scale.ts";

/** Processor time, with the garbage collector's threads, so wide that a busy machine is no failure; `make prove` holds it to two seconds. */
const GENEROUS_MS = 12_000;
const MEBIBYTE = 1024 * 1024;

function withInstance(topology: Topology, name: string, host: string): Topology {
  return {
    ...topology,
    apps: topology.apps.map((app) => {
      if (app.name !== name) return app;
      const address = topology.hosts.find((one) => one.name === host)?.addresses[0] ?? "";
      return { ...app, instances: [...app.instances, { app: name, host, address, port: app.port, weight: 1 }] };
    }),
  };
}

describe("a thousand hosts", () => {
  const topology = fleetOfScale(FULL_SCALE);
  let before: ReturnType<typeof desiredFirewall> = new Map();

  test("are compiled and rendered quickly", () => {
    const spentBefore = process.cpuUsage();
    const started = performance.now();
    const models = desiredFirewall(topology);
    const compiled = performance.now();
    before = models;
    let bytes = 0;
    for (const model of models.values()) {
      const { sets, v4, v6 } = renderFirewall(model, 1);
      bytes += sets.length + v4.length + v6.length;
    }
    const rendered = performance.now();
    const rules = [...models.values()].reduce((sum, model) => sum + model.rules.length, 0);
    const resident = process.memoryUsage().rss;
    console.log(
      `compiled in ${(compiled - started).toFixed(0)} ms, rendered in ${(rendered - compiled).toFixed(0)} ms: ` +
        `${String(rules)} rules, ${(bytes / MEBIBYTE).toFixed(1)} MiB of text, ${(resident / MEBIBYTE).toFixed(0)} MiB resident`,
    );
    expect(models.size).toBe(FULL_SCALE.hosts);
    const { user, system } = process.cpuUsage(spentBefore);
    expect((user + system) / 1000).toBeLessThan(GENEROUS_MS);
  });

  test("of which one more instance changes a few", () => {
    const after = desiredFirewall(withInstance(topology, "app007", "h0990"));
    const changed = [...after].filter(([host, model]) => JSON.stringify(model) !== JSON.stringify(before.get(host)));
    const concerned = changed.map(([host]) => host);
    console.log(`one more instance changes ${String(changed.length)} of ${String(after.size)} hosts`);
    expect(concerned).toContain("h0990");
    expect(concerned.length).toBeLessThan(FULL_SCALE.hosts / 5);
    for (const [host, model] of changed) {
      if (host === "h0990") continue;
      const own = (rules: typeof model.rules): string =>
        JSON.stringify(rules.filter(({ apps }) => !apps.includes("app007")));
      expect(own(model.rules)).toBe(own(before.get(host)?.rules ?? []));
    }
  });
});
