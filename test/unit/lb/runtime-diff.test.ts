import { describe, expect, test } from "vitest";
import { lbDeepFact } from "../../../src/lb/deep.ts";
import type { LbDeep } from "../../../src/lb/deep.ts";
import type { FollowedServer, LbFacts } from "../../../src/lb/facts.ts";
import { CERTS, CRT_LIST, MAPS } from "../../../src/lb/paths.ts";
import { runtimeDiff } from "../../../src/lb/runtime-diff.ts";
import { shopRender } from "../../support/balancer.ts";

const map = `${MAPS}/http.map`;
const pem = `${CERTS}/shop.pem`;
const ready = { "shop/app1": "ready", "shop/app2": "ready", "shop/app3": "ready" } as const;
const at = (n: number, port = 8080) => ({ address: `192.168.56.${20 + n}`, port });

function facts(disabled: readonly string[], over: Partial<LbFacts["stable"]>, addresses = {}): LbFacts {
  const { config } = shopRender(disabled);
  const admin: LbFacts["stable"]["admin"] = { "drover_tls/here": "ready", ...ready };
  return {
    stable: {
      installed: true,
      package: "haproxy",
      active: true,
      config: { sha256: "", text: `${config}backend drover_tls\n    server here abns@drover_tls send-proxy-v2\n` },
      files: {},
      disabled: [],
      admin,
      manifest: null,
      interrupted: false,
      ...over,
    },
    live: {
      servers: {},
      processes: null,
      about: null,
      followed: {},
      addresses: { "shop/app1": at(1), "shop/app2": at(2), "shop/app3": at(3), ...addresses },
    },
  };
}

const same: LbDeep = {
  maps: { [map]: { disk: ["a/ shop"], runtime: ["a/ shop"] }, [`${MAPS}/unused.map`]: { disk: [], runtime: null } },
  list: { disk: [pem], runtime: [pem] },
  certificates: { [pem]: { disk: "AB", runtime: "AB" } },
};

describe("disk and runtime", () => {
  test("agree, also where a marked server is drained or in maintenance", () => {
    expect(runtimeDiff(facts([], {}), same)).toEqual([]);
    for (const state of ["drain", "maint"] as const) {
      const admin = { "drover_tls/here": "ready", ...ready, "shop/app2": state } as const;
      expect(runtimeDiff(facts(["app2"], { admin }), same)).toEqual([]);
    }
  });

  test("differ in servers, addresses and states", () => {
    const admin = {
      "drover_tls/here": "ready",
      "shop/app1": "drain",
      "shop/app3": "ready",
      "shop/app9": "ready",
    } as const;
    expect(runtimeDiff(facts(["app3"], { admin }, { "shop/app1": at(1, 81) }), same)).toEqual([
      "shop/app1 is at 192.168.56.21 81, haproxy.cfg says 192.168.56.21 8080",
      "shop/app1 is drain and not marked in haproxy.cfg",
      "shop/app2 is in haproxy.cfg and HAProxy does not know it",
      "shop/app3 is marked in haproxy.cfg and takes traffic",
      "HAProxy has shop/app9, haproxy.cfg does not",
    ]);
    expect(runtimeDiff(facts([], { admin: null }), same)).toEqual(["HAProxy does not answer"]);
  });

  test("agree on a followed service whoever is in its places, and differ where a place is missing or out by hand", () => {
    const srv = "_billing._tcp.svc.test";
    const found = facts([], {});
    const text = `${found.stable.config?.text ?? ""}backend billing\n    server-template billing 3 ${srv} check\n`;
    const place = (over: Partial<FollowedServer> = {}): FollowedServer => ({ srv, at: null, admin: "ready", ...over });
    const diff = (followed: Readonly<Record<string, FollowedServer>>): readonly string[] =>
      runtimeDiff(
        { stable: { ...found.stable, config: { sha256: "", text } }, live: { ...found.live, followed } },
        same,
      );
    const full = place({ at: { target: "vm1.svc.test", port: 9000 } });
    expect(diff({ "billing/billing1": full, "billing/billing2": place(), "billing/billing3": full })).toEqual([]);
    const wrong = { "billing/billing1": place({ admin: "maint" }), "billing/billing2": place({ srv: "_b._tcp.test" }) };
    expect(diff({ ...wrong, "billing/billing9": place() })).toEqual([
      "billing/billing1 is maint, and no file can say that of a followed server",
      `billing/billing2 follows _b._tcp.test, haproxy.cfg says ${srv}`,
      "billing/billing3 is in haproxy.cfg and HAProxy does not know it",
      "HAProxy has billing/billing9, haproxy.cfg does not",
    ]);
  });

  test("differ in maps, the list and certificates", () => {
    const deep: LbDeep = {
      maps: { [map]: { disk: ["a/ shop", "b/ shop"], runtime: ["a/ shop", "c/ shop"] } },
      list: { disk: [pem], runtime: [] },
      certificates: { [pem]: { disk: "AB", runtime: "CD" }, [`${CERTS}/b.pem`]: { disk: "EF", runtime: null } },
    };
    expect(runtimeDiff(facts([], {}), deep)).toEqual([
      "HAProxy lacks an entry of maps/http.map: b/ shop",
      "HAProxy has an entry that maps/http.map lacks: c/ shop",
      "HAProxy's list of certificates is not the one on disk",
      "HAProxy shows another certificate than shop.pem",
      "HAProxy has not loaded b.pem",
    ]);
  });

  test("are read from what a host prints", () => {
    const hex = (text: string | null): string => (text === null ? "-" : `x${Buffer.from(text).toString("hex")}`);
    const row = (...cells: readonly (string | null)[]): string => `${cells.map(hex).join(" ")}\n`;
    const printed =
      row("map", map, "# one\n\nb/ shop\na/   shop\n", "0x55dc a/ shop\n0x55dd b/ shop\n\n") +
      row("map", `${MAPS}/sni.map`, "", "Unknown map identifier. Please use #<id> or <file>.\n\n") +
      row("list", CRT_LIST, `${pem}\n`, `# ${CRT_LIST}\n${pem} *.x\n\n`) +
      row("certificate", pem, "AB", null);
    expect(lbDeepFact.parse(printed)).toEqual({
      maps: {
        [map]: { disk: ["a/ shop", "b/ shop"], runtime: ["a/ shop", "b/ shop"] },
        [`${MAPS}/sni.map`]: { disk: [], runtime: null },
      },
      list: { disk: [pem], runtime: [pem] },
      certificates: { [pem]: { disk: "AB", runtime: null } },
    });
    expect(lbDeepFact.parse("")).toEqual({ maps: {}, list: null, certificates: {} });
  });
});
