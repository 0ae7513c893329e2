import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir, hostname, userInfo } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import type { Context, Interrupts, TemplateTexts } from "./commands/context.ts";
import type { GivenOptions } from "./commands/program.ts";
import type { Fleet } from "./model/fleet.ts";
import { createDnsClient } from "./net/dns/client.ts";
import type { Printer } from "./report/run-text.ts";
import { createSshTransport } from "./ssh/transport.ts";
import { systemClock } from "./store/clock.ts";
import { createFiles } from "./store/files.ts";
import { createSshStore } from "./store/ssh-store.ts";

/** Wires every real adapter: disk, clock, terminal, SSH, store, signals. */
export async function buildContext(options: GivenOptions): Promise<Context> {
  const directory = resolve(options.directory);
  return {
    options: { output: options.output, yes: options.yes, forks: options.forks, timeout: options.timeout },
    folder: directory,
    files: createFiles({ directory, cache: cacheDirectory(), certificates: [] }),
    clock: systemClock,
    print: printer(options),
    templates: await readTemplates(),
    operator: `${userInfo().username}@${hostname()}`,
    newRunId: () => newRunId(new Date(systemClock.now())),
    confirm: process.stdin.isTTY && process.stdout.isTTY ? confirm : null,
    connect: (fleet) => connect(fleet, directory),
    interrupts: catchSignals(),
  };
}

function connect(fleet: Fleet, directory: string): ReturnType<Context["connect"]> {
  const places = { directory, home: homedir(), agent: process.env["SSH_AUTH_SOCK"] ?? null };
  const transport = createSshTransport({ ssh: fleet.ssh, hosts: fleet.hosts, places });
  const store = createSshStore({ transport, host: fleet.state.host, clock: systemClock });
  return { transport, store, dns: createDnsClient({ clock: systemClock }) };
}

async function readTemplates(): Promise<TemplateTexts> {
  const read = (name: string): Promise<string> => readFile(new URL(`../templates/${name}`, import.meta.url), "utf8");
  const [haproxy, keepalived, named, zone, unit, dropIn] = await Promise.all([
    read("haproxy.cfg.hbs"),
    read("keepalived.conf.hbs"),
    read("named.conf.hbs"),
    read("zone.hbs"),
    read("unit.service.hbs"),
    read("release.conf.hbs"),
  ]);
  return { haproxy, keepalived, named, zone, unit, dropIn };
}

function cacheDirectory(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "drover");
}

/** `20261121-184501-3fa9`: sorts by time, and two runs of one second differ. */
function newRunId(now: Date): string {
  const stamp = now.toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${stamp}-${randomBytes(2).toString("hex")}`;
}

function printer(options: GivenOptions): Printer {
  const colored = options.color && process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  return {
    line: (text) => {
      process.stdout.write(`${text}\n`);
    },
    paint: (style, text) => (colored ? styleText(style, text) : text),
    verbose: options.verbose,
  };
}

async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** The first signal asks to stop after the hosts under way, the second drops everything as it is. */
function catchSignals(): Interrupts {
  const stop = new AbortController();
  const drop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) {
      process.stderr.write("dropping everything as it is\n");
      drop.abort();
      return;
    }
    process.stderr.write("stopping after the hosts under way; once more to drop everything at once\n");
    stop.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  return { stop: stop.signal, drop: drop.signal };
}
