import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import ssh2 from "ssh2";
import type { AnyAuthMethod } from "ssh2";
import { DroverError, failure } from "../model/errors.ts";
import { expandHome } from "./options.ts";
import type { Places } from "./options.ts";

/** The keys to log in with, in the order they are tried, and their names for messages. */
export interface Identity {
  readonly methods: readonly AnyAuthMethod[];
  readonly names: readonly string[];
}

const defaults = ["~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"];

/**
 * With `ssh.identity`, that key first and then the agent's (an encrypted key file needs the agent); without it, the
 * agent's keys and then ssh's usual files. Throws a DroverError when the named file cannot be used.
 */
export async function loadIdentity(user: string, identity: string | null, places: Places): Promise<Identity> {
  // An empty SSH_AUTH_SOCK is how people switch the agent off.
  const socket = places.agent === "" ? null : places.agent;
  const agent: AnyAuthMethod[] = socket === null ? [] : [{ type: "agent", username: user, agent: socket }];
  const agentName = socket === null ? [] : [`the agent at ${socket}`];
  if (identity === null) {
    const files = await Promise.all(defaults.map((path) => usable(user, expandHome(path, places.home))));
    const found = files.filter((file) => file !== null);
    return {
      methods: [...agent, ...found.map((file) => file.method)],
      names: [...agentName, ...found.map((file) => file.path)],
    };
  }
  const path = resolve(places.directory, expandHome(identity, places.home));
  const named = await keyFile(user, path, socket !== null);
  return {
    methods: [...(named === null ? [] : [named]), ...agent],
    names: [...(named === null ? [] : [path]), ...agentName],
  };
}

async function keyFile(user: string, path: string, hasAgent: boolean): Promise<AnyAuthMethod | null> {
  let text: Buffer;
  try {
    text = await readFile(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DroverError(
      failure("key-refused", `cannot read the key ${path}`, "correct ssh.identity in drover.yaml", [why]),
    );
  }
  const parsed = ssh2.utils.parseKey(text);
  if (!(parsed instanceof Error)) return { type: "publickey", username: user, key: text };
  if (/encrypted/i.test(parsed.message)) {
    // Its passphrase is not ours to ask for: the agent holds such keys.
    if (hasAgent) return null;
    throw new DroverError(
      failure(
        "key-refused",
        `the key ${path} is encrypted and there is no agent`,
        `try: eval "$(ssh-agent)" && ssh-add ${path}`,
      ),
    );
  }
  throw new DroverError(
    failure("key-refused", `${path} is not a private key: ${parsed.message}`, "correct ssh.identity in drover.yaml"),
  );
}

async function usable(
  user: string,
  path: string,
): Promise<{ readonly path: string; readonly method: AnyAuthMethod } | null> {
  try {
    const text = await readFile(path);
    return ssh2.utils.parseKey(text) instanceof Error
      ? null
      : { path, method: { type: "publickey", username: user, key: text } };
  } catch {
    return null;
  }
}
