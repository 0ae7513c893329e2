import { describe, expect, test } from "vitest";
import { DroverError } from "../../../src/model/errors.ts";
import {
  appOfSet,
  appOwnerName,
  appSet,
  belowZone,
  checkedName,
  hostName,
  hostOfName,
  hostOwnerName,
  isSet,
  portSet,
  setName,
  subjectOfOwner,
} from "../../../src/discovery/names.ts";

const ZONE = "svc.test";

function refusal(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    if (error instanceof DroverError) return `${error.failure.code}: ${error.failure.message}`;
    throw error;
  }
}

describe("names", () => {
  test("of hosts, apps and their ports", () => {
    expect(hostName("app1.rack2", ZONE)).toBe("app1.rack2.svc.test");
    expect(setName(appSet("shop"), ZONE)).toBe("_shop._tcp.svc.test");
    expect(setName(portSet("metrics", "udp", "shop"), ZONE)).toBe("_metrics._udp.shop.svc.test");
    expect(appOwnerName("shop", ZONE)).toBe("_drover._shop._tcp.svc.test");
    expect(hostOwnerName("app1", ZONE)).toBe("_drover.app1.svc.test");
  });

  test.for([
    ["a label of 64 characters", `${"a".repeat(64)}.b`, "has more than 63 characters"],
    ["an empty label", "a..b", '"" in the DNS name "a..b" is no label'],
    ["capitals", "App1.b", '"App1" in the DNS name'],
    ["a dash in front", "-a.b", '"-a" in the DNS name'],
    ["a dash behind", "a-.b", '"a-" in the DNS name'],
    ["an underscore inside", "a_b.c", '"a_b" in the DNS name'],
    ["a lone underscore", "_.c", '"_" in the DNS name'],
    ["a backslash", "a\\.b.c", "is no label"],
    ["a control character", "a\n.b", "is no label"],
    ["254 characters", `${"a".repeat(63)}.`.repeat(3) + "b".repeat(62), "has more than 253 characters"],
  ] as const)("with %s are refused", ([, name, says]) => {
    expect(refusal(() => checkedName(name))).toContain("files-invalid: ");
    expect(refusal(() => checkedName(name))).toContain(says);
  });

  test("of the greatest length are names", () => {
    const longest = `${"a".repeat(63)}.`.repeat(3) + "b".repeat(61);
    expect(longest).toHaveLength(253);
    expect(checkedName(longest)).toBe(longest);
  });
});

describe("reading names", () => {
  test("below the zone goes by labels, not by letters", () => {
    expect(belowZone("app1.svc.test", ZONE)).toBe("app1");
    expect(belowZone("app1.notsvc.test", ZONE)).toBeNull();
    expect(belowZone("xsvc.test", ZONE)).toBeNull();
    expect(belowZone(ZONE, ZONE)).toBeNull();
  });

  test("tells hosts of the zone from other targets", () => {
    expect(hostOfName("app1.rack2.svc.test", ZONE)).toBe("app1.rack2");
    for (const name of ["_x.svc.test", "a._b.svc.test", "app1.example.com", ZONE, "-a.svc.test"])
      expect(hostOfName(name, ZONE)).toBeNull();
  });

  test("tells whose set it is", () => {
    expect(["_shop._tcp", "_metrics._udp.shop", "_shop._udp", "shop", "_a._tcp.b.c"].map(appOfSet)).toEqual([
      "shop",
      "shop",
      null,
      null,
      null,
    ]);
    expect(isSet("_metrics._tcp.shop")).toBe(true);
    expect(isSet("_Metrics._tcp.shop")).toBe(false);
  });

  test("tells whose owner record it is", () => {
    expect(subjectOfOwner("_drover._shop._tcp.svc.test", ZONE)).toEqual({ kind: "app", name: "shop" });
    expect(subjectOfOwner("_drover.app1.rack2.svc.test", ZONE)).toEqual({ kind: "host", name: "app1.rack2" });
    expect(subjectOfOwner("_shop._tcp.svc.test", ZONE)).toBeNull();
    // A port called drover is no owner record.
    expect(subjectOfOwner("_drover._tcp.shop.svc.test", ZONE)).toBeNull();
  });
});
