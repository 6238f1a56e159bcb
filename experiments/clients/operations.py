"""The protocol of probes.client, and the way to the server, for the example clients beside this file. Python's standard library only."""

import os
import sys
import time

HOST = os.environ.get("AFTERSHOCK_HOST", "")
PORT = os.environ.get("AFTERSHOCK_PORT", "1433")
USER = os.environ.get("AFTERSHOCK_USER", "sa")
PASSWORD = os.environ.get("AFTERSHOCK_PASSWORD", "")
DATABASE = os.environ.get("AFTERSHOCK_DATABASE", "master")
TRUST = os.environ.get("AFTERSHOCK_TRUST_SERVER_CERTIFICATE", "no")


def say(*words):
    """One line, at once: a line that waits in a buffer moves the measurement by as long as it waits."""
    print(*words, flush=True)


def run(operation, pause=0.1):
    """Calls operation(number) again and again and says when each began and how it ended. It must return the number."""
    number = 0
    while True:
        number += 1
        say("start", number)
        try:
            answer = operation(number)
            if answer != number:
                raise RuntimeError(f"asked for {number}, got {answer}")
        except Exception as error:  # Whatever a driver throws, the operation has failed.
            words = " ".join(str(error).split()) or type(error).__name__
            say("failed", number, f"{type(error).__name__}: {words}"[:400].encode("ascii", "replace").decode())
        else:
            say("ok", number)
        time.sleep(pause)


def argument(name):
    return name in sys.argv[1:]
