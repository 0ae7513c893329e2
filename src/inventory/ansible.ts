import type { Diagnostic, SshSettings } from "../model/fleet.ts";
import { canonicalAddress } from "./addresses.ts";
import { isRecord, valueAt } from "./data.ts";
import { describe, quote } from "./describe.ts";
import { complain } from "./diagnostics.ts";
import type { At, HostDraft, HostDrafts } from "./drafts.ts";
import { HOST_NAME, TAG_KEY } from "./names.ts";

/** How an inventory program ended. */
interface Ran {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/**
 * The hosts of a program that speaks Ansible's inventory contract: the JSON of `--list` with `_meta.hostvars`. Every
 * group becomes the tag `group/NAME: "true"`. Anything wrong is an error of the whole source: a partial inventory would
 * read as "these hosts are gone".
 */
export function hostsOfProgram(at: At, ran: Ran, ssh: SshSettings | null): HostDrafts {
  const refuse = (message: string): HostDrafts => ({
    hosts: [],
    complete: false,
    diagnostics: [complain(at.file, at.path, message)],
  });
  if (ran.code !== 0) {
    const last = ran.stderr.trim().split("\n").at(-1) ?? "";
    return refuse(`expected a program that exits 0, got exit code ${ran.code}${last === "" ? "" : `: ${quote(last)}`}`);
  }
  const list = parseJson(ran.stdout);
  if (!isRecord(list)) return refuse(`expected a JSON object as of Ansible's --list, got something else`);
  const variables = valueAt(list, ["_meta", "hostvars"]);
  if (!isRecord(variables)) return refuse(`expected _meta.hostvars in the program's JSON, got none`);
  return readList({ at, list, variables, ssh });
}

interface Listing {
  readonly at: At;
  readonly list: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly ssh: SshSettings | null;
}

function parseJson(stdout: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(stdout));
  } catch {
    return undefined;
  }
}

function readList({ at, list, variables, ssh }: Listing): HostDrafts {
  const groups = Object.keys(list).filter((name) => name !== "_meta" && name !== "all");
  const members = new Map(groups.map((name) => [name, membersOf(list, name, new Set())]));
  const everyone = membersOf(list, "all", new Set());
  const names = new Set([...everyone, ...[...members.values()].flatMap((set) => [...set]), ...Object.keys(variables)]);
  const diagnostics: Diagnostic[] = [];
  for (const name of groups.filter((group) => !TAG_KEY.test(`group/${group}`)))
    diagnostics.push(complain(at.file, at.path, `expected a group name that can be a tag, got ${quote(name)}`));
  const hosts = [...names].map((name): HostDraft => {
    const path = [...at.path, "hosts", name];
    const own = isRecord(variables[name]) ? variables[name] : {};
    const wrong = checkHost({ name, own, ssh });
    diagnostics.push(...wrong.map(([key, message]) => complain(at.file, [...path, key], message)));
    const address = addressOf(own, name);
    const tags = Object.fromEntries(
      groups
        .filter((group) => members.get(group)?.has(name))
        .toSorted()
        .map((group) => [`group/${group}`, "true"]),
    );
    return { at: { file: at.file, path }, name, addresses: address === null ? null : [address], tags };
  });
  return { hosts, complete: diagnostics.length === 0, diagnostics };
}

/** The hosts of a group and of its children. */
function membersOf(list: Readonly<Record<string, unknown>>, name: string, seen: Set<string>): ReadonlySet<string> {
  if (seen.has(name)) return new Set();
  seen.add(name);
  const group = Object.hasOwn(list, name) ? list[name] : undefined;
  const direct = Array.isArray(group) ? group : valueAt(group, ["hosts"]);
  const children = valueAt(group, ["children"]);
  const hosts = texts(direct);
  return new Set([...hosts, ...texts(children).flatMap((child) => [...membersOf(list, child, seen)])]);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function addressOf(own: Readonly<Record<string, unknown>>, name: string): string | null {
  const written = own["ansible_host"] ?? name;
  return typeof written === "string" ? canonicalAddress(written) : null;
}

/** What is wrong with one host, by key. One login serves the whole fleet, so a host cannot have its own. */
function checkHost({
  name,
  own,
  ssh,
}: {
  readonly name: string;
  readonly own: Readonly<Record<string, unknown>>;
  readonly ssh: SshSettings | null;
}): readonly [string, string][] {
  const wrong: [string, string][] = [];
  if (!HOST_NAME.test(name))
    wrong.push(["name", `expected a host name of lower-case letters, digits, dots and dashes, got ${quote(name)}`]);
  if (addressOf(own, name) === null)
    wrong.push(["ansible_host", `expected an IPv4 or IPv6 address, got ${describe(own["ansible_host"], null)}`]);
  if (ssh === null) return wrong;
  const { ansible_port: port = ssh.port, ansible_user: user = ssh.user } = own;
  if (port !== ssh.port && port !== String(ssh.port))
    wrong.push(["ansible_port", `expected ${ssh.port} as in drover.yaml's ssh, got ${describe(port, null)}`]);
  if (user !== ssh.user)
    wrong.push(["ansible_user", `expected ${quote(ssh.user)} as in drover.yaml's ssh, got ${describe(user, null)}`]);
  return wrong;
}
