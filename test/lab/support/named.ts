// A primary and a secondary on real hosts, driven the way a plan would, step by step, without a controller.
import { createHmac } from "node:crypto";
import { diffNamed, type NamedDiff } from "../../../src/named/diff.ts";
import { namedFact, type NamedFacts } from "../../../src/named/facts.ts";
import { operateNamed } from "../../../src/named/operations.ts";
import { previousOf, type NamedInput } from "../../../src/named/steps.ts";
import type { NamedAction, NamedModel } from "../../../src/model/named.ts";
import type { Outcome } from "../../../src/model/operation.ts";
import { configOf, PRIMARY, SECONDARY, zoneOf } from "../../unit/named/models.ts";
import { driver } from "./drive.ts";
import type { Lab } from "./lab.ts";

/** The hosts with their addresses. */
export const SERVERS = { dns1: "192.168.56.31", dns2: "192.168.56.32" } as const;
export type Server = keyof typeof SERVERS;

/** A key's secret as the frame carries it, and a model that has that key. */
export function secretOf(name: string): string {
  return createHmac("sha256", "test").update(name).digest("base64");
}

/** The pair's models with another key. */
export function modelOf(host: Server, key: string): NamedModel {
  const base = host === "dns1" ? PRIMARY : SECONDARY;
  const fingerprint = createHmac("sha256", "fleet").update(key).digest("hex");
  return { ...base, key: { ...base.key, name: key, fingerprint } };
}

/** A pair in a lab. */
export interface NamedPair {
  readonly facts: (host: Server) => Promise<NamedFacts>;
  readonly diff: (host: Server, key: string) => Promise<NamedDiff>;
  /** What a plan would install on a host for this key. */
  readonly input: (host: Server, key: string) => Promise<NamedInput>;
  /** Carries an action out; `under` stands before the shell, e.g. what kills it. */
  readonly go: (action: NamedAction, under?: readonly string[]) => Promise<Outcome>;
  readonly install: (host: Server, key: string, changes?: Partial<NamedInput>) => Promise<Outcome>;
}

/** The pair of a lab that is up. */
export function namedPair(lab: Lab): NamedPair {
  const { drive, gather } = driver(lab);
  const secrets = Object.fromEntries(["drover", "drover2"].map((name) => [`dns/${name}`, `${secretOf(name)}\n`]));
  const facts = (host: Server): Promise<NamedFacts> => gather(host, namedFact);
  const diff = async (host: Server, key: string): Promise<NamedDiff> => {
    const model = modelOf(host, key);
    return diffNamed(model, configOf(model), await facts(host));
  };
  const input = async (host: Server, key: string): Promise<NamedInput> => {
    const model = modelOf(host, key);
    const found = await facts(host);
    const needed = diffNamed(model, configOf(model), found);
    const zoneFile = needed.kind === "install" && needed.creates ? zoneOf(model) : null;
    return { host, model, config: configOf(model), zoneFile, secret: `dns/${key}`, previous: previousOf(found) };
  };
  const go: NamedPair["go"] = (action, under = []) => drive(operateNamed(action), { secrets, under });
  return {
    facts,
    diff,
    input,
    go,
    async install(host, key, changes = {}) {
      const { previous: _, ...wanted } = await input(host, key);
      return await go({ kind: "named.install", ...wanted, ...changes });
    },
  };
}
