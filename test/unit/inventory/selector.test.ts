import { describe, expect, test } from "vitest";
import { selectHosts } from "../../../src/inventory/selector/match.ts";
import { parseSelector } from "../../../src/inventory/selector/parse.ts";

const hosts = [
  { name: "app1", tags: { role: "app", zone: "a", canary: "true" } },
  { name: "app2", tags: { role: "app", zone: "b" } },
  { name: "app10", tags: { role: "app", empty: "" } },
  { name: "lb1", tags: { role: "lb", zone: "a", "team/owner": "web" } },
  { name: "in", tags: { in: "notin" } },
];

/** Names of the selected hosts, or the error with its position. */
function pick(text: string): string {
  const parsed = parseSelector(text);
  if (parsed.kind === "error") return `${parsed.at}: ${parsed.message}`;
  return selectHosts(hosts, parsed.selector)
    .map(({ name }) => name)
    .join(" ");
}

describe("a selector picks hosts by Kubernetes' rules", () => {
  test.for([
    ["role=app", "app1 app2 app10"],
    ["role==app", "app1 app2 app10"],
    ["role=app,zone=a", "app1"],
    [" role = app , zone = a ", "app1"],
    ["role in (app,lb),zone notin (b)", "app1 app10 lb1"],
    ["role in(app)", "app1 app2 app10"],
    ["zone", "app1 app2 lb1"],
    ["!zone", "app10 in"],
    ["! zone", "app10 in"],
    ["role=app,!canary", "app2 app10"],
    // A host without the tag meets "!=" and "notin".
    ["zone!=a", "app2 app10 in"],
    ["zone notin (a,b)", "app10 in"],
    ["empty=", "app10"],
    ["empty=,role=app", "app10"],
    ["team/owner=web", "lb1"],
    // The words are keys and values too.
    ["in=notin", "in"],
    ["in in (notin)", "in"],
    ["role=nobody", ""],
    ["toString", ""],
    ["constructor=x", ""],
  ] as const)("%s → %s", ([text, names]) => {
    expect(pick(text)).toBe(names);
  });
});

describe("@host picks by name", () => {
  test.for([
    ["@host=app1", "app1"],
    ["@host=app*", "app1 app2 app10"],
    ["@host=*1", "app1 lb1"],
    ["@host=*p*1*", "app1 app10"],
    ["@host=app1*1", ""],
    ["@host=*", "app1 app2 app10 lb1 in"],
    ["@host in (app1,lb*)", "app1 lb1"],
    ["@host!=app*", "lb1 in"],
    ["@host notin (app*,in)", "lb1"],
  ] as const)("%s → %s", ([text, names]) => {
    expect(pick(text)).toBe(names);
  });
});

describe("a mistake is told with its position", () => {
  test.for([
    ["", "0: expected a tag or @host, got the end"],
    ["role=app,", "9: expected a tag or @host, got the end"],
    [",role", '0: expected a tag, got ","'],
    ["role app", '5: expected "=", "!=", "in", "notin" or "," after "role", got "app"'],
    ["role in app", '8: expected "(" and a list of values, got "app"'],
    ["role in ()", '9: expected a value, got ")"'],
    ["role in (a b)", '11: expected "," or ")" in the list, got "b"'],
    ["role in (a", '10: expected "," or ")" in the list, got the end'],
    ["role=a=b", '6: expected "," or the end, got "="'],
    ["role=app*", '5: expected a value, got "app*" ("*" works in @host only)'],
    ["@host", "0: expected @host=NAME or @host in (NAME,NAME), got @host alone"],
    ["!@host", '1: expected a tag after "!", got @host, which every host has'],
    ["@hots=a", '0: expected a tag or @host, got "@hots"'],
    ["@host=", "6: expected a host name, got the end"],
    ["$(reboot)", '0: expected a tag, got "$"'],
    ["role>5", '0: expected a tag, got "role>5"'],
  ] as const)("%s → %s", ([text, error]) => {
    expect(pick(text)).toBe(error);
  });
});
