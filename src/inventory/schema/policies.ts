import { z } from "zod";
import type { Peer, Peers, Policy, PolicyRule } from "../../model/policy.ts";
import { isWithin, readCidr } from "../cidrs.ts";
import { APP_NAME } from "../names.ts";
import { policyPorts } from "./ports.ts";
import { keys, text, understood } from "./values.ts";

const expectedNetwork = 'a network such as 10.1.0.0/16 or "fd00:1::/64", or an address';

/** A network, canonical; an address is a network of one. */
export const network: z.ZodType<string, string> = understood(expectedNetwork, (written) => {
  const read = readCidr(written);
  if (read === null) return { expected: expectedNetwork };
  if (read.kind === "ok") return { value: read.cidr };
  return { expected: `the network ${read.network} or the address ${read.host}` };
});

const networks = z.array(network, { error: "a list of networks" });
const selector = z.string({ error: 'a selector such as "role=app"' });
const app = text("the name of an app", APP_NAME);

/** Notes what is wrong with one key of a map. */
type Complain = (message: string, path: readonly (string | number)[]) => void;

/** Who a map is about: one of its keys says so. Null when none does, or more than one. */
function oneKey<Key extends string>(
  written: Readonly<Partial<Record<Key, unknown>>>,
  choices: readonly Key[],
  complain: Complain,
): Key | null {
  const [first, ...more] = choices.filter((key) => written[key] !== undefined);
  if (first === undefined) complain(choices.join(", ").replace(/, (\w+)$/, " or $1"), []);
  for (const key of more) complain(`no ${key} beside ${String(first)}`, [key]);
  return more.length > 0 ? null : (first ?? null);
}

function complainer(context: Pick<z.RefinementCtx<unknown>, "issues">, input: unknown): Complain {
  return (message, path) => {
    context.issues.push({ code: "custom", message, input, path: [...path] });
  };
}

const fields = {
  hosts: selector.optional(),
  app: app.optional(),
  cidr: network.optional(),
  except: networks.optional(),
};

const peer = keys(fields, "{hosts: SELECTOR}, {app: NAME} or {cidr: NETWORK}").transform((written, context): Peer => {
  const { hosts, app: name, cidr = "", except } = written;
  const complain = complainer(context, written);
  const kind = oneKey(written, ["hosts", "app", "cidr"], complain);
  if (except !== undefined) checkExcept(except, written.cidr ?? null, complain);
  if (kind === "hosts" && hosts !== undefined) return { kind, selector: hosts };
  if (kind === "app" && name !== undefined) return { kind, app: name };
  return { kind: "cidr", cidr, except: except ?? [] };
});

function checkExcept(except: readonly string[], cidr: string | null, complain: Complain): void {
  if (cidr === null) complain("no except without cidr", ["except"]);
  for (const [index, part] of except.entries())
    if (cidr !== null && (part === cidr || !isWithin(part, cidr))) complain(`a part of ${cidr}`, ["except", index]);
}

const expectedPeers = '"anyone", or a list of {hosts: SELECTOR}, {app: NAME} and {cidr: NETWORK}';

/** Who is at the other end. */
export const peers: z.ZodType<Peers> = z.union([z.literal("anyone"), z.array(peer, { error: expectedPeers })], {
  error: expectedPeers,
});

const ingress = z.array(
  keys({ from: peers, ports: policyPorts }).transform(({ from, ports }): PolicyRule => ({ peers: from, ports })),
  { error: "a list of {from: PEERS, ports: PORTS}" },
);

const egress = z.array(
  keys({ to: peers, ports: policyPorts }).transform(({ to, ports }): PolicyRule => ({ peers: to, ports })),
  { error: "a list of {to: PEERS, ports: PORTS}" },
);

/** One policy without its name. */
export const policy: z.ZodType<Omit<Policy, "name">> = keys({
  hosts: selector.optional(),
  app: app.optional(),
  ingress: ingress.optional(),
  egress: egress.optional(),
  sever: z.boolean({ error: "true or false" }).optional(),
}).transform((written, context): Omit<Policy, "name"> => {
  const complain = complainer(context, written);
  oneKey(written, ["hosts", "app"], complain);
  if (written.ingress === undefined && written.egress === undefined) complain("ingress, egress or both", []);
  const { hosts, app: name = "" } = written;
  return {
    subject: hosts === undefined ? { kind: "app", app: name } : { kind: "hosts", selector: hosts },
    ingress: written.ingress ?? null,
    egress: written.egress ?? null,
    sever: written.sever ?? null,
  };
});
