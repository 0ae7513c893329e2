"""A service of somebody else: N instances in one process, each with a port of its own (BASE+1 .. BASE+N). Each answers with
its number; /healthz is 200. Port BASE takes orders: GET /stop/7 ends instance 7 as kill -9 would, /start/7 brings it back,
/count/7 tells how many requests but health checks it has had since it was asked last."""
import asyncio
import sys

BASE, COUNT = int(sys.argv[1]), int(sys.argv[2])
listening, connections, counts = {}, {}, {}


def answer(text, status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


async def path_of(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    return head.split(b" ", 2)[1].decode()


def serve(number):
    async def one(reader, writer):
        connections[number].add(writer)
        try:
            while True:
                path = await path_of(reader)
                if path != "/healthz":
                    counts[number] = counts.get(number, 0) + 1
                writer.write(answer(str(number)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            connections[number].discard(writer)
            writer.close()

    return one


async def start(number):
    connections[number] = set()
    listening[number] = await asyncio.start_server(serve(number), "0.0.0.0", BASE + number)


async def stop(number):
    listening.pop(number).close()
    for writer in list(connections[number]):
        writer.transport.abort()


async def order(reader, writer):
    _, verb, number = (await path_of(reader)).split("/")
    number = int(number)
    if verb == "stop":
        await stop(number)
    elif verb == "start":
        await start(number)
    writer.write(answer(str(counts.pop(number, 0))))
    await writer.drain()
    writer.close()


async def main():
    for number in range(1, COUNT + 1):
        await start(number)
    await (await asyncio.start_server(order, "0.0.0.0", BASE)).serve_forever()


asyncio.run(main())
