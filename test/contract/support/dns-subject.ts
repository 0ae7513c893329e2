import { createDnsClient } from "../../../src/net/dns/client.ts";
import { systemClock } from "../../../src/store/clock.ts";
import type { DnsSubject, DnsTraits } from "../dns.contract.ts";
import { startDnsProxy } from "./dns-proxy.ts";
import { ZONE } from "./dns-server.ts";
import type { RealDns } from "./dns-server.ts";

/** A real server, the real client, and trouble by a proxy between them. */
export async function realSubject(start: () => Promise<RealDns>, traits: DnsTraits): Promise<DnsSubject> {
  const { server, key, denied, stop } = await start();
  return {
    server,
    zone: ZONE,
    key,
    denied,
    traits,
    client: (clock = systemClock) => createDnsClient({ clock }),
    async troubled(trouble, work) {
      const proxy = await startDnsProxy(server.port, trouble, key.name);
      return work({ ...server, port: proxy.port }).finally(() => proxy.close());
    },
    stop,
  };
}
