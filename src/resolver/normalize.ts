/** Which of the two families an address is of. */
export function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

/** The first line of every file of drover's: what has it was drover's once, whatever somebody did to it since. */
export const HEADER = "# Written by drover";

/** Whether a text is one of drover's, perhaps changed by hand. */
export function isOurs(text: string): boolean {
  return text.startsWith(HEADER);
}

/** The words of each line that starts with `keyword`, as resolv.conf(5) reads them: no comments, keyword at the start. */
function linesWith(text: string, keyword: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .map((line) => line.split(/[ \t\r]+/))
    .filter(([first]) => first === keyword)
    .map(([, ...rest]) => rest.filter((word) => word !== ""));
}

/** The servers of a resolv.conf, in order. */
export function nameserversOf(text: string): readonly string[] {
  return linesWith(text, "nameserver").flatMap(([address]) => (address === undefined ? [] : [address]));
}

/** The options of a resolv.conf, in order. */
export function optionsOf(text: string): readonly string[] {
  return linesWith(text, "options").flat();
}

/** The servers that a drop-in of systemd-resolved names. */
export function dropInServers(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => (line.startsWith("DNS=") ? line.slice("DNS=".length).split(" ") : []));
}

/** Addresses at which systemd-resolved's own stub listens. */
const STUBS: readonly string[] = ["127.0.0.53", "127.0.0.54"];

/** Whether a resolv.conf sends everything to systemd-resolved. */
export function asksStub(text: string): boolean {
  const servers = nameserversOf(text);
  return servers.length > 0 && servers.every((address) => STUBS.includes(address));
}

/** What a key of systemd-resolved's configuration adds up to; an empty assignment begins anew (resolved.conf(5)). */
function configured(config: string, key: "DNS" | "FallbackDNS"): readonly string[] {
  let words: readonly string[] = [];
  for (const line of config.split("\n")) {
    const [, value] = new RegExp(`^[ \\t]*${key}[ \\t]*=(.*)$`).exec(line) ?? [];
    if (value === undefined) continue;
    const added = value.split(/[ \t\r]+/).filter((word) => word !== "");
    words = added.length === 0 ? [] : [...words, ...added];
  }
  return words;
}

/**
 * Servers that systemd-resolved asks whatever the link, without `ours`: those of its configuration (`systemd-analyze
 * cat-config`), or those it falls back to where no link has one (`uplinks`: its own list of what it asks).
 */
export function globalServers(config: string, uplinks: string, ours: readonly string[]): readonly string[] {
  const others = configured(config, "DNS").filter((address) => !ours.includes(address));
  if (others.length > 0) return others;
  const fallback = configured(config, "FallbackDNS");
  const asked = nameserversOf(uplinks).filter((address) => !ours.includes(address));
  return asked.every((address) => fallback.includes(address)) ? fallback : [];
}
