// docs/firewall.md shows what the commands print: the same code prints its examples here, from the page's own fleet.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { firewallExplainCommand } from "../../../src/commands/firewall-explain.ts";
import { firewallShowOf } from "../../../src/commands/firewall-told.ts";
import { readFleet } from "../../../src/commands/fleet-files.ts";
import { desiredFirewall } from "../../../src/firewall/desired.ts";
import { driftWords } from "../../../src/firewall/drift.ts";
import { firewallHash } from "../../../src/firewall/render.ts";
import { known } from "../../../src/model/known.ts";
import { firewallShowLines } from "../../../src/report/firewall-show.ts";
import { FakeWorld, Process } from "../../support/fake-world.ts";
import { blocks, codes, page, prose } from "../../support/pages.ts";

const docs = page("docs/firewall.md");

/** Each command of the page that is followed by what it prints. */
const shown = [...docs.text.matchAll(/^```sh\n(drover firewall [^\n]*)\n```\n\n```text\n(.*?)^```$/gms)].map(
  ([, command = "", text = ""]) => ({ command, text }),
);

/** The page's fleet in memory. */
function world(): FakeWorld {
  const fake = new FakeWorld("1.0", "serial: 1");
  for (const text of blocks(docs, "yaml")) fake.files.texts.set(/^# (\S+)/.exec(text)?.[1] ?? "", text);
  return fake;
}

test("the tests that the page names are there", () => {
  const named = codes(prose(docs)).filter((code) => code.startsWith("test/"));
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((path) => !existsSync(join(import.meta.dirname, "../../..", path)))).toEqual([]);
});

test("there are examples", () => {
  expect(shown.map(({ command }) => command.split(" ")[2])).toEqual(["explain", "explain", "explain", "show"]);
  expect(blocks(docs, "text").length).toBe(shown.length);
});

test.for(shown.filter(({ command }) => command.startsWith("drover firewall explain ")))(
  "$command prints what the page shows",
  async ({ command, text }) => {
    const [source = "", destination = "", port = ""] = command.split(" ").slice(3);
    const process = new Process();
    const code = await world().run(
      (context) => firewallExplainCommand(context, { source, destination, port }),
      process,
    );
    expect([code, `${process.lines.join("\n")}\n`]).toEqual([0, text]);
  },
);

test("firewall show prints what the page shows", async () => {
  const example = shown.find(({ command }) => command.startsWith("drover firewall show "));
  const host = example?.command.split(" ")[3] ?? "";
  let lines: readonly string[] = [];
  await world().run(async (context) => {
    const files = await readFleet(context, null);
    if (files === null) throw new Error("the page's fleet is valid");
    const desired = desiredFirewall(files.topology).get(host);
    if (desired === undefined) throw new Error(`${host} has a firewall`);
    // What was confirmed, before somebody wrote `payment` into the file.
    const model = { ...desired, egress: false, rules: desired.rules.filter(({ direction }) => direction === "in") };
    const stable = {
      missing: [],
      rivals: [],
      manifest: { generation: 12, model, hash: firewallHash(model) },
      active: { v4: 12, v6: 12 },
      newest: 12,
      unconfirmed: null,
      enabled: true,
      drift: driftWords(printed(RULE), printed("")),
    };
    const live = { ahead: ["-A INPUT -s 198.51.100.7/32 -j DROP"], published: [], operator: null };
    lines = firewallShowLines(firewallShowOf(files, { host, facts: known({ stable, live }), desired }));
    return 0;
  });
  expect(`${lines.join("\n")}\n`).toBe(example?.text);
});

const RULE = '-A DRV-I-g12 -s 192.168.56.31/32 -m comment --comment "drv:0123456789ab fleet/metrics:0" -j ACCEPT\n';

/** What `iptables -S` prints, as far as drift looks at it: with one rule, or without it. */
function printed(rule: string): { readonly v4: string; readonly v6: string; readonly sets: string } {
  const chains = "-N DRV-INPUT\n-N DRV-OUTPUT\n-N DRV-I-g12\n";
  const jumps = "-A INPUT -j DRV-INPUT\n-A OUTPUT -j DRV-OUTPUT\n-A DRV-INPUT -j DRV-I-g12\n";
  const plain = `${chains}${jumps}-A DRV-I-g12 -i lo -j ACCEPT\n`;
  return { v4: `${plain}${rule}`, v6: plain, sets: "" };
}
