#!/usr/bin/python3 -SE
"""A worker without a port: one line per second, until SIGTERM."""
import json
import os
import signal
import sys
import time

stopping = False


def stop(_number, _frame):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
with open(os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "release.json")) as file:
    behaviour = json.load(file)
if behaviour.get("fails"):
    sys.exit("ticker: no queue to work on")
tick = 0
while not stopping:
    tick += 1
    print(f"ticker {behaviour['release']} tick {tick}", flush=True)
    time.sleep(1)
print(f"ticker {behaviour['release']} stops", flush=True)
