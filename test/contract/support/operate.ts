import type { DnsKey } from "../../../src/model/dns.ts";
import type { Answer, Ask, Operation, Outcome } from "../../../src/model/operation.ts";
import type { DnsClient, Warrant } from "../../../src/model/ports.ts";
import { relaxed } from "./commands.ts";

/** What drives an operation on DNS. */
export interface DnsRunner {
  readonly client: DnsClient;
  readonly key: DnsKey;
  readonly warrant: Warrant;
  /** Milliseconds for each call. */
  readonly deadline: number;
}

/** Drives an operation to its end as a run does, without a run around it. */
export async function operateOn(runner: DnsRunner, operation: Operation): Promise<Outcome> {
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  let next = operation.next();
  while (next.done !== true) next = operation.next(await answerTo(runner, next.value, elapsed));
  return next.value;
}

async function answerTo(runner: DnsRunner, ask: Ask, elapsed: () => number): Promise<Answer> {
  const { client, key, warrant, deadline } = runner;
  switch (ask.kind) {
    case "dns-query": {
      const queried = await client.query(ask.server, ask.questions, relaxed({ deadline }));
      return { kind: "dns-query", elapsed: elapsed(), queried, warrant };
    }
    case "dns-update": {
      const updated = await client.update(ask.server, ask.update, key, relaxed({ deadline }));
      return { kind: "dns-update", elapsed: elapsed(), updated };
    }
    case "sleep":
      await new Promise((resolve) => setTimeout(resolve, ask.ms));
      return { kind: "sleep", elapsed: elapsed() };
    default:
      throw new Error(`an operation on DNS asked for ${ask.kind}`);
  }
}
