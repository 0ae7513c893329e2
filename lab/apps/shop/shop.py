#!/usr/bin/python3 -SE
"""The lab's shop: a small HTTP/1.1 server whose manners come from release.json beside it.

release.json holds "release" and, for the releases that misbehave, one of
  "healthy": false      /healthz answers 503, always
  "crashAfter": 5       exits with 1 that many seconds after its start
  "warmUp": 5           answers 503 on every path for that many seconds
  "abrupt": true        on SIGTERM it is gone at once, requests in flight or not
Without any of them SIGTERM ends it in order: no new connection, requests in flight are answered with
"Connection: close", idle connections are closed.
"""
import asyncio
import base64
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import time

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
MAX_HEAD, MAX_FRAME = 65536, 1 << 20
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
           413: "Content Too Large", 426: "Upgrade Required", 503: "Service Unavailable"}


class Shop:
    """What the connections share: the release, the clock, who is open."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        self.release = behaviour["release"]
        self.host = socket.gethostname()
        self.started = time.monotonic()
        self.stopping = False
        self.connections = set()
        self.requests = 0  # by users: checks and the question for this number do not count

    def warming_up(self):
        return time.monotonic() - self.started < self.behaviour.get("warmUp", 0)

    def reset(self):
        """Gone at once: every client gets a reset instead of its answer."""
        for connection in self.connections:
            connection.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    def answer(self, path):
        """The status and body of a GET that needs no waiting."""
        if self.warming_up():
            return 503, "warming up\n"
        if path == "/":
            return 200, f"shop {self.release} on {self.host}\n"
        if path == "/healthz":
            return (200, "ok\n") if self.behaviour.get("healthy", True) else (503, "not healthy\n")
        if path == "/version":
            return 200, json.dumps({"app": "shop", "release": self.release, "host": self.host}) + "\n"
        if path == "/requests":
            return 200, json.dumps({"requests": self.requests}) + "\n"
        if path == "/env":
            return 200, json.dumps(environment()) + "\n"
        return 404, "not here\n"


def environment():
    """LOG_LEVEL, and the credentials by the hash of their content: a test may compare them, nobody can read them."""
    folder, credentials = os.environ.get("CREDENTIALS_DIRECTORY"), {}
    for name in sorted(os.listdir(folder)) if folder and os.path.isdir(folder) else []:
        with open(os.path.join(folder, name), "rb") as file:
            credentials[name] = hashlib.sha256(file.read()).hexdigest()
    return {"LOG_LEVEL": os.environ.get("LOG_LEVEL"), "credentials": credentials}


class Connection(asyncio.Protocol):
    """One client: requests one after another, the bytes of an early next one kept until their turn."""

    def __init__(self, shop):
        self.shop, self.buffer, self.mode, self.slow = shop, b"", "idle", None

    def connection_made(self, transport):
        self.transport = transport
        self.shop.connections.add(self)

    def connection_lost(self, _error):
        self.shop.connections.discard(self)
        if self.slow:
            self.slow.cancel()

    def data_received(self, data):
        self.buffer += data
        self.advance()

    def advance(self):
        while not self.transport.is_closing():
            if self.mode == "websocket":
                if not self.frame():
                    return
            elif self.mode != "idle" or not self.request():
                return

    def request(self):
        """Takes one request off the buffer; False if it is not whole yet."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > MAX_HEAD:
                self.reply(400, "head too long\n", close=True)
            return False
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        parts = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not length.isdigit():
            self.reply(400, "not a request\n", close=True)
            return False
        if "transfer-encoding" in headers or int(length) > MAX_HEAD:
            self.reply(413, "too much\n", close=True)
            return False
        if len(self.buffer) < end + 4 + int(length):
            return False
        self.buffer = self.buffer[end + 4 + int(length):]
        connection = headers.get("connection", "").lower()
        close = "close" in connection or (parts[2] == "HTTP/1.0" and "keep-alive" not in connection)
        self.route(parts[0], parts[1], headers, close)
        return True

    def route(self, method, target, headers, close):
        path, _, query = target.partition("?")
        if path not in ("/healthz", "/requests"):
            self.shop.requests += 1
        if method not in ("GET", "HEAD", "POST"):
            self.reply(405, "GET, HEAD or POST\n", close)
        elif path == "/ws" and not self.shop.warming_up():
            self.upgrade(headers, close)
        elif path == "/slow" and not self.shop.warming_up():
            ms = "".join(c for c in query.partition("ms=")[2].partition("&")[0] if c.isdigit()) or "1000"
            self.mode = "waiting"
            self.slow = asyncio.get_running_loop().call_later(
                min(int(ms), 600_000) / 1000, self.wake, f"slept {ms} ms\n", close)
        else:
            status, body = self.shop.answer(path)
            self.reply(status, body, close, with_body=method != "HEAD")

    def wake(self, body, close):
        self.mode, self.slow = "idle", None
        self.reply(200, body, close)
        self.advance()

    def reply(self, status, body, close, with_body=True):
        close = close or self.shop.stopping
        kind = "application/json" if body.startswith("{") else "text/plain"
        head = (f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                f"X-Release: {self.shop.release}\r\nX-Instance: {self.shop.host}\r\n"
                f"{'Connection: close' if close else 'Connection: keep-alive'}\r\n\r\n")
        self.transport.write((head + (body if with_body else "")).encode())
        if close:
            self.transport.close()

    def upgrade(self, headers, close):
        key = headers.get("sec-websocket-key")
        if headers.get("upgrade", "").lower() != "websocket" or not key:
            self.reply(426, "a websocket lives here\n", close)
            return
        accept = base64.b64encode(hashlib.sha1(key.encode() + WEBSOCKET_GUID).digest()).decode()
        self.transport.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              f"Sec-WebSocket-Accept: {accept}\r\nX-Instance: {self.shop.host}\r\n\r\n").encode())
        self.mode = "websocket"

    def frame(self):
        """Takes one frame off the buffer and echoes it (RFC 6455, section 5.2)."""
        data = self.buffer
        if len(data) < 2:
            return False
        code, length, at = data[0] & 15, data[1] & 127, 2
        if length == 126:
            length, at = (struct.unpack(">H", data[2:4])[0], 4) if len(data) >= 4 else (MAX_FRAME, 4)
        elif length == 127:
            length, at = (struct.unpack(">Q", data[2:10])[0], 10) if len(data) >= 10 else (MAX_FRAME, 10)
        if not data[1] & 128 or length > MAX_FRAME:
            self.close_websocket(1002)
            return False
        if len(data) < at + 4 + length:
            return False
        mask, body = data[at:at + 4], data[at + 4:at + 4 + length]
        self.buffer = data[at + 4 + length:]
        body = bytes(b ^ mask[i & 3] for i, b in enumerate(body))
        if code == 8:
            self.close_websocket(1000)
        elif code != 10:  # a pong needs no answer; a ping gets its own bytes back, everything else is an echo
            self.send((data[0] & 0x80) | (10 if code == 9 else code), body)
        return True

    def send(self, first, body):
        if len(body) < 126:
            head = bytes([first, len(body)])
        elif len(body) < 65536:
            head = bytes([first, 126]) + struct.pack(">H", len(body))
        else:
            head = bytes([first, 127]) + struct.pack(">Q", len(body))
        self.transport.write(head + body)

    def close_websocket(self, reason):
        self.send(0x88, struct.pack(">H", reason))
        self.transport.close()


async def serve(shop, port):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(shop), None, port, reuse_address=True, backlog=1024)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, shop.reset if shop.behaviour.get("abrupt") else stop.set)
    if shop.behaviour.get("crashAfter"):
        loop.call_later(shop.behaviour["crashAfter"], crash)
    print(f"shop {shop.release} listens on {port}", flush=True)
    await stop.wait()
    shop.stopping = True
    server.close()
    for connection in list(shop.connections):
        if connection.mode == "websocket":
            connection.close_websocket(1001)
        elif connection.mode == "idle" and not connection.buffer:
            connection.transport.close()
    while shop.connections:
        await asyncio.sleep(0.02)
    print(f"shop {shop.release} has answered everything", flush=True)


def crash():
    print("shop: the cart service is gone", file=sys.stderr, flush=True)
    os._exit(1)


def main():
    if len(sys.argv) != 3 or sys.argv[1] != "--port" or not sys.argv[2].isdigit():
        sys.exit("usage: shop --port PORT")
    here = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    with open(os.path.join(here, "release.json"), encoding="utf-8") as file:
        shop = Shop(json.load(file))
    asyncio.run(serve(shop, int(sys.argv[2])))


main()
