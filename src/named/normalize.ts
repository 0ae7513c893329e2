/** A network of one: the address with the whole length as its prefix. Text that has a prefix stays as it is. */
function asNetwork(address: string): string {
  if (address.includes("/")) return address;
  return `${address}/${address.includes(":") ? "128" : "32"}`;
}

/** Everybody: a server that looked names up for them would be an amplifier for attackers. */
function isEverybody(network: string): boolean {
  return network.endsWith("/0");
}

/** Addresses and networks as BIND's lists take them: each once, sorted; everybody is nobody. */
export function networks(all: readonly string[]): readonly string[] {
  return [...new Set(all.map(asNetwork))].filter((network) => !isEverybody(network)).toSorted();
}
