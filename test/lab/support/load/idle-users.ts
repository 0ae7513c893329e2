// Users of HTTP/1.1 who keep their connection and say nothing for seconds at a time: run on the lab's laptop as
// `node idle-users.ts ADDRESS HOST COUNT`. On SIGINT they print their totals as one line of JSON, and end.
import { Agent, get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const [address = "", host = "", count = "20"] = process.argv.slice(2);
const totals = {
  requests: 0,
  /** On a connection that had carried a request before. */
  kept: 0,
  failed: 0,
  first: [] as string[],
  /** Answers by the instance that gave them. */
  instances: {} as Record<string, number>,
};
let stopping = false;

function fail(what: string): void {
  totals.failed += 1;
  if (totals.first.length < 20) totals.first.push(`${new Date().toISOString()} ${what}`);
}

function ask(agent: Agent): Promise<void> {
  totals.requests += 1;
  return new Promise((resolve) => {
    const request = get({ host: address, agent, headers: { Host: host }, timeout: 10_000 }, (answer) => {
      if (request.reusedSocket) totals.kept += 1;
      const instance = String(answer.headers["x-instance"]);
      totals.instances[instance] = (totals.instances[instance] ?? 0) + 1;
      if (answer.statusCode !== 200) fail(`status ${String(answer.statusCode)}`);
      answer.resume();
      answer.on("error", (error) => fail(error.message));
      answer.on("close", resolve);
    });
    request.on("timeout", () => request.destroy(new Error("timed out")));
    request.on("error", (error) => {
      fail(error.message);
      resolve();
    });
  });
}

async function user(index: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  // Between 1 and 4 seconds, so that some are silent over every reload and speak after it.
  const silence = 1000 + 150 * (index % 20);
  while (!stopping) {
    await ask(agent);
    await pause(silence);
  }
  agent.destroy();
}

process.on("SIGINT", () => (stopping = true));
await Promise.all(Array.from({ length: Number(count) }, (_, index) => user(index)));
process.stdout.write(`${JSON.stringify(totals)}\n`);
