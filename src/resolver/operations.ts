import { reading } from "../model/command.ts";
import type { Command } from "../model/command.ts";
import { DroverError, failure } from "../model/errors.ts";
import { done, failed, run } from "../model/operation.ts";
import type { Answer, Ask, Operation } from "../model/operation.ts";
import type { ResolverAction } from "../model/resolver.ts";
import { resolverFact } from "./facts.ts";
import type { ResolverFacts } from "./facts.ts";
import { failureOf } from "./operations/failures.ts";
import { installing } from "./operations/install.ts";
import { removing } from "./operations/remove.ts";
import { RESOLVER_EXIT } from "./script.ts";

/** Something else may write resolv.conf between the look and the change: then it is looked at again, so often. */
const TRIES = 3;

/** How an action on a host's way of resolving names is carried out. */
export function* operateResolver(action: ResolverAction): Operation {
  try {
    return yield* start(action);
  } catch (error) {
    // What cannot be changed, and answers that make no sense, are thrown where they are read.
    if (error instanceof DroverError) return failed(error.failure);
    throw error;
  }
}

function start(action: ResolverAction): Operation {
  const { host, model } = action;
  switch (action.kind) {
    case "resolver.install":
      return change(host, (facts) => installing(host, action.model, { facts, proven: true }));
    case "resolver.restore":
      return change(host, (facts) =>
        model === null ? removing(host, facts) : installing(host, model, { facts, proven: false }),
      );
  }
}

function* change(host: string, commandFor: (facts: ResolverFacts) => Command): Operation {
  for (let tries = 1; ; tries += 1) {
    const ran = yield* run(host, commandFor(yield* look(host)));
    if (ran.code === 0) return done(ran.stdout.trim());
    if (ran.code !== RESOLVER_EXIT.moved || tries === TRIES) return failed(failureOf(host, ran));
  }
}

function* look(host: string): Generator<Ask, ResolverFacts, Answer> {
  const { code, stdout } = yield* run(host, reading("resolver.look", resolverFact.text));
  if (code !== 0) throw new DroverError(failure("unknown-state", `${host} does not tell how it resolves names`));
  return resolverFact.parse(stdout);
}
