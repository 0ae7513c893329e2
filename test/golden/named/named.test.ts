import { expect, test } from "vitest";
import type { NamedModel } from "../../../src/model/named.ts";
import { renderNamed, renderZone } from "../../../src/named/render.ts";
import { configOf, NAMED_TEMPLATE, PRIMARY, SECONDARY, ZONE_TEMPLATE, zoneOf } from "../../unit/named/models.ts";

// One file per feature beside this one; `vitest -u` writes them anew.
const configs: Readonly<Record<string, NamedModel>> = {
  primary: PRIMARY,
  secondary: SECONDARY,
  "primary-alone": { ...PRIMARY, peers: [] },
  forwarders: { ...PRIMARY, forwarders: ["9.9.9.9", "2620:fe::fe"] },
};

test.for(Object.entries(configs))("%s", async ([name, model]) => {
  await expect(configOf(model)).toMatchFileSnapshot(`${name}.conf`);
});

test("the zone's first contents", async () => {
  await expect(zoneOf(PRIMARY)).toMatchFileSnapshot("pair.zone");
});

test.for<[string, string, string]>([
  ["a name that is not there", `${NAMED_TEMPLATE}{{nosuch}}`, "cannot be filled in"],
  ["broken handlebars", `${NAMED_TEMPLATE}{{#if`, "cannot be filled in"],
  ["nothing", "", 'it has no line "// Key drover, hmac-sha256, fingerprint'],
  ["no key", NAMED_TEMPLATE.replace('include "{{keyFile}}";', ""), 'it has no line "include "/etc/bind/drover.key";"'],
  ["recursion for all", NAMED_TEMPLATE.replace("{ drover_clients; };", "{ any; };"), 'it has no line "allow-recursion'],
  ["other types to update", NAMED_TEMPLATE.replace("zonesub SRV", "zonesub ANY SRV"), 'it has no line "grant "drover"'],
  ["slow notifications", NAMED_TEMPLATE.replace("notify-delay 0;", ""), 'it has no line "notify-delay 0;"'],
  ["nobody to notify", NAMED_TEMPLATE.replace('{{this}} key "{{../key.name}}";', ""), 'it has no line "192.168.56.32'],
  ["free transfers", NAMED_TEMPLATE.replaceAll('allow-transfer { key "{{key.name}}"; };', ""), 'no line "allow-transfer'],
])("a template of one's own with %s is refused", ([, template, says]) => {
  expect(() => renderNamed(template, PRIMARY)).toThrow(says);
});

test.for<[string, string, string]>([
  ["a serial of its own", ZONE_TEMPLATE.replace("0 ; drover-serial", "1"), 'it has no line "0 ; drover-serial"'],
  ["no owners", ZONE_TEMPLATE.replace("{{ownerName}} IN TXT {{owner}}", ""), 'it has no line "_drover.dns1.'],
  ["no addresses", ZONE_TEMPLATE.replace("{{../name}} IN {{type}} {{address}}", ""), 'it has no line "dns1.svc.lab'],
])("a zone's template with %s is refused", ([, template, says]) => {
  expect(() => renderZone(template, PRIMARY)).toThrow(says);
});

test("a zone's template may bring more", () => {
  expect(renderZone(`${ZONE_TEMPLATE}{{zone}} IN MX 10 mail.example.org.`, PRIMARY)).toMatch(/MX 10 mail.example.org.\n$/);
});

test("a secondary has no first contents, and without a primary it is a mistake of ours", () => {
  expect(() => zoneOf(SECONDARY)).toThrow("not its primary");
  expect(() => configOf({ ...SECONDARY, peers: [] })).toThrow("without the primary's addresses");
});
