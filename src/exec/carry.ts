import { EXIT } from "../model/command.ts";
import type { Command } from "../model/command.ts";
import type { Failure } from "../model/errors.ts";
import { DroverError, failure } from "../model/errors.ts";
import type { Answer, Ask, Outcome } from "../model/operation.ts";
import { failed } from "../model/operation.ts";
import type { Step } from "../model/plan.ts";
import type { Limits, Request } from "../model/ports.ts";
import type { ExecDeps } from "./deps.ts";
import type { Relays } from "./relays.ts";

/** An answer without its time, or why there is none. */
type Reply =
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "answered"; readonly answer: (elapsed: number) => Answer };

/** Milliseconds for one word with a DNS server: one that takes what it is asked and says nothing must not take the whole step. */
const DNS_LIMIT = 5000;

function atMost(ms: number, { deadline, signal }: Limits): Limits {
  return { deadline: Math.min(deadline, ms), signal };
}

/**
 * Carries out one step: drives its operation, ask by ask, until it returns, its deadline has passed or `signal` aborts.
 * Never throws for what the world does; whatever else is thrown is a bug and ends the step as one.
 */
export async function carry(step: Step, deps: ExecDeps, relays: Relays, signal: AbortSignal): Promise<Outcome> {
  const begin = deps.clock.now();
  const elapsed = (): number => deps.clock.now() - begin;
  const operation = deps.operate(step.action);
  try {
    let turn = operation.next();
    while (turn.done !== true) {
      const left = step.deadline - elapsed();
      if (signal.aborted) return failed(interrupted(step));
      if (left <= 0) return failed(timedOut(step));
      const reply = await answer(turn.value, deps, relays, { deadline: left, signal });
      if (reply.kind === "failed") return failed(signal.aborted ? interrupted(step) : reply.failure);
      turn = operation.next(reply.answer(elapsed()));
    }
    return turn.value;
  } catch (error) {
    return failed(asFailure(error, step));
  } finally {
    operation.return(failed(interrupted(step)));
  }
}

async function answer(ask: Ask, deps: ExecDeps, relays: Relays, limits: Limits): Promise<Reply> {
  switch (ask.kind) {
    case "exec":
      return await answerExec(ask, deps, limits);
    case "haproxy": {
      const epoch = ask.mutates ? deps.warrant.epoch : 0;
      const result = await relays.ask({ ...ask, epoch }, limits);
      if (result.kind === "failed") return result;
      return { kind: "answered", answer: (elapsed) => ({ kind: "haproxy", elapsed, replies: result.replies }) };
    }
    case "dns-query": {
      const queried = await deps.dns.query(ask.server, ask.questions, atMost(DNS_LIMIT, limits));
      return {
        kind: "answered",
        answer: (elapsed) => ({ kind: "dns-query", elapsed, queried, warrant: deps.warrant }),
      };
    }
    case "dns-update":
      return await answerUpdate(ask, deps, limits);
    case "sleep":
      await deps.clock.sleep(Math.min(ask.ms, limits.deadline), limits.signal);
      return { kind: "answered", answer: (elapsed) => ({ kind: "sleep", elapsed }) };
    case "edit":
      await deps.edit(ask);
      return { kind: "answered", answer: (elapsed) => ({ kind: "edit", elapsed }) };
  }
}

async function answerExec(
  { host, command, fresh = false }: Extract<Ask, { readonly kind: "exec" }>,
  deps: ExecDeps,
  limits: Limits,
): Promise<Reply> {
  const result = await deps.transport.exec(host, { ...toRequest(command, deps), fresh }, limits);
  if (result.kind === "failed") {
    if (!fresh) return result;
    const lost = result.failure;
    // That no new connection comes through is what it was made to find out.
    return {
      kind: "answered",
      answer: (elapsed) => ({ kind: "exec", elapsed, code: -1, stdout: "", stderr: "", lost }),
    };
  }
  if (command.mutates && result.code === EXIT.stale) {
    return {
      kind: "failed",
      failure: failure("stale-epoch", `${host} refused ${command.name}: a newer run has changed it`, "", [
        result.stderr.trim(),
      ]),
    };
  }
  const { code, stdout, stderr } = result;
  return { kind: "answered", answer: (elapsed) => ({ kind: "exec", elapsed, code, stdout, stderr }) };
}

async function answerUpdate(
  { server, update }: Extract<Ask, { readonly kind: "dns-update" }>,
  { dns, dnsKey }: ExecDeps,
  limits: Limits,
): Promise<Reply> {
  if (dnsKey === null) throw new DroverError(failure("bug", `${server.name} was to be updated without a key`));
  const updated = await dns.update(server, update, dnsKey, atMost(DNS_LIMIT, limits));
  return { kind: "answered", answer: (elapsed) => ({ kind: "dns-update", elapsed, updated }) };
}

/** Resolves a command's frames to bytes, at the last moment, and attaches the warrant where it changes something. */
function toRequest(command: Command, deps: Pick<ExecDeps, "files" | "secrets" | "warrant">): Request {
  const frames = command.frames.map((frame) => {
    switch (frame.kind) {
      case "text": {
        const bytes = new TextEncoder().encode(frame.text);
        return { size: bytes.length, bytes };
      }
      case "file":
        return { size: frame.size, bytes: deps.files.stream(frame.path) };
      case "secret": {
        const secret = deps.secrets.get(frame.ref);
        if (secret === undefined) throw new DroverError(failure("secret", `the secret ${frame.ref} has not been read`));
        const bytes = secret.reveal();
        return { size: bytes.length, bytes };
      }
    }
  });
  return { command, warrant: command.mutates ? deps.warrant : null, frames };
}

function interrupted(step: Step): Failure {
  return failure("interrupted", `interrupted: ${step.says}`);
}

function timedOut(step: Step): Failure {
  const seconds = Math.round(step.deadline / 1000);
  return failure("command-timeout", `${step.says}: not done after ${String(seconds)} s`);
}

function asFailure(error: unknown, step: Step): Failure {
  if (error instanceof DroverError) return error.failure;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return failure("bug", `${step.says}: drover itself failed`, "please report this", stack.split("\n"));
}
