import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

// What tests use to get in the way of connections, and to wait for what they caused.

/** A listener on a port of the loopback. */
export interface Listener {
  readonly port: number;
  close(): void;
}

/** Listens, and hands every connection to `serve`. */
export async function listen(serve: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Carries a connection to another port, until `silent` says to swallow everything. */
export function pipeTo(socket: Socket, port: number, silent: () => boolean = () => false): void {
  const onward = connect(port, "127.0.0.1");
  socket.on("data", (data) => silent() || onward.write(data));
  onward.on("data", (data) => silent() || socket.write(data));
  onward.on("error", () => undefined);
  socket.on("close", () => onward.destroy());
  onward.on("close", () => silent() || socket.destroy());
}

/** Carries a connection to another port; what comes back within 200 ms arrives at once, as on a slow or busy network. */
export function pipeInLumps(socket: Socket, port: number): void {
  const onward = connect(port, "127.0.0.1");
  let held: Buffer[] = [];
  socket.on("data", (data) => onward.write(data));
  onward.on("data", (data) => {
    held.push(data);
    if (held.length > 1) return;
    setTimeout(() => {
      socket.write(Buffer.concat(held));
      held = [];
    }, 200);
  });
  onward.on("error", () => undefined);
  socket.on("close", () => onward.destroy());
}

/** Whether a process of this machine is there. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A file's text; null while it cannot be read. */
export function tryRead(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** Looks until there is something to see, for at most ten seconds. */
export async function until<Value>(look: () => Value | null): Promise<Value> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const value = look();
    if (value !== null) return value;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("it did not happen within 10 s");
}
