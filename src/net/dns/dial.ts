import { connect } from "node:net";
import type { DnsServer } from "../../model/dns.ts";
import { Connection } from "./connection.ts";

/** Milliseconds to wait for a connection: a server two networks away takes a tenth of it. */
const CONNECT_MS = 3000;

/** How connecting ended; `why` is a piece of a sentence. */
export type Dialled =
  | { readonly kind: "open"; readonly connection: Connection }
  | { readonly kind: "failed"; readonly why: string };

/** Connects to a server, within 3 s. */
export function dial(server: DnsServer, now: () => number, closing: AbortSignal): Promise<Dialled> {
  return new Promise((resolve) => {
    const socket = connect({ host: server.address, port: server.port });
    const finish = (dialled: Dialled): void => {
      clearTimeout(timer);
      closing.removeEventListener("abort", onClosing);
      resolve(dialled);
    };
    const fail = (why: string): void => {
      finish({ kind: "failed", why });
      socket.destroy();
    };
    const onClosing = (): void => fail("is not asked any more: drover ends");
    const timer = setTimeout(() => fail(`did not accept a connection within ${CONNECT_MS / 1000} s`), CONNECT_MS);
    closing.addEventListener("abort", onClosing, { once: true });
    // Its listener stays: an error that comes after all is settled must not be nobody's.
    socket.on("error", (error) => fail(describe(error)));
    socket.on("connect", () => finish({ kind: "open", connection: new Connection(socket, now) }));
    if (closing.aborted) onClosing();
  });
}

function describe(error: Error): string {
  const code = String(Reflect.get(error, "code") ?? "");
  return code === "ECONNREFUSED" ? "refused the connection" : `cannot be reached: ${error.message}`;
}
