"""What the three clients have in common: commands in, events out, one JSON object per line.

    {"publish": CHANNEL, "payload": TEXT}      publish TEXT
    {"subscribe": CHANNEL}                     asyncio and twisted only
    {"unsubscribe": CHANNEL}                   asyncio and twisted only

    {"ident": I, "channel": C, "payload": HEX} a message has come
    {"error": TEXT}                            the broker sent an ERROR

Usage: SCRIPT HOST PORT IDENT SECRET CHANNEL...
With a PEM file in the environment as AGENT_TLSCERT, the client speaks TLS and trusts who is signed by that.
The end of the input ends the client.
"""

import json
import os
import sys
import threading

host, port, ident, secret = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
channels = sys.argv[5:]
tlscert = os.environ.get("AGENT_TLSCERT") or None

# The test has its own deadlines; this one is for a test that was killed.
_watchdog = threading.Timer(120, lambda: os._exit(3))
_watchdog.daemon = True
_watchdog.start()


def emit(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def message(ident, channel, payload):
    emit(ident=str(ident), channel=str(channel), payload=bytes(payload).hex())


def commands():
    for line in sys.stdin:
        yield json.loads(line)
