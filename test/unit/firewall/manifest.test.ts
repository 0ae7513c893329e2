import { expect, test } from "vitest";
import { firewallFact } from "../../../src/firewall/facts.ts";
import type { FirewallManifest } from "../../../src/firewall/manifest.ts";
import { DroverError } from "../../../src/model/errors.ts";

const SSH = {
  direction: "in",
  peers: ["10.0.0.1/32", "fd00::1/128"],
  match: { protocol: "tcp", ports: [{ from: 22, to: 22 }] },
  source: "fleet/ssh:0",
  apps: [],
  sever: false,
} as const;
const MANIFEST: FirewallManifest = { generation: 4, hash: "0", model: { rules: [SSH], egress: false, log: true } };

function parsed(manifest: unknown): FirewallManifest | null {
  const hex = Buffer.from(JSON.stringify(manifest)).toString("hex");
  return firewallFact(true).parse(`manifest ${hex}\nend 796573\n`).stable.manifest;
}

const withRule = (rule: unknown): unknown => ({ ...MANIFEST, model: { ...MANIFEST.model, rules: [SSH, rule] } });

test("what a host remembers of its rules is read back", () => {
  expect(parsed(MANIFEST)).toEqual(MANIFEST);
  const vrrp = { ...SSH, peers: "anyone", match: { protocol: "vrrp" } };
  const every = { ...SSH, match: { protocol: "udp", ports: null } };
  expect([vrrp, every].map((rule) => parsed(withRule(rule))?.model.rules[1])).toEqual([vrrp, every]);
});

test.for([
  ["no rule", null],
  ["an empty one", {}],
  ["one without apps", { ...SSH, apps: undefined }],
  ["a peer that is no prefix", { ...SSH, peers: ["nobody"] }],
  ["a match that nobody knows", { ...SSH, match: { protocol: "sctp" } }],
] as const)("a damaged file is told as that host's, not as a bug of drover's: %s", ([, rule]) => {
  expect(() => parsed(withRule(rule))).toThrow(DroverError);
  expect(() => parsed(withRule(rule))).toThrow(/firewall\.json does not hold what drover writes there/);
});
