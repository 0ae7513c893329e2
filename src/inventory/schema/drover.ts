import { z } from "zod";
import type { SshSettings, StateSettings } from "../../model/fleet.ts";
import type { DnsSettings } from "../../model/zone.ts";
import type { FirewallSettings } from "../../model/policy.ts";
import { APP_NAME, HOST_NAME, USER_NAME } from "../names.ts";
import type { BalancerFields } from "./balancers.ts";
import { balancerSet } from "./balancers.ts";
import { dns } from "./dns.ts";
import type { FileSchema } from "./file-schema.ts";
import { fileSchema } from "./file-schema.ts";
import { firewall } from "./firewall.ts";
import { anyText, keys, oneOf, text, whole } from "./values.ts";

/** Where hosts come from: a file or folder, or a program that prints Ansible's `--list` JSON. */
export type InventorySource =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "exec"; readonly argv: readonly string[] };

/** What `drover.yaml` says, defaults filled in. */
export interface DroverFields {
  fleet: string;
  inventory: readonly InventorySource[];
  apps: string;
  ssh: SshSettings;
  templates: string | null;
  loadBalancers: Record<string, BalancerFields>;
  state: StateSettings;
  dns: DnsSettings | null;
  firewall: FirewallSettings | null;
}

const name = "a name of lower-case letters, digits and dashes, at most 24";
const paths = "a path, or a list of paths";
const program = z.array(anyText("a word"), { error: "a list of words" }).min(1, { error: "a program" });
const exec = z.union([anyText("a program").transform((path) => [path]), program], {
  error: "a program, or a list [PROGRAM, ARGUMENT, …]",
});

const source = z
  .union([anyText("a path"), keys({ exec })], { error: "a path or {exec: PROGRAM}" })
  .transform((written): InventorySource =>
    typeof written === "string" ? { kind: "path", path: written } : { kind: "exec", argv: written.exec },
  );

const knownHosts = z
  .union(
    [
      anyText("a path").transform((path) => [path]),
      z.array(anyText("a path"), { error: paths }).min(1, { error: paths }),
    ],
    {
      error: paths,
    },
  )
  .prefault("known_hosts");

const ssh = keys({
  user: text("a login name", USER_NAME),
  port: whole("a port from 1 to 65535", 1, 65_535).default(22),
  become: oneOf(["sudo", "none"]).default("sudo"),
  knownHosts,
  identity: anyText("a path")
    .optional()
    .transform((path) => path ?? null),
});

/** `drover.yaml`: the fleet. */
export const droverSchema: FileSchema<DroverFields> = fileSchema(
  keys({
    fleet: text(name, APP_NAME),
    inventory: z
      .array(source, { error: "a list of files, folders and {exec: PROGRAM}" })
      .min(1, { error: "at least one file, folder or {exec: PROGRAM}" })
      .prefault(["inventory.yaml"]),
    apps: anyText("a folder").default("apps/"),
    ssh,
    templates: anyText("a folder")
      .optional()
      .transform((path) => path ?? null),
    loadBalancers: z.record(text(name, APP_NAME), balancerSet, { error: "a map of balancer sets" }).prefault({}),
    state: keys({
      store: z.literal("ssh", { error: '"ssh"' }),
      host: text("the name of a host", HOST_NAME),
    }),
    dns,
    firewall,
  }),
);
