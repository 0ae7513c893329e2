import { z } from "zod";
import type { FirewallModel } from "../model/firewall.ts";
import { parsePrefix } from "./prefixes.ts";

/** What drover last applied, and confirmed, on a host. */
export interface FirewallManifest {
  readonly generation: number;
  readonly model: FirewallModel;
  /** Of the model as rendered, see render.ts; the same whatever the generation. */
  readonly hash: string;
}

const match = z.union([
  z.object({
    protocol: z.enum(["tcp", "udp"]),
    ports: z.array(z.object({ from: z.int(), to: z.int() })).nullable(),
  }),
  z.object({ protocol: z.enum(["any", "vrrp"]) }),
]);

const peer = z.string().refine((text) => parsePrefix(text) !== null);

const rule = z.object({
  direction: z.enum(["in", "out"]),
  peers: z.union([z.literal("anyone"), z.array(peer)]),
  match,
  source: z.string(),
  apps: z.array(z.string()),
  sever: z.boolean(),
});

const manifest = z.object({
  generation: z.int().positive(),
  hash: z.string(),
  model: z.object({ rules: z.array(rule), egress: z.boolean(), log: z.boolean() }),
});

/** Whether a value is a manifest to the last rule: a plan works with all of it, and one host's file must not end it. */
export function isManifest(value: unknown): value is FirewallManifest {
  return manifest.safeParse(value).success;
}
