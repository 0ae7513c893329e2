import { z } from "zod";
import type { CertificateSource, LbSettings, LoadBalancer } from "../../model/fleet.ts";
import { CERTIFICATE, INTERFACE } from "../names.ts";
import { vips } from "./addresses.ts";
import { follow } from "./follow.ts";
import type { FollowFields } from "./follow.ts";
import { secretSource } from "./secrets.ts";
import { settingsShape } from "./settings.ts";
import { anyText, keys, oneOf, text, whole } from "./values.ts";

/** What drover.yaml says about one set of balancers, defaults filled in. */
export interface BalancerFields extends Omit<LoadBalancer, "name" | "selector" | "follow"> {
  /** The selector as written. */
  readonly hosts: string;
  readonly follow: readonly FollowFields[];
}

const certificate = keys({
  file: anyText("a file"),
  key: secretSource.optional(),
}).transform(({ file, key }, context): CertificateSource => {
  const name = nameOf(file);
  if (!CERTIFICATE.test(name))
    context.issues.push({
      code: "custom",
      message: "a file called by letters, digits, dots, dashes and underscores, as its certificate is",
      input: file,
      path: ["file"],
    });
  return { name, chain: { kind: "file", path: file }, key: key ?? null };
});

/** `certs/shop.pem` holds the certificate `shop`. */
function nameOf(path: string): string {
  const base = path.slice(path.lastIndexOf("/") + 1);
  const dot = base.lastIndexOf(".");
  return dot > 0 ? base.slice(0, dot) : base;
}

const certificates = z
  .array(certificate, { error: "a list of {file: PATH} or {file: PATH, key: {file: PATH}}" })
  .superRefine((list, context) => {
    list.forEach(({ name }, index) => {
      const first = list.findIndex((other) => other.name === name);
      if (first === index) return;
      const message = `a file of another name: its certificate would be called ${name} as that of certificates[${String(first)}]`;
      context.addIssue({ code: "custom", message, path: [index, "file"] });
    });
  });

/** What says something about a VIP, and nothing without one. */
const OF_VIP = ["virtualRouterId", "failover", "interface"] as const;

/** One set of balancers. */
export const balancerSet: z.ZodType<BalancerFields> = keys({
  hosts: z.string({ error: 'a selector such as "role=lb"' }),
  vip: vips.optional(),
  virtualRouterId: whole("a number from 1 to 255", 1, 255).optional(),
  failover: oneOf(["standard", "fast"]).optional().meta({ default: "standard" }),
  interface: text("the name of a network interface, at most 15 characters", INTERFACE).optional(),
  certificates: certificates.prefault([]),
  follow,
  ...settingsShape,
}).transform((written, context): BalancerFields => {
  const {
    hosts,
    vip = [],
    virtualRouterId = null,
    failover,
    interface: nic = null,
    certificates: own,
    follow: followed,
    ...rest
  } = written;
  if (vip.length === 0)
    for (const key of OF_VIP.filter((each) => written[each] !== undefined))
      context.issues.push({ code: "custom", message: `no ${key} without a vip`, input: written[key], path: [key] });
  else if (virtualRouterId === null)
    context.issues.push({
      code: "custom",
      message: "a number from 1 to 255 for the vip, unique on its network",
      input: undefined,
      path: ["virtualRouterId"],
    });
  const settings: LbSettings = rest;
  return {
    hosts,
    vips: vip,
    virtualRouterId,
    failover: failover ?? "standard",
    interface: nic,
    certificates: own,
    settings,
    follow: followed,
  };
});
