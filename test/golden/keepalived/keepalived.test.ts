import { expect, test } from "vitest";
import type { VipModel } from "../../../src/model/vip.ts";
import { renderKeepalived } from "../../../src/vip/render.ts";
import { KEEPALIVED_TEMPLATE, LB1, textOf } from "../../unit/vip/models.ts";

// One file per feature beside this one; `vitest -u` writes them anew.
const cases: Readonly<Record<string, VipModel>> = {
  "one-vip": { ...LB1, vips: LB1.vips.slice(0, 1) },
  "ipv4-and-ipv6": LB1,
  "three-balancers": { ...LB1, priority: 230, peers: ["192.168.56.12", "192.168.56.13"] },
  alone: { ...LB1, peers: [] },
  fast: { ...LB1, failover: "fast" },
  "ipv6-alone": {
    ...LB1,
    address: "fd00:56::11",
    peers: ["fd00:56::12"],
    vips: [{ address: "fd00:56::10", prefix: 64 }],
  },
  "interface-not-known": { ...LB1, interface: null },
};

test.for(Object.entries(cases))("%s", async ([name, model]) => {
  await expect(textOf(model)).toMatchFileSnapshot(`${name}.conf`);
});

test("a template of one's own ends in a newline all the same", () => {
  expect(renderKeepalived(`${KEEPALIVED_TEMPLATE}# end`, LB1).endsWith("}\n# end\n")).toBe(true);
  expect(KEEPALIVED_TEMPLATE).toContain("{{check}}");
});

test.for<[string, string, string]>([
  ["a name that is not there", `${KEEPALIVED_TEMPLATE}{{nosuch}}`, "cannot be filled in"],
  ["broken handlebars", `${KEEPALIVED_TEMPLATE}{{#if`, "cannot be filled in"],
  ["nothing", "", 'it has no line "vrrp_instance drover_edge {"'],
  ["no anchor", KEEPALIVED_TEMPLATE.replace("{{anchor}}", ""), 'it has no line "192.168.56.10/24"'],
  ["no other VIPs", KEEPALIVED_TEMPLATE.replace("{{this}}\n{{/each}}\n    }\n{{/if}}\n}", "{{/each}}\n    }\n{{/if}}\n}"), 'it has no line "fd00:56::10/64"'],
  ["no peers", KEEPALIVED_TEMPLATE.replace(/ +unicast_src_ip[^]*?\{\{\/each\}\}\n {4}\}\n/, ""), "it has no line \"unicast_src_ip"],
  ["no check", KEEPALIVED_TEMPLATE.replace("{{check}}", "/bin/true"), 'it has no line "script'],
])("a template with %s is refused", ([, template, says]) => {
  expect(() => renderKeepalived(template, LB1)).toThrow(says);
});
