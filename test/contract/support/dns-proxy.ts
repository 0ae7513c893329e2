import { connect } from "node:net";
import type { Socket } from "node:net";
import { listen } from "./trouble.ts";

/** What may be wrong with a server, or the way to it. */
export type DnsTrouble =
  /** Nothing listens. */
  | "nobody"
  /** Takes connections, reads, and never answers; what is sent gets no further. */
  | "mute"
  /** Hands everything on, and closes the connection halfway through the reply. */
  | "hangs-up"
  /** Hands everything on, and keeps the replies for itself. */
  | "loses-replies"
  /** The reply's code is another than the server gave. */
  | "says-refused"
  /** One bit of the signature is another. */
  | "flips-a-bit"
  /** The signature is not there any more. */
  | "strips-signatures"
  /** No signature, and the code of a refusal. */
  | "refuses-unsigned"
  /** Another message's id. */
  | "changes-ids"
  /** Whatever comes back is no DNS at all. */
  | "talks-rubbish";

/** A way to a server, with trouble on it. */
export interface DnsProxy {
  readonly port: number;
  /** Connections that were let in so far. */
  made(): number;
  /** Closes the connections that are open now, as a server does with idle ones; new ones are let in. */
  cut(): void;
  close(): void;
}

/** What is wrong right now: asked for every reply; null hands it on as it is. */
export type DnsTroubles = (reply: Buffer) => DnsTrouble | null;

/** Whether a reply, or a question, is about an update: RFC 2136 §2.2, opcode 5. */
export function isUpdate(message: Buffer): boolean {
  return ((message.readUInt8(2) >> 3) & 0xf) === 5;
}

/** Listens in front of a server and troubles what comes back. */
export async function startDnsProxy(
  port: number,
  trouble: DnsTrouble | DnsTroubles,
  key = "drover",
): Promise<DnsProxy> {
  let made = 0;
  const sockets = new Set<Socket>();
  const listener = await listen((socket) => {
    made += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    if (trouble === "mute") socket.resume();
    else
      carry(socket, port, (message) =>
        troubled(message, typeof trouble === "string" ? trouble : trouble(message), key),
      );
  });
  if (trouble === "nobody") listener.close();
  return {
    port: listener.port,
    made: () => made,
    cut: () => {
      for (const socket of sockets) socket.end();
    },
    close: () => listener.close(),
  };
}

/** Hands a connection on, each reply as `change` makes it: bytes to send, or null to send nothing; `end` closes after them. */
function carry(socket: Socket, port: number, change: (reply: Buffer) => { bytes: Buffer; end: boolean }): void {
  const onward = connect(port, "127.0.0.1");
  let held = Buffer.alloc(0);
  socket.on("data", (data) => onward.write(data));
  onward.on("data", (data) => {
    held = Buffer.concat([held, data]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const size = 2 + held.readUInt16BE(0);
      const { bytes, end } = change(Buffer.from(held.subarray(2, size)));
      held = held.subarray(size);
      socket.write(bytes);
      if (end) socket.end();
    }
  });
  onward.on("error", () => socket.destroy());
  socket.on("close", () => onward.destroy());
  onward.on("close", () => socket.end());
}

function troubled(message: Buffer, trouble: DnsTrouble | null, key: string): { bytes: Buffer; end: boolean } {
  const whole = (bytes: Buffer): { bytes: Buffer; end: boolean } => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return { bytes: Buffer.concat([length, bytes]), end: false };
  };
  switch (trouble) {
    case "loses-replies":
      return { bytes: Buffer.alloc(0), end: false };
    case "hangs-up": {
      const { bytes } = whole(message);
      return { bytes: bytes.subarray(0, Math.floor(bytes.length / 2)), end: true };
    }
    case "says-refused":
      // RFC 1035 §4.1.1: the code is the low half of the fourth byte.
      message.writeUInt8((message.readUInt8(3) & 0xf0) | 5, 3);
      return whole(message);
    case "changes-ids":
      message.writeUInt16BE(message.readUInt16BE(0) ^ 1, 0);
      return whole(message);
    case "flips-a-bit": {
      // The last six bytes are the original id, the error and the length of what else there is: before them, the MAC.
      const at = message.length - 7;
      message.writeUInt8(message.readUInt8(at) ^ 1, at);
      return whole(message);
    }
    case "refuses-unsigned":
      message.writeUInt8((message.readUInt8(3) & 0xf0) | 5, 3);
      return troubled(message, "strips-signatures", key);
    case "strips-signatures": {
      const at = message.lastIndexOf(
        Buffer.concat([Buffer.of(key.length), Buffer.from(`${key}\0`), Buffer.of(0, 250, 0, 255)]),
      );
      if (at === -1) return whole(message);
      message.writeUInt16BE(message.readUInt16BE(10) - 1, 10);
      return whole(message.subarray(0, at));
    }
    case "talks-rubbish":
      return whole(Buffer.from("220 mail.test ESMTP, and not DNS at all\r\n"));
    default:
      return whole(message);
  }
}
