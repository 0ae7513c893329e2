// Routes that hand connections through: plain TCP, for the fleet alone, and TLS unopened by its name.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { expectNoFailures, figures, under } from "../load/pressure.ts";
import { expectDrover } from "../shop.ts";
import type { Bench } from "./bench.ts";
import { pressure, VIP } from "./bench.ts";

/** Prints the first line that a port of the VIP says; nothing where it says none. */
function greeter(port: number): readonly string[] {
  return ["bash", "-c", `exec 3<>/dev/tcp/${VIP}/${String(port)} && timeout 3 head -1 <&3`];
}

const ROLLOUT = { rollout: "minHealthyTime: 0s, healthyDeadline: 15s, drainTimeout: 2s", hosts: ["app1", "app2"] };

/** A port for anybody, a port for hosts of the fleet, and a name whose TLS the app ends itself, beside https that ends here. */
export async function handThrough(bench: Bench): Promise<void> {
  const { lab, authority } = bench;
  await authority.issue("pass", ["pass.example"]);
  const certificate = await readFile(join(lab.fleet, "certs/pass.pem"));
  await writeFile(join(lab.fleet, "pass.pem"), certificate);
  const echo = { program: "echo", release: "1.0.0", more: "health: {tcp: true}\n", ...ROLLOUT } as const;
  await bench.write("echo", {
    ...echo,
    port: 8200,
    routes: ["{lb: edge, port: 7000}", "{lb: edge, port: 7001, from: fleet}"],
  });
  await bench.write("pass", {
    ...echo,
    port: 8201,
    routes: ["{lb: edge, host: pass.example, tls: passthrough}"],
    more: "health: {tcp: true}\nsecrets: {TLS_PEM: {file: pass.pem}}\n",
  });
  const { seen } = await under(pressure(bench), () => expectDrover(lab, 0, "apply", "--yes"));
  expectNoFailures(seen, true);
  const greeting = async (port: number): Promise<string> => {
    return (await lab.run(greeter(port))).stdout.trim();
  };
  expect(await greeting(7000)).toMatch(/^echo 1\.0\.0 on app[12]$/);
  expect(await greeting(7001)).toBe("");
  const inside = await lab.exec("app3", greeter(7001));
  expect(inside.stdout.trim(), JSON.stringify(inside)).toMatch(/^echo 1\.0\.0 on app[12]$/);
  const curl = ["curl", "-sS", "-m", "5", "--cacert", authority.ca, "--resolve", `pass.example:443:${VIP}`];
  const passed = await lab.run([...curl, "https://pass.example/"]);
  expect(passed.stdout, passed.stderr).toContain("1.0.0");
  await bench.write("echo", { release: "1.1.0" });
  await expectDrover(lab, 0, "rollout", "start", "echo");
  expect(await greeting(7000)).toContain("echo 1.1.0");
  await bench.remove("echo");
  await bench.remove("pass");
  await expectDrover(lab, 0, "apply", "--yes");
  console.log(`ports and passthrough beside https: ${figures(seen)}`);
}
