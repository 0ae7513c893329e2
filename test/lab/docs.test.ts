// README's first fleet, typed as it stands there, on three hosts of the lab.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blocks, page } from "../support/pages.ts";
import { checkout, lab as labOf } from "./support/lab.ts";

const lab = labOf("test-docs");
let home = "";

beforeAll(async () => {
  await lab.down();
  await lab.up("--only", "lb1,app1,app2");
  home = await mkdtemp(join(tmpdir(), "drover-docs-"));
});

afterAll(async () => {
  await lab.down();
  if (home !== "") await rm(home, { recursive: true });
});

/**
 * README's section on the first fleet as one script for the lab's shell; `plan` finds differences, and nobody is there to
 * be asked. Left out is what brings up the lab and what installs packages.
 */
function script(): string {
  const readme = page("README.md");
  const from = readme.text.indexOf("## A first fleet");
  const section = { ...readme, text: readme.text.slice(from, readme.text.indexOf("\n## ", from)) };
  const [makeLab = "", inLab = "", ofOwnHosts = "", folder = "", ...typed] = blocks(section, "sh");
  const files = blocks(section, "yaml").map((text) => {
    const name = /^# (\S+)/.exec(text)?.[1] ?? "";
    return `cat > ${name} <<'YAML'\n${text}YAML\n`;
  });
  const commands = typed
    .join("")
    .replace(/^drover plan\b/m, "{ drover plan || [ $? = 2 ]; } #")
    .replace(/^drover apply\b/m, "drover apply --yes");
  expect(commands).toContain("drover apply --yes");
  expect(makeLab).toMatch(/\nlab\/lab shell\b.*\n$/);
  expect(folder).toMatch(/^mkdir .*&& cd /);
  return [
    inLab,
    `cd '${checkout}'`,
    ofOwnHosts.replace(/^npm ci\b.*$/m, ""),
    folder,
    ...files,
    commands,
    "curl -sSf -H 'Host: hello.example.com' http://192.168.56.11/",
  ].join("\n");
}

test("README's first fleet comes up and moves to its second release", async () => {
  const outcome = await lab.run(["env", `HOME=${home}`, "bash", "-euc", script()], { timeout: 240_000 });
  expect(outcome.code, outcome.stdout + outcome.stderr).toBe(0);
  expect(outcome.stdout.trimEnd().split("\n").at(-1)).toBe("hello from release 1.1");
  const file = await readFile(join(home, "fleet/apps/hello.yaml"), "utf8");
  expect(file).toContain('release: "1.1"');
  expect(file).toContain("# one program, a .tar or a .tar.gz");
});
