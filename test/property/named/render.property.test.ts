import fc from "fast-check";
import { expect, test } from "vitest";
import { DroverError } from "../../../src/model/errors.ts";
import type { NamedModel } from "../../../src/model/named.ts";
import { configOf, PRIMARY, SECONDARY, zoneOf } from "../../unit/named/models.ts";

/** named.conf without what its values may be: words in quotes, names, numbers and addresses are one sign each. */
function bones(text: string): string {
  return text
    .replaceAll(/"[a-z0-9_./-]*"/g, "S")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => (line.startsWith("//") ? "//" : line.replace(/^[0-9a-f.:/]+(?= key|;)/, "A")))
    .join("\n");
}

/** The zone's records: how many, and of which types. */
function recordTypes(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => /^\S+ IN ([A-Z]+) \S/.exec(line)?.[1] ?? (line === "" ? [] : ["?"]));
}

const hostile = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({
    unit: fc.constantFrom("a", "1", ".", "-", "_", "/", ":", '"', ";", "{", "}", "\n", "\\", " ", "(", "@", "$", "!"),
  }),
  fc.constantFrom(
    'x"; }; zone "y" { type primary; file "/etc/passwd"; };',
    "10.0.0.0/8; }; controls { inet * allow { any; }; };",
    "a.test\nallow-transfer { any; }",
    "any",
    "!192.0.2.1",
    "0.0.0.0/0; any",
    "dns1\n@ IN MX 10 evil.example.",
    'x" "y',
    "$INCLUDE /etc/shadow",
    "$GENERATE 1-9 a$ A 192.0.2.$",
    "../../etc/bind/x",
    "a..b",
    ".",
    "*",
    "A.TEST",
    "192.168.56.31\0",
    "fd00:::1",
    "1.2.3",
    "fe80::1%eth0",
  ),
);

const places: Readonly<Record<string, (value: string) => Partial<NamedModel>>> = {
  zone: (zone) => ({ zone }),
  "the key's name": (name) => ({ key: { ...PRIMARY.key, name } }),
  "the algorithm": (algorithm) => ({ key: { ...PRIMARY.key, algorithm } }),
  "the fingerprint": (fingerprint) => ({ key: { ...PRIMARY.key, fingerprint } }),
  peer: (peer) => ({ peers: [peer, ...PRIMARY.peers.slice(1)] }),
  client: (client) => ({ clients: [client, ...PRIMARY.clients.slice(1)] }),
};

test.for(Object.entries(places))("%s brings nothing in: it is refused, or stays a value", ([, place]) => {
  const usual = { primary: bones(configOf(PRIMARY)), secondary: bones(configOf(SECONDARY)) };
  fc.assert(
    fc.property(hostile, fc.constantFrom(PRIMARY, SECONDARY), (value, model) => {
      try {
        expect(bones(configOf({ ...model, ...place(value) }))).toBe(usual[model.role]);
      } catch (error) {
        if (!(error instanceof DroverError)) throw error;
      }
    }),
    { numRuns: 150 },
  );
});

test("a forwarder brings nothing in", () => {
  const usual = bones(configOf({ ...PRIMARY, forwarders: ["9.9.9.9"] }));
  fc.assert(
    fc.property(hostile, (value) => {
      try {
        expect(bones(configOf({ ...PRIMARY, forwarders: [value] }))).toBe(usual);
      } catch (error) {
        if (!(error instanceof DroverError)) throw error;
      }
    }),
  );
});

test("nothing brings a record into the zone", () => {
  const usual = recordTypes(zoneOf(PRIMARY)).toSorted();
  expect(usual).toContain("NS");
  fc.assert(
    fc.property(fc.constantFrom("zone", "owner", "host", "address"), hostile, (where, value) => {
      const { initial } = PRIMARY;
      if (initial === null) throw new Error("a primary has first contents");
      const [first, ...others] = initial.servers;
      if (first === undefined) throw new Error("it has servers");
      const changed =
        where === "host"
          ? { ...first, host: value }
          : where === "address"
            ? { ...first, addresses: [value, ...first.addresses.slice(1)] }
            : first;
      const servers = [changed, ...others];
      const owner = where === "owner" ? value : initial.owner;
      const zone = where === "zone" ? value : PRIMARY.zone;
      try {
        const types = recordTypes(zoneOf({ ...PRIMARY, zone, initial: { ...initial, owner, servers } }));
        // An address of the other family is no intruder.
        expect(types.map((type) => (type === "AAAA" ? "A" : type)).toSorted()).toEqual(
          usual.map((type) => (type === "AAAA" ? "A" : type)).toSorted(),
        );
      } catch (error) {
        if (!(error instanceof DroverError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test.for([
  ["a negative TTL below zero", { negativeTtl: -1 }],
  ["half a second", { negativeTtl: 0.5 }],
  ["a TTL that is none", { addressTtl: Number.NaN }],
  ["more than 31 bits", { addressTtl: 2 ** 31 }],
] as const)("%s is refused", ([, change]) => {
  const { initial } = PRIMARY;
  expect(() => zoneOf({ ...PRIMARY, initial: initial === null ? null : { ...initial, ...change } })).toThrow(
    DroverError,
  );
});
