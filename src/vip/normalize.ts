import type { Vip } from "../model/fleet.ts";

/** Which of the two families an address is of. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

function groups(text: string): readonly number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    const bytes = group.split(".").map(Number);
    if (bytes.length !== 4) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    return [a * 256 + b, c * 256 + d];
  });
}

/** The eight groups of an IPv6 address, or the four bytes of an IPv4 one. */
function parts(address: string): readonly number[] {
  if (familyOf(address) === 4) return address.split(".").map(Number);
  const [head = "", tail] = address.split("::");
  const first = groups(head);
  if (tail === undefined) return first;
  const last = groups(tail);
  return [...first, ...Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => 0), ...last];
}

/** A form in which two ways of writing one address are equal: `fd00::0010` and `FD00:0::10`. */
export function addressKey(address: string): string {
  const numbers = parts(address);
  return familyOf(address) === 4 ? numbers.join(".") : numbers.map((group) => group.toString(16)).join(":");
}

/** True when an address lies in the network that a VIP's prefix makes. */
export function isInNetworkOf(vip: Vip, address: string): boolean {
  if (familyOf(vip.address) !== familyOf(address)) return false;
  const width = familyOf(address) === 4 ? 8 : 16;
  const bits = (numbers: readonly number[]): string =>
    numbers.map((number) => number.toString(2).padStart(width, "0")).join("");
  return bits(parts(vip.address)).slice(0, vip.prefix) === bits(parts(address)).slice(0, vip.prefix);
}

/** keepalived.conf in words: comments (`#` and `!`) and quotes are gone, braces stand alone. */
function words(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/(?:^|[ \t])[#!].*$/, "").trim())
    .flatMap((line) => (line === "" ? [] : [...line.split(/[ \t]+/), "\n"]))
    .map((word) => word.replaceAll('"', ""));
}

/** A line of keepalived.conf: its words, and the blocks it stands in. */
interface Line {
  readonly blocks: readonly string[];
  readonly words: readonly string[];
}

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  const blocks: string[] = [];
  let line: string[] = [];
  const end = (): void => {
    if (line.length > 0) lines.push({ blocks: [...blocks], words: line });
    line = [];
  };
  for (const word of words(text)) {
    if (word === "{") {
      blocks.push(line.join(" "));
      line = [];
    } else if (word === "}") {
      end();
      blocks.pop();
    } else if (word === "\n") end();
    else line.push(word);
  }
  end();
  return lines;
}

function addressesIn(lines: readonly Line[], block: RegExp): readonly string[] {
  return lines
    .filter(({ blocks }) => block.test(blocks.at(-1) ?? ""))
    .map(({ words: [word = ""] }) => word.replace(/\/.*$/, ""))
    .filter((word) => /^[0-9a-fA-F.:]+$/.test(word));
}

/** Every address that a keepalived.conf may put on its host, as written there. */
export function vipsOf(text: string): readonly string[] {
  return addressesIn(linesOf(text), /^virtual_ipaddress(?:_excluded)?$/);
}

const SPOKEN = new Set(["vrrp_version", "version", "virtual_router_id", "advert_int", "auth_type", "auth_pass"]);

/**
 * All that the balancers of a set must agree on, sorted: what is in a VRRP packet, and who speaks to whom. Where two of
 * them differ in it, each takes the other for silent and both hold the VIP.
 */
export function wireOf(text: string): readonly string[] {
  const lines = linesOf(text);
  const spoken = lines
    .filter(({ words: [first = ""] }) => SPOKEN.has(first))
    .map((line) => `${line.blocks.join(" ")}: ${line.words.join(" ")}`);
  const anchors = addressesIn(lines, /^virtual_ipaddress$/).map((address) => `address ${addressKey(address)}`);
  const peers = addressesIn(lines, /^unicast_peer$/).map((address) => `peer ${addressKey(address)}`);
  const sources = lines
    .filter(({ words: [first] }) => first === "unicast_src_ip")
    .map(({ words: [, address = ""] }) => `from ${addressKey(address)}`);
  return [...spoken, ...anchors, ...peers, ...sources].toSorted();
}
