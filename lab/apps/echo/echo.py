#!/usr/bin/python3 -SE
"""A server that is no web server: it greets with its release and host, then sends every line back.

With a credential TLS_PEM (key and certificate) it ends TLS itself, as apps behind a passthrough route do. A client that
speaks HTTP there gets one answer and the end of the connection, so that curl can ask it too.
"""
import asyncio
import json
import os
import signal
import socket
import ssl
import sys

HOME = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def encryption():
    path = os.path.join(os.environ.get("CREDENTIALS_DIRECTORY", "/nowhere"), "TLS_PEM")
    if not os.path.exists(path):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class Echo:
    """One release on one host, and who is connected to it."""

    def __init__(self, release):
        self.greeting = f"echo {release} on {socket.gethostname()}\n".encode()
        self.writers = set()

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            # No greeting behind TLS: its clients speak HTTP.
            if writer.get_extra_info("ssl_object") is None:
                writer.write(self.greeting)
            while line := await reader.readline():
                if line.startswith((b"GET ", b"HEAD ")):
                    await self.answer(reader, writer)
                    return
                writer.write(line)
                await writer.drain()
        except (ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def answer(self, reader, writer):
        while (await reader.readline()).strip():
            pass
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.greeting)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + self.greeting)
        await writer.drain()


async def main(port):
    with open(os.path.join(HOME, "release.json"), encoding="utf-8") as file:
        echo = Echo(json.load(file)["release"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(echo.serve, None, port, ssl=encryption(), backlog=1024)
    print(f"{echo.greeting.decode().strip()} listens on {port}", flush=True)
    await stop.wait()
    server.close()
    for writer in list(echo.writers):
        writer.close()


if len(sys.argv) != 3 or sys.argv[1] != "--port" or not sys.argv[2].isdigit():
    sys.exit("usage: echo --port PORT")
asyncio.run(main(int(sys.argv[2])))
