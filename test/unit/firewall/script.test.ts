import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { LIBRARY } from "../../../src/firewall/script.ts";
import { CHANGES } from "../../../src/firewall/script-change.ts";
import { FACTS } from "../../../src/firewall/script-facts.ts";
import { CONNECTIONS, cutsText } from "../../../src/firewall/sever.ts";

test("the program is perl, and can be quoted by the shell that starts it", () => {
  const program = LIBRARY + CONNECTIONS + CHANGES;
  expect(program).not.toContain("'");
  expect(FACTS.split("'")).toHaveLength(3);
  const looked = spawnSync("perl", ["-wc", "-"], { input: program, encoding: "utf8" });
  expect(looked.stderr).toBe("- syntax OK\n");
});

test("cuts are a line each; whoever has no peers is none", () => {
  const text = cutsText([
    {
      direction: "in",
      peers: ["10.0.0.1/32", "fd00::1/128"],
      match: {
        protocol: "tcp",
        ports: [
          { from: 22, to: 22 },
          { from: 80, to: 89 },
        ],
      },
    },
    { direction: "out", peers: ["10.0.0.0/8"], match: { protocol: "udp", ports: null } },
    { direction: "in", peers: ["10.0.0.2/32"], match: { protocol: "any" } },
    { direction: "in", peers: [], match: { protocol: "any" } },
  ]);
  expect(text).toBe("in tcp 22,80:89 10.0.0.1/32 fd00::1/128\nout udp - 10.0.0.0/8\nin any - 10.0.0.2/32\n");
});
