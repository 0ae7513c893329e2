import { expect, test } from "vitest";
import { nextOwner } from "../../../src/discovery/operations/services.ts";
import { printOwner, readOwner } from "../../../src/discovery/owner.ts";

const NAME = "_drover._shop._tcp.svc.test";
const WARRANT = { epoch: 3, run: "test/r2" };

test.for([
  [1, 2],
  [41, 42],
  [999_999_999_999_998, 999_999_999_999_999],
  [999_999_999_999_999, 1],
] as const)("revision %i is followed by %i, and can be read again", ([revision, next]) => {
  const record = { owner: "test", revision, epoch: 2, run: "test/r1", sets: ["_shop._tcp"] };
  const found = readOwner([printOwner(NAME, 10, record)], "test", "shop");
  const after = nextOwner(found, "test", WARRANT);
  expect(after.revision).toBe(next);
  expect(readOwner([printOwner(NAME, 10, after)], "test", "shop").kind).toBe("ours");
});
