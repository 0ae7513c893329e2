// What hosts have in force, without what differs from one generation to the next.
import { expect } from "vitest";
import type { Lab, Outcome } from "../lab.ts";

/** The rules of both families as iptables prints them, and the members of the sets; generations have no number. */
export async function rulesOf(lab: Lab, host: string): Promise<string> {
  const script = "iptables -w 10 -S; ip6tables -w 10 -S; ipset save | sort";
  return withoutNumbers(await sh(lab, host, script));
}

/** The chains of the generation in force alone; earlier ones are kept beside it. */
export async function inForce(lab: Lab, host: string): Promise<string> {
  const script = `for f in iptables ip6tables; do
    g=$($f -w 10 -S DRV-INPUT | sed -n 's/.*-j DRV-I-g//p')
    $f -w 10 -S INPUT; $f -w 10 -S OUTPUT; $f -w 10 -S DRV-INPUT; $f -w 10 -S DRV-OUTPUT
    $f -w 10 -S DRV-I-g$g; $f -w 10 -S DRV-O-g$g; done`;
  return withoutNumbers(await sh(lab, host, script));
}

/**
 * What rules let pass, a port at a time and whoever asked for it: the union of two firewalls is the union of these. Lines of
 * one family stand before those of the other, and tell which they are of by their addresses.
 */
export function passes(rules: string): ReadonlySet<string> {
  return new Set(
    rules.split("\n").flatMap((line) => {
      if (!line.includes("--comment")) return [line];
      const plain = line.replace(/ -m comment --comment "[^"]*"/, "").replace(/ -m (?:multiport|tcp|udp)\b/g, "");
      const ports = / --dports? (\S+)/.exec(plain)?.[1]?.split(",") ?? [""];
      return ports.map((port) => plain.replace(/ --dports? \S+/, ` ${port}`));
    }),
  );
}

/** Of several hosts, by name. */
export async function allInForce(lab: Lab, hosts: readonly string[]): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(
    await Promise.all(hosts.map(async (host): Promise<[string, string]> => [host, await inForce(lab, host)])),
  );
}

/** What a line of shell prints on a host; fails the test where it fails. */
export async function sh(lab: Lab, host: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, ["sh", "-ec", script]);
  expect(code, `${host}: ${script}\n${stderr}`).toBe(0);
  return stdout;
}

/** Whether a host of the lab, or the laptop, is let in somewhere: also where nobody listens. */
export async function isLetIn(lab: Lab, source: string, address: string, port: number): Promise<boolean> {
  const script = `import socket, sys
try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 0.9)
except ConnectionRefusedError: print("refused by nobody")
except OSError: sys.exit(1)`;
  const argv = ["python3", "-c", script, address, String(port)];
  const outcome: Outcome = await (source === "laptop" ? lab.run(argv) : lab.exec(source, argv));
  return outcome.code === 0;
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/(DRV-[IO]-g)\d+/g, "$1");
}
