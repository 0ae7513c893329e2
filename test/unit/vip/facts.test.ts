import { expect, test } from "vitest";
import { vipFact } from "../../../src/vip/facts.ts";
import { sha256 } from "../../../src/model/hash.ts";
import { LB1, textOf } from "./models.ts";

const ADDRESSES = `1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 192.168.56.11/24 scope global eth0\\       valid_lft forever preferred_lft forever
2: eth0    inet 192.168.56.10/24 scope global secondary eth0\\       valid_lft forever preferred_lft forever
2: eth0    inet6 fd00:56::10/64 scope global nodad deprecated \\       valid_lft forever preferred_lft 0sec
3: eth1.12    inet 10.0.0.1 peer 10.0.0.2/32 scope global eth1.12\\       valid_lft forever preferred_lft forever
`;

function printed(sections: Readonly<Record<string, string>>): string {
  return Object.entries({ ...sections, end: "yes" })
    .map(([key, value]) => `${key} ${Buffer.from(value).toString("hex")}\n`)
    .join("");
}

const text = textOf(LB1);
const whole = {
  active: "active",
  enabled: "enabled",
  installed: "yes",
  config: text,
  sha256: sha256(text),
  manifest: JSON.stringify({ model: LB1, sha256: sha256(text) }),
  addresses: ADDRESSES,
  alive: "yes",
};

test("a balancer that holds its VIPs: they are not among its own addresses", () => {
  const { stable, live } = vipFact.parse(printed(whole));
  expect(live).toEqual({ holds: ["192.168.56.10", "fd00:56::10"], alive: true });
  expect(stable.interfaces).toEqual({ "127.0.0.1": "lo", "192.168.56.11": "eth0", "10.0.0.1": "eth1.12" });
  expect(stable).toMatchObject({ installed: true, active: true, enabled: true, interrupted: false, yielded: false });
  expect(stable.config).toEqual({ sha256: sha256(text), text });
});

test("what is stable does not change when the VIPs move", () => {
  const moved = ADDRESSES.split("\n").filter((line) => !line.includes("56.10/") && !line.includes("::10/"));
  const away = vipFact.parse(printed({ ...whole, addresses: moved.join("\n") }));
  expect(away.live.holds).toEqual([]);
  expect(away.stable).toEqual(vipFact.parse(printed(whole)).stable);
});

test("VIPs left behind by a file that is gone are known by the manifest", () => {
  const { config: _, sha256: __, ...without } = whole;
  expect(vipFact.parse(printed(without)).live.holds).toEqual(["192.168.56.10", "fd00:56::10"]);
});

test("a host without any of it", () => {
  const { stable, live } = vipFact.parse(printed({ active: "inactive", enabled: "", addresses: "" }));
  expect(stable).toMatchObject({ installed: false, active: false, enabled: false, config: null, manifest: null });
  expect(live).toEqual({ holds: [], alive: false });
});

test.for([
  ["a cut-off answer", "active 6163\n", "cut off"],
  ["a manifest of somebody else", printed({ ...whole, manifest: '{"model":{}}' }), "does not hold what drover writes"],
  ["a torn manifest", printed({ ...whole, manifest: '{"mod' }), "does not hold what drover writes"],
] as const)("%s makes it unknown", ([, stdout, says]) => {
  expect(() => vipFact.parse(stdout)).toThrow(says);
});
