import fc from "fast-check";
import { expect, test } from "vitest";
import { selectHosts } from "../../../src/inventory/selector/match.ts";
import { parseSelector } from "../../../src/inventory/selector/parse.ts";

/** One requirement as text, and what it means, said a second time without looking at the implementation. */
interface Clause {
  readonly text: string;
  readonly holds: (host: Host) => boolean;
}

interface Host {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

const key = fc.constantFrom("role", "zone", "in", "notin", "a/b");
const value = fc.constantFrom("app", "lb", "in", "x.y-1", "0");
const space = fc.constantFrom("", " ", "  ");
const values = fc.array(value, { minLength: 1, maxLength: 3 });

const clause: fc.Arbitrary<Clause> = fc.oneof(
  fc.tuple(key, fc.constantFrom("=", "=="), value, space).map(([k, sign, v, s]) => ({
    text: `${k}${s}${sign}${s}${v}`,
    holds: ({ tags }: Host) => tags[k] === v,
  })),
  fc
    .tuple(key, value, space)
    .map(([k, v, s]) => ({ text: `${k}${s}!=${s}${v}`, holds: ({ tags }: Host) => tags[k] !== v })),
  fc.tuple(key, values, space).map(([k, list, s]) => ({
    text: `${k} in${s}(${list.join(`${s},`)})`,
    holds: ({ tags }: Host) => new Set<string | undefined>(list).has(tags[k]),
  })),
  fc.tuple(key, values, space).map(([k, list, s]) => ({
    text: `${k} notin ${s}(${s}${list.join(",")})`,
    holds: ({ tags }: Host) => !new Set<string | undefined>(list).has(tags[k]),
  })),
  key.map((k) => ({ text: k, holds: ({ tags }: Host) => k in tags })),
  fc.tuple(key, space).map(([k, s]) => ({ text: `!${s}${k}`, holds: ({ tags }: Host) => !(k in tags) })),
  fc.array(fc.constantFrom("a", "b", "ab", "*"), { minLength: 1, maxLength: 5 }).map((parts) => ({
    text: `@host=${parts.join("")}`,
    holds: ({ name }: Host) => new RegExp(`^${parts.join("").replaceAll("*", ".*")}$`).test(name),
  })),
);

const host: fc.Arbitrary<Host> = fc.record({
  name: fc.stringMatching(/^[ab]{1,6}$/),
  tags: fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true }),
});

test("a selector picks exactly the hosts that meet all of it, in their order", () => {
  fc.assert(
    fc.property(
      fc.array(clause, { minLength: 1, maxLength: 4 }),
      fc.array(host, { maxLength: 12 }),
      (clauses, hosts) => {
        const parsed = parseSelector(clauses.map(({ text }) => text).join(","));
        const picked = parsed.kind === "ok" ? selectHosts(hosts, parsed.selector) : parsed;
        expect(picked).toEqual(hosts.filter((one) => clauses.every(({ holds }) => holds(one))));
      },
    ),
    { numRuns: 300 },
  );
});

test("any text is either a selector or an error at a character of it", () => {
  const piece = fc.constantFrom(
    "role",
    "=",
    "!",
    "!=",
    "in",
    "notin",
    "(",
    ")",
    ",",
    " ",
    "@host",
    "*",
    "é",
    '"',
    "\n",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece).map((parts) => parts.join("")),
      ),
      (text) => {
        const parsed = parseSelector(text);
        const at = parsed.kind === "error" ? parsed.at : 0;
        expect(at).toBeGreaterThanOrEqual(0);
        expect(at).toBeLessThanOrEqual(text.length);
      },
    ),
    { numRuns: 300 },
  );
});
