# One end of a connection, for tests of the firewall: says in /run/stream-NAME how many bytes have come, and how it ended.
#
#   stream NAME listen|connect tcp|udp ADDRESS PORT send|idle|bulk
#
# `send` writes a little every 50 ms, `bulk` as much as goes through, `idle` only reads.
import select, socket, sys, time

name, how, protocol, address, port, does = sys.argv[1:7]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM


def say(text):
    with open(f"/run/stream-{name}.new", "w") as file:
        file.write(text + "\n")
    import os
    os.replace(f"/run/stream-{name}.new", f"/run/stream-{name}")


say("waiting")
end = socket.socket(family, kind)
end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if how == "listen":
    end.bind((address, int(port)))
    if protocol == "tcp":
        end.listen()
        listener = end
        end, _ = end.accept()
    else:
        _, peer = end.recvfrom(10)
        end.connect(peer)
else:
    end.connect((address, int(port)))
    if protocol == "udp":
        end.send(b"hello")
got = 0
say("0")
end.setblocking(False)
due = 0.0
while True:
    try:
        readable, writable, _ = select.select([end], [end] if does == "bulk" else [], [], 0.02)
        if readable:
            data = end.recv(1 << 20)
            if not data and protocol == "tcp":
                say(f"{got} closed")
                break
            got += len(data)
            say(str(got))
        if writable:
            end.send(bytes(1 << 18))
        if does == "send" and time.monotonic() >= due:
            end.send(b"x")
            due = time.monotonic() + 0.05
    except BlockingIOError:
        pass
    except ConnectionRefusedError:
        if protocol == "tcp":
            raise
    except OSError as error:
        say(f"{got} {type(error).__name__} {error.errno}")
        break
# The process stays, as a server would.
time.sleep(600)
