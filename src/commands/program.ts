import { InvalidArgumentError, Command, Option } from "@commander-js/extra-typings";
import type { FileKind } from "../inventory/json-schema.ts";
import { parseDuration } from "../inventory/durations.ts";
import { applyCommand } from "./apply.ts";
import type { Context } from "./context.ts";
import { dnsAdoptCommand } from "./dns-adopt.ts";
import { dnsGcCommand } from "./dns-gc.ts";
import { dnsShowCommand } from "./dns-show.ts";
import { dnsVerifyCommand } from "./dns-verify.ts";
import { doctorCommand } from "./doctor.ts";
import { drainCommand } from "./drain.ts";
import { firewallExplainCommand } from "./firewall-explain.ts";
import { firewallShowCommand } from "./firewall-show.ts";
import {
  ADOPT_EXAMPLES,
  APPLY_EXAMPLES,
  DOCTOR_NOTES,
  DRAIN_EXAMPLES,
  EXIT_CODES,
  EXPLAIN_EXAMPLES,
  GC_EXAMPLES,
  START_EXAMPLES,
} from "./help-texts.ts";
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
  root.addCommand(dns(run));
  addDoctor(root, run);
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

function addDoctor(root: Command, run: Run): void {
  root.addCommand(
    verb(
      "doctor",
      "check that everything is there that drover needs: hosts, packages, clocks, DNS servers and their key",
    )
      .addHelpText("after", `\n${DOCTOR_NOTES}\n\n${EXIT_CODES}`)
      .action((options) => run(options, doctorCommand)),
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

function dns(run: Run): Command {
  const group = new Command("dns").description(
    "look into the zone that apps are published in, and put right who owns what",
  );
  group.addCommand(
    verb("show", "what should be in the zone, and what each of its servers says; changes nothing")
      .argument("[app]")
      .addHelpText("after", `\n${EXIT_CODES}`)
      .action((app, options) => run(options, (context) => dnsShowCommand(context, app))),
  );
  group.addCommand(
    verb("verify", "check that the zone's servers agree with the files and with each other; changes nothing")
      .addHelpText("after", `\n${EXIT_CODES}`)
      .action((options) => run(options, dnsVerifyCommand)),
  );
  group.addCommand(
    verb("adopt", "take over records that stand where an app's or a host's would, exactly as they are")
      .argument("<name>", "an app or a host of the files")
      .option(
        "--from <fleet>",
        "name of the fleet whose owner records they carry; without it only records that carry none",
      )
      .addHelpText("after", `\n${ADOPT_EXAMPLES}\n\n${EXIT_CODES}`)
      .action((name, options) =>
        run(options, (context) => dnsAdoptCommand(context, name, { from: undefined, ...options })),
      ),
  );
  group.addCommand(
    verb("gc", "take out what drover wrote and no file publishes and no host runs any more")
      .addOption(allowEmpty())
      .option(
        "--forget <zone>",
        "remember no more which names drover wrote into a former zone; asks and changes nothing there, needs no dns block",
      )
      .addHelpText("after", `\n${GC_EXAMPLES}\n\n${EXIT_CODES}`)
      .action((options) => run(options, (context) => dnsGcCommand(context, { forget: undefined, ...options }))),
  );
  return group;
}
