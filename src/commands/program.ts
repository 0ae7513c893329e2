import { InvalidArgumentError, Command, Option } from "@commander-js/extra-typings";
import type { FileKind } from "../inventory/json-schema.ts";
import { parseDuration } from "../inventory/durations.ts";
import { applyCommand } from "./apply.ts";
import type { Context } from "./context.ts";
import { drainCommand } from "./drain.ts";
import { firewallExplainCommand } from "./firewall-explain.ts";
import { firewallShowCommand } from "./firewall-show.ts";
import { hostsCommand } from "./hosts.ts";
import { lbRenderCommand } from "./lb-render.ts";
import { lbShowCommand } from "./lb-show.ts";
import { lbVerifyCommand } from "./lb-verify.ts";
import { planCommand } from "./plan.ts";
import { rolloutAbortCommand } from "./rollout-abort.ts";
import { rolloutStartCommand } from "./rollout-start.ts";
import { rolloutStatusCommand } from "./rollout-status.ts";
import { FILE_KINDS, schemaCommand } from "./schema.ts";
import { statusCommand } from "./status.ts";
import { undrainCommand } from "./undrain.ts";
import { validateCommand } from "./validate.ts";

/** Options that every command has. */
export interface GivenOptions {
  readonly directory: string;
  readonly output: "text" | "json";
  readonly yes: boolean;
  readonly forks: number;
  /** Milliseconds. */
  readonly timeout: number;
  readonly verbose: boolean;
  readonly color: boolean;
}

/** What a verb does once its options are known. */
type Verb = (context: Context) => Promise<number>;

/** Runs a verb. */
export type Run = (options: GivenOptions, verb: Verb) => Promise<void>;

/** A command with the options every verb has. */
function verb(name: string, description: string) {
  return new Command(name)
    .description(description)
    .option("-C, --directory <dir>", "the fleet's folder", ".")
    .addOption(
      new Option("--output <format>", "how to print").choices(["text", "json"] as const).default("text" as const),
    )
    .option("--yes", "answer every question with yes", false)
    .option("--forks <n>", "hosts to work on at once", count, 30)
    .addOption(
      new Option("--timeout <duration>", "for reaching and asking the hosts").argParser(duration).default(60_000, "1m"),
    )
    .option("-v, --verbose", "also say what begins", false)
    .option("--no-color", "no colours; with NO_COLOR set or without a terminal there are none anyway");
}

function allowEmpty() {
  return new Option("--allow-empty", "go on where DNS would be left without any instance of an app").default(false);
}

function count(text: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text)) throw new InvalidArgumentError(`expected a number from 1 to 9999, got ${text}`);
  return Number(text);
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms === 0) throw new InvalidArgumentError(`expected a duration like 500ms, 30s or 5m, got ${text}`);
  return ms;
}

function fileKind(text: string): FileKind {
  const kind = FILE_KINDS.find((each) => each === text);
  if (kind === undefined) throw new InvalidArgumentError(`expected one of ${FILE_KINDS.join(", ")}, got ${text}`);
  return kind;
}

/** All that can be typed, with its help. */
export function program(run: Run): Command {
  const root = new Command("drover")
    .description(
      "Runs applications on plain VMs over SSH: rolls releases out host by host behind HAProxy, losing no request.",
    )
    .version("0.1.0")
    .helpCommand(true)
    .addHelpText("after", `\n${EXIT_CODES}`);
  addReaders(root, run);
  root.addCommand(
    verb("apply", "bring everything to what the files say")
      .addHelpText("after", `\n${APPLY_EXAMPLES}\n\n${EXIT_CODES}`)
      .addOption(allowEmpty())
      .action((options) => run(options, (context) => applyCommand(context, options))),
  );
  root.addCommand(rollout(run));
  addDrains(root, run);
  root.addCommand(lb(run));
  root.addCommand(firewall(run));
  return root;
}

function addDrains(root: Command, run: Run): void {
  root.addCommand(
    verb("drain", "take a host out of every balancer, and keep it out")
      .argument("<host>")
      .requiredOption("-m, --reason <reason>", "why, in one line; status shows it")
      .addOption(allowEmpty())
      .addHelpText("after", `\n${DRAIN_EXAMPLES}\n\n${EXIT_CODES}`)
      .action((host, options) => run(options, (context) => drainCommand(context, host, options))),
  );
  root.addCommand(
    verb("undrain", "let a drained host back in, once every balancer finds it healthy")
      .argument("<host>")
      .addHelpText("after", `\n${EXIT_CODES}`)
      .action((host, options) => run(options, (context) => undrainCommand(context, host))),
  );
}

function addReaders(root: Command, run: Run): void {
  root.addCommand(
    verb("validate", "check the fleet's files; touches no host").action((options) => run(options, validateCommand)),
  );
  root.addCommand(
    verb("schema", "print the JSON Schema of a kind of file, for editors")
      .argument("<kind>", "drover, inventory or app", fileKind)
      .action((kind, options) => run(options, (context) => Promise.resolve(schemaCommand(context, kind)))),
  );
  root.addCommand(
    verb("hosts", "list the inventory, or what a selector picks of it; touches no host")
      .argument("[selector]", "e.g. role=app,zone in (a,b)")
      .action((selector, options) => run(options, (context) => hostsCommand(context, selector))),
  );
  root.addCommand(
    verb("status", "show release, unit, balancer state, sessions and DNS of every instance")
      .argument("[app]")
      .action((app, options) => run(options, (context) => statusCommand(context, app))),
  );
  root.addCommand(
    verb("plan", "show what apply would change, where and in which order")
      .addOption(allowEmpty())
      .addHelpText("after", `\n${EXIT_CODES}`)
      .action((options) => run(options, (context) => planCommand(context, options))),
  );
}

function rollout(run: Run): Command {
  const group = new Command("rollout").description("move an app from one release to another");
  group.addCommand(
    verb("start", "roll a release out host by host")
      .argument("<app>")
      .option(
        "--release <release>",
        "write this release into the app's file and roll it out; without it, what the file says",
      )
      .addOption(allowEmpty())
      .addHelpText("after", `\n${START_EXAMPLES}\n\n${EXIT_CODES}`)
      .action((app, options) =>
        run(options, (context) => rolloutStartCommand(context, app, { release: undefined, ...options })),
      ),
  );
  group.addCommand(
    verb("status", "show the app's open rollout and how far it came")
      .argument("<app>")
      .action((app, options) => run(options, (context) => rolloutStatusCommand(context, app))),
  );
  group.addCommand(
    verb("abort", "put back everything the app's open rollout changed")
      .argument("<app>")
      .action((app, options) => run(options, (context) => rolloutAbortCommand(context, app))),
  );
  return group;
}

function lb(run: Run): Command {
  const group = new Command("lb").description("look into the balancers; changes nothing");
  group.addCommand(
    verb("show", "who holds each VIP, and every balancer and server as it is now")
      .argument("[set]")
      .action((set, options) => run(options, (context) => lbShowCommand(context, set))),
  );
  group.addCommand(
    verb("render", "what the files give each balancer; touches no host")
      .argument("[balancer]")
      .option("--file <name>", "only this file's bytes, e.g. haproxy.cfg or maps/http.map")
      .action((balancer, { file, ...options }) =>
        run(options, (context) => lbRenderCommand(context, { balancer, file })),
      ),
  );
  group.addCommand(
    verb("verify", "check that balancers agree with the files, with each other and with themselves")
      .argument("[set]")
      .addHelpText("after", `\n${EXIT_CODES}`)
      .action((set, options) => run(options, (context) => lbVerifyCommand(context, set))),
  );
  return group;
}

function firewall(run: Run): Command {
  const group = new Command("firewall").description("look into the hosts' firewalls; changes nothing");
  group.addCommand(
    verb("show", "what is in force on a host, and what differs from the files")
      .argument("<host>")
      .addHelpText("after", `\n${EXIT_CODES}`)
      .action((host, options) => run(options, (context) => firewallShowCommand(context, host))),
  );
  group.addCommand(
    verb("explain", "whether SRC may open a connection to DST, and by which rule; touches no host")
      .argument("<src>", "a host, an app or an IP address")
      .argument("<dst>", "likewise")
      .argument("<port>", "5432, tcp/5432, udp/53, or a name that an app gives a port")
      .addHelpText("after", `\n${EXPLAIN_EXAMPLES}`)
      .action((source, destination, port, options) =>
        run(options, (context) => firewallExplainCommand(context, { source, destination, port })),
      ),
  );
  return group;
}

const APPLY_EXAMPLES = `Examples:
  drover apply              shows the plan, asks, does it
  drover apply --yes        asks nothing, for CI; drover plan shows the same and changes nothing`;

const START_EXAMPLES = `Examples:
  drover rollout start shop --release 1.5.0    writes release: "1.5.0" into the app's file and rolls it out
  drover rollout start shop                    rolls out what the file says`;

const DRAIN_EXAMPLES = `Examples:
  drover drain app1 -m "new disk"        every app of app1 out of every balancer, no request lost
  drover drain lb1 -m "kernel update"    a balancer hands its VIP over first
  drover undrain app1                    back in; drover status lists what is drained`;

const EXPLAIN_EXAMPLES = `It answers from the files alone, with exit code 0 whether it is allowed or denied; --output json has "allowed".

Examples:
  drover firewall explain shop orders orders         every host of one app to every host of the other
  drover firewall explain 203.0.113.9 lb1 443        an address from outside
  drover firewall explain app1 db1 udp/514           one host to another`;

const EXIT_CODES = `Exit codes:
  0    done, or no difference and nothing unknown
  1    failed, or something stayed unknown
  2    differences found (plan, lb verify, firewall show)
  3    a rollout is left open, also when the failed host was reverted
  4    a host is unreachable: a rollout is left open, a firewall closed on the others alone, or drain refused
  5    the lease is held by another run
  6    everything was put back and the rollout closed
  64   wrong usage or invalid files
  130  interrupted`;
