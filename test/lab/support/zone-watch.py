"""Asks a server for a zone's SOA over UDP again and again until a file is there; then says how often it asked, and how often
it got no authoritative answer within a second. A process per question would be most of what a busy machine has to do.

    zone-watch.py ADDRESS ZONE FILE
"""
import os
import socket
import struct
import sys
import time

address, zone, stop = sys.argv[1:4]
name = b"".join(bytes([len(label)]) + label.encode() for label in zone.split(".")) + b"\0"
asked = failed = 0


def is_authoritative(number):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(1)
        one.connect((address, 53))
        try:
            one.send(struct.pack(">6H", number, 0, 1, 0, 0, 0) + name + struct.pack(">2H", 6, 1))
            head = struct.unpack(">4H", one.recv(4096)[:8])
        except OSError:
            return False
    return head[0] == number and head[1] & 0x8400 == 0x8400 and head[1] & 15 == 0 and head[3] > 0


while not os.path.exists(stop):
    asked += 1
    failed += not is_authoritative(asked & 0xFFFF)
    time.sleep(0.02)
print(asked, failed)
