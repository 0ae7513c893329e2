import fc from "fast-check";
import type { Data } from "./fleet-data.ts";

const seconds = (most: number): fc.Arbitrary<string> => fc.integer({ min: 1, max: most }).map((n) => `${String(n)}s`);
const selector = fc.constantFrom("role=app", "@host=*", "@host in (a-lb,z-state)", "role!=lb", "role", "!rack");
const secret = fc.constantFrom<Data>({ file: "dns.key" }, { command: ["pass", "dns"] });
const zone = fc.constantFrom("svc.test", "a.b", "1.x-2.internal");
const addresses = fc.constantFrom<Data>(
  ["192.0.2.53"],
  ["[2001:DB8::53]:53", "192.0.2.53"],
  ["192.0.2.53:5353", "192.0.2.53"],
);
const keyOf = (required: readonly "secret"[]): fc.Arbitrary<Data> =>
  fc.record(
    {
      name: fc.constantFrom("drover", "k1.svc_test"),
      algorithm: fc.constantFrom("hmac-sha256", "hmac-sha384", "hmac-sha512"),
      secret,
    },
    { requiredKeys: [...required] },
  );
const common = {
  zone,
  ttl: seconds(3600),
  addressTtl: fc.oneof(seconds(86_400), fc.constant("24h")),
  onSilent: fc.constantFrom("stop", "skip"),
};

/** The `dns:` block of any kind: always valid, whatever hosts and apps there are. */
export const anyDns: fc.Arbitrary<Data> = fc.oneof(
  fc.record({ servers: fc.oneof<fc.Arbitrary<Data>[]>(selector, addresses) }),
  fc.record(
    {
      ...common,
      servers: selector,
      key: keyOf([]),
      negativeTtl: seconds(10),
      resolver: fc.boolean(),
      forwarders: fc.subarray(["9.9.9.9", "2620:FE::9"]),
    },
    { requiredKeys: ["servers", "zone"] },
  ),
  fc.record(
    { ...common, servers: addresses, key: keyOf(["secret"]), resolver: fc.constant(false) },
    { requiredKeys: ["servers", "zone", "key"] },
  ),
);

const weight = fc.integer({ min: 1, max: 65_535 });

/** An app's `srv`. */
export const anySrv: fc.Arbitrary<Data> = fc.record(
  { weight, weights: fc.array(fc.record({ hosts: selector, weight }), { maxLength: 3 }) },
  { requiredKeys: [] },
);
