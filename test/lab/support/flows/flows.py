#!/usr/bin/python3 -SE
"""Both ends of flows, for tests of the firewall. It prints `ready` once it is at work; a line on its stdin makes it tell
its totals as one line of JSON, the end of its stdin makes it tell them and end.

  flows serve PORT                         the app: a line `hello` is answered, after `push` it sends, after `pull` it reads
  flows connect ADDRESS PORT PER_SECOND    one new connection after the other, each with a question
  flows streams ADDRESS PORT COUNT push|pull   connections that stay; who sends is said from the server's side
  flows sample EVERY_MS JSON               asks each [name, address, port, NTH] in every NTH turn whether it is let in

Who is refused by a packet filter is told apart from who finds nobody listening: that one was let in.
"""
import asyncio
import errno
import json
import select
import signal
import socket
import struct
import sys
import time

STALL = 3.0  # a stream with no progress for so long is broken
PATIENCE = 0.9  # of a sample: the kernel repeats its question after a second, and that would be another one


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def tcp_info(end, at):
    """A 32 bit field of struct tcp_info, linux/tcp.h."""
    return struct.unpack_from("I", end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), at)[0]


def repeats(end):
    return tcp_info(end, 100)  # tcpi_total_retrans


def since_heard(end):
    return tcp_info(end, 56) / 1000  # tcpi_last_ack_recv


def hang_up(end):
    """With a reset: no state stays that a later connection with this port could meet."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.close()
    except OSError:
        pass


class Reporter:
    def __init__(self, totals):
        self.totals, self.ended = totals, asyncio.Event()

    def told(self):
        print(json.dumps(self.totals()), flush=True)

    def begin(self):
        self.task = asyncio.ensure_future(self.listen())  # asyncio itself keeps no hold of it

    async def listen(self):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print("ready", flush=True)
        while await reader.readline():
            self.told()
        self.ended.set()


async def serve(port):
    async def answer(reader, writer):
        try:
            what = (await reader.readline()).strip()
            if what == b"hello":
                writer.write(f"hello {socket.gethostname()}\n".encode())
            elif what == b"push":
                while True:
                    writer.write(b"x\n")
                    await writer.drain()
                    await asyncio.sleep(0.1)
            elif what == b"pull":
                while await reader.read(65536):
                    pass
        except OSError:
            pass
        finally:
            writer.close()

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(answer, None, port, backlog=1024)
    await stop.wait()
    server.close()


async def connect(address, port, per_second):
    count = {"connections": 0, "failed": 0, "slowest": 0, "first": []}

    def fail(what):
        count["failed"] += 1
        if len(count["first"]) < 20:
            count["first"].append(f"{time.time():.3f} {what}")

    async def one():
        began = time.monotonic()
        count["connections"] += 1
        writer = None
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 5)
            end = writer.get_extra_info("socket")
            if repeats(end):
                fail("the first packet was lost")
            writer.write(b"hello\n")
            said = await asyncio.wait_for(reader.readline(), 5)
            if not said.startswith(b"hello "):
                fail(f"answered {said!r}")
        except (OSError, asyncio.TimeoutError) as error:
            fail(f"{type(error).__name__} {error}")
        finally:
            if writer is not None:
                writer.close()
            count["slowest"] = max(count["slowest"], round((time.monotonic() - began) * 1000))

    reporter = Reporter(lambda: count)
    reporter.begin()
    tasks = set()
    while not reporter.ended.is_set():
        task = asyncio.ensure_future(one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await asyncio.sleep(1 / per_second)
    if tasks:
        await asyncio.wait(tasks)
    reporter.told()


class Stream:
    """One connection that stays. Its longest silence is how long nothing came, or was acknowledged."""

    def __init__(self, address, port, way):
        self.way, self.broken, self.gap, self.bytes = way, None, 0.0, 0
        self.end = socket.create_connection((address, port), 5)
        self.end.sendall(way.encode() + b"\n")
        self.end.setblocking(False)
        self.heard = time.monotonic()

    def turn(self):
        """Reads or sends what there is; called every 100 ms."""
        if self.broken:
            return
        try:
            if self.way == "pull":
                self.bytes += self.end.send(b"x")
                self.gap = max(self.gap, since_heard(self.end))
                self.read()
            else:
                self.read()
                self.gap = max(self.gap, time.monotonic() - self.heard)
            if self.gap > STALL:
                self.broken = "silent"
        except OSError as error:
            self.broken = errno.errorcode.get(error.errno, str(error))

    def read(self):
        try:
            while True:
                data = self.end.recv(65536)
                if not data:
                    self.broken = "closed"
                    return
                self.bytes += len(data)
                self.gap = max(self.gap, time.monotonic() - self.heard)
                self.heard = time.monotonic()
        except BlockingIOError:
            pass


async def streams(address, port, number, way):
    every = [Stream(address, port, way) for _ in range(number)]

    def totals():
        broken = [stream.broken for stream in every if stream.broken]
        return {"streams": number, "broken": len(broken), "how": sorted(set(broken)),
                "longestSilence": round(max(stream.gap for stream in every) * 1000),
                "bytes": sum(stream.bytes for stream in every), "least": min(stream.bytes for stream in every)}

    reporter = Reporter(totals)
    while not all(stream.way == "pull" or stream.bytes for stream in every):
        await asyncio.sleep(0.1)
        for stream in every:
            stream.turn()
    reporter.begin()
    while not reporter.ended.is_set():
        for stream in every:
            stream.turn()
        await asyncio.sleep(0.1)
    reporter.told()


class Sampler:
    """Asks every target, again and again; what came back is kept as changes, so that a long run stays small."""

    def __init__(self, every, targets):
        self.every, self.targets, self.waiting, self.turns = every, targets, {}, 0
        self.poll = select.epoll()
        self.seen = {name: {"open": 0, "shut": 0, "changes": []} for name, _, _, _ in targets}

    def found(self, name, began, what):
        seen = self.seen[name]
        seen[what] += 1
        if not seen["changes"] or seen["changes"][-1][1] != what:
            seen["changes"].append([round(began * 1000), what])

    def begin(self):
        self.turns += 1
        for name, address, port, nth in self.targets:
            if self.turns % nth:
                continue
            end = socket.socket(family_of(address), socket.SOCK_STREAM)
            end.setblocking(False)
            began = time.time()
            code = end.connect_ex((address, port))
            if code in (0, errno.ECONNREFUSED):
                self.found(name, began, "open")
                hang_up(end)
            elif code == errno.EINPROGRESS:
                self.waiting[end.fileno()] = (end, name, began, time.monotonic() + PATIENCE)
                self.poll.register(end, select.EPOLLOUT)
            else:
                self.found(name, began, "shut")
                hang_up(end)

    def turn(self):
        for number, _ in self.poll.poll(0):
            end, name, began, _ = self.waiting.pop(number)
            code = end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            # An answer to the second question is none to the first.
            let_in = code == errno.ECONNREFUSED or (code == 0 and not repeats(end))
            self.found(name, began, "open" if let_in else "shut")
            self.poll.unregister(end)
            hang_up(end)
        now = time.monotonic()
        for number in [each for each, waits in self.waiting.items() if waits[3] < now]:
            end, name, began, _ = self.waiting.pop(number)
            self.found(name, began, "shut")
            self.poll.unregister(end)
            hang_up(end)


async def sample(every, targets):
    sampler = Sampler(every, targets)
    reporter = Reporter(lambda: sampler.seen)
    reporter.begin()
    due = 0.0
    while not reporter.ended.is_set():
        now = time.monotonic()
        if now >= due:
            due = now + every / 1000
            sampler.begin()
        sampler.turn()
        await asyncio.sleep(0.03)
    reporter.told()


def main(mode, *args):
    if mode == "serve":
        return serve(int(args[0]))
    if mode == "connect":
        return connect(args[0], int(args[1]), float(args[2]))
    if mode == "streams":
        return streams(args[0], int(args[1]), int(args[2]), args[3])
    return sample(int(args[0]), json.loads(args[1]))


asyncio.run(main(*sys.argv[1:]))
