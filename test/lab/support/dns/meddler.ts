// Somebody between drover and a DNS server, on the lab's laptop: `node meddler.ts HOW PORT SERVER`. Passes everything on
// over TCP, but does something to updates (RFC 2136, opcode 5) or to their answers.
import { createConnection, createServer } from "node:net";
import type { Socket } from "node:net";

const [how = "", portText = "", server = ""] = process.argv.slice(2);
const OPCODE_UPDATE = 5;
const REFUSED = 5;

function isUpdate(message: Buffer): boolean {
  return ((message.readUInt8(2) >> 3) & 0x0f) === OPCODE_UPDATE;
}

/** The message with its last byte but `back` turned round; the signature is somewhere at the end (RFC 8945 §4.2). */
function bent(message: Buffer, back: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt8(copy.readUInt8(copy.length - back) ^ 0xff, copy.length - back);
  return copy;
}

function withRcode(message: Buffer, rcode: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt8((copy.readUInt8(3) & 0xf0) | rcode, 3);
  return copy;
}

/** "It is done", without a signature: header only, as an answer. */
function yes(message: Buffer): Buffer {
  const copy = Buffer.alloc(12);
  message.copy(copy, 0, 0, 3);
  copy.writeUInt8(copy.readUInt8(2) | 0x80, 2);
  return copy;
}

function send(socket: Socket, message: Buffer): void {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  socket.write(Buffer.concat([length, message]));
}

/** Calls with every whole message (RFC 1035 §4.2.2). */
function messages(socket: Socket, each: (message: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    rest = Buffer.concat([rest, typeof chunk === "string" ? Buffer.from(chunk) : chunk]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      each(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
  });
}

const open = new Set<Socket>();
const listener = createServer((client) => {
  const upstream = createConnection({ host: server, port: 53 });
  for (const socket of [client, upstream]) {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      client.destroy();
      upstream.destroy();
    });
  }
  messages(client, (message) => {
    if (!isUpdate(message)) return send(upstream, message);
    if (how === "answers itself") return send(client, yes(message));
    // Somewhere among the records, far from header and signature.
    send(upstream, how === "changes the update" ? bent(message, 150) : message);
  });
  messages(upstream, (message) => {
    send(client, isUpdate(message) && how === "changes the answer" ? withRcode(message, REFUSED) : message);
  });
});
listener.listen(Number(portText), "0.0.0.0", () => console.log("ready"));
process.stdin.on("end", () => {
  listener.close();
  for (const socket of open) socket.destroy();
});
process.stdin.resume();
