// A user with a websocket through one balancer: run on the lab's laptop as `node websocket.ts ADDRESS HOST`.
// Echoes a message every 100 ms, comes back when it is closed, and prints what happens as lines of JSON.
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import type { Duplex } from "node:stream";

const [address = "", host = ""] = process.argv.slice(2);

function tell(what: "opened" | "closed" | "refused", instance = ""): void {
  process.stdout.write(`${JSON.stringify({ what, at: Date.now(), instance })}\n`);
}

/** A masked text frame with a short payload (RFC 6455, section 5.2). */
function frame(text: string): Buffer {
  const mask = randomBytes(4);
  const body = Buffer.from(text).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length]), mask, body]);
}

function connect(): void {
  const key = randomBytes(16).toString("base64");
  const upgrade = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": key,
  };
  const asked = request({ host: address, path: "/ws", headers: { Host: host, ...upgrade } });
  asked.on("upgrade", (response, socket) => chat(socket, String(response.headers["x-instance"] ?? "")));
  asked.on("response", () => {
    tell("refused");
    setTimeout(connect, 100);
  });
  asked.on("error", () => {
    tell("refused");
    setTimeout(connect, 100);
  });
  asked.end();
}

function chat(socket: Duplex, instance: string): void {
  tell("opened", instance);
  const timer = setInterval(() => socket.write(frame("still there?")), 100);
  socket.resume();
  socket.on("error", () => undefined);
  socket.on("end", () => socket.end());
  socket.on("close", () => {
    clearInterval(timer);
    tell("closed");
    connect();
  });
}

connect();
