import type { FirewallModel, FirewallRule } from "../model/firewall.ts";

/**
 * Whether a packet passes, from first principles: one rule has to name its port and its address. Nothing here is shared
 * with what compiles, renders or subtracts rules, so that `firewall explain` and the tests are a second opinion.
 */

/** What opens a flow. The address is that of the other end, in canonical spelling; the port is the destination's. */
export interface FlowPacket {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly address: string;
}

/** An address as binary digits, 32 or 128 of them; null for what is no address. */
export function bitsOf(address: string): string | null {
  const binary = (number: number, digits: number): string => number.toString(2).padStart(digits, "0");
  if (/^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(address)) {
    return address
      .split(".")
      .map((part) => binary(Number(part), 8))
      .join("");
  }
  if (!/^[0-9a-f:]+$/i.test(address) || /:::|::.*::|^:[^:]|[^:]:$/.test(address)) return null;
  const [head = [], tail] = address.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const missing = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: Math.max(missing, 0) }, () => "0"), ...(tail ?? [])];
  if (groups.length !== 8 || groups.some((group) => group.length > 4)) return null;
  return groups.map((group) => binary(Number.parseInt(group, 16), 16)).join("");
}

/** Whether an address is in a prefix. */
export function isWithin(address: string, prefix: string): boolean {
  const [network = "", length] = prefix.split("/");
  const [one, other] = [bitsOf(address), bitsOf(network)];
  if (one === null || other === null || one.length !== other.length) return false;
  return one.startsWith(other.slice(0, Number(length ?? other.length)));
}

function isMatched({ match }: FirewallRule, { protocol, port }: FlowPacket): boolean {
  if (match.protocol === "any") return true;
  if (match.protocol !== protocol) return false;
  return match.ports === null || match.ports.some(({ from, to }) => from <= port && port <= to);
}

/** Every rule that lets a packet pass in a direction. */
export function rulesFor(
  model: FirewallModel,
  direction: FirewallRule["direction"],
  packet: FlowPacket,
): readonly FirewallRule[] {
  return model.rules.filter((rule) => {
    if (rule.direction !== direction || !isMatched(rule, packet)) return false;
    return rule.peers === "anyone" || rule.peers.some((prefix) => isWithin(packet.address, prefix));
  });
}
