import { describe, expect, test } from "vitest";
import type { Context } from "../../../src/commands/context.ts";
import type { RenderOptions } from "../../../src/commands/lb-render.ts";
import { lbRenderCommand } from "../../../src/commands/lb-render.ts";
import { lbShowCommand } from "../../../src/commands/lb-show.ts";
import type { RenderedBalancer } from "../../../src/report/lb-render.ts";
import { FakeWorld, Process } from "../../support/fake-world.ts";
import { KEEPALIVED_TEMPLATE } from "../vip/models.ts";

/** Runs the command in a world where nobody may be connected to. */
async function render(
  options: Partial<RenderOptions>,
  over: { readonly world?: FakeWorld; readonly output?: "json" } = {},
): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  const { world = new FakeWorld("1.0", "serial: 1"), output = "text" } = over;
  const process = new Process();
  const offline = (context: Context): Context => ({
    ...context,
    options: { ...context.options, output },
    connect: () => {
      throw new Error("a render touches no host");
    },
  });
  const asked = { balancer: undefined, file: undefined, ...options };
  const code = await world.run((context) => lbRenderCommand(offline(context), asked), process);
  return { code, lines: process.lines };
}

describe("lb render", () => {
  test("heads each part with the template and the file of the fleet that it comes from", async () => {
    const { code, lines } = await render({});
    expect(code).toBe(0);
    const headings = lines.filter((line) => line.startsWith("#! "));
    expect(headings).toContain(
      "#! lb1 haproxy.cfg, backend shop: from drover's templates/haproxy.cfg.hbs and apps/shop.yaml",
    );
    expect(headings).toContain("#! lb2 /etc/haproxy/drover/maps/http.map: from apps/shop.yaml");
    expect(headings.some((line) => line.includes("keepalived"))).toBe(false);
  });

  test("names the template of the fleet's own folder, and shows the VIP's keepalived.conf", async () => {
    const world = new FakeWorld("1.0", "serial: 1");
    const text = world.files.texts.get("drover.yaml") ?? "";
    const vip = '{hosts: "role=lb", vip: 10.0.0.100/24, virtualRouterId: 7}';
    world.files.texts.set("drover.yaml", `${text.replace('{hosts: "role=lb"}', vip)}templates: mine/\n`);
    world.files.texts.set("mine/keepalived.conf.hbs", `${KEEPALIVED_TEMPLATE}# ours: {{priority}}\n`);
    const { code, lines } = await render({ balancer: "lb1" }, { world });
    const heading = /^#! lb1 keepalived\.conf: from mine\/keepalived\.conf\.hbs and drover\.yaml; its interface /;
    expect([code, ...lines.slice(-2)]).toEqual([0, "# ours: 250", ""]);
    expect(lines).toContainEqual(expect.stringMatching(heading));
    const both = await render({ file: "keepalived.conf" }, { world });
    expect([both.code, both.lines[0]]).toEqual([64, "keepalived.conf is not the same on all balancers [usage]"]);
    const other = await render({ file: "keepalived.conf", balancer: "lb2" }, { world });
    expect([other.code, other.lines.at(-1)?.endsWith("\n# ours: 240")]).toEqual([0, true]);
  });

  test("gives a file's exact bytes, and all of them as JSON", async () => {
    const { lines } = await render({ balancer: "lb1" }, { output: "json" });
    const { balancers } = JSON.parse(lines[0] ?? "") as { balancers: readonly RenderedBalancer[] };
    const [file] = balancers[0]?.files ?? [];
    if (file?.kind !== "text") throw new Error("haproxy.cfg comes first");
    expect(file.path).toBe("/etc/haproxy/haproxy.cfg");
    expect(await render({ balancer: "lb1", file: "haproxy.cfg" })).toEqual({
      code: 0,
      lines: [file.text.replace(/\n$/, "")],
    });
  });

  test("says which balancers and which files there are", async () => {
    expect(await render({ balancer: "lb9" })).toEqual({
      code: 64,
      lines: ['"lb9" is no balancer [usage]', "  hint: the balancers are lb1, lb2"],
    });
    const { code, lines } = await render({ file: "nginx.conf" });
    expect([code, lines[0]]).toEqual([64, 'there is no file "nginx.conf" to show [usage]']);
  });
});

test("lb show of a set that is not there says which there are", async () => {
  const process = new Process();
  const code = await new FakeWorld("1.0", "serial: 1").run((context) => lbShowCommand(context, "egde"), process);
  expect([code, ...process.lines]).toEqual([
    64,
    'there is no balancer set "egde" [usage]',
    "  hint: the sets are edge",
  ]);
});
