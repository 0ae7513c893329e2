import type { DnsZone } from "../../src/model/zone.ts";

/** A zone as drover.yaml gives it where nothing but its name is written, and hosts of the fleet answer for it. */
export function exampleZone(over: Partial<DnsZone> = {}): DnsZone {
  return {
    name: "svc.lab.internal",
    key: { name: "drover", algorithm: "hmac-sha256", secret: null },
    ttl: 15_000,
    addressTtl: 60_000,
    negativeTtl: 5_000,
    onSilent: "stop",
    resolver: true,
    forwarders: [],
    ...over,
  };
}
