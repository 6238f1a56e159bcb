"""Starts and stops a sandbox-sql of one's own for a test."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

PASSWORD = "Str0ng!Passw0rd"
HOST = "127.0.7.11"
PROGRAM = os.environ.get("SANDBOX_SQL", str(pathlib.Path(__file__).parents[3] / ".build/debug/sandbox-sql"))


class Server:
    def __init__(self, folder, *arguments):
        environment = dict(os.environ, ACCEPT_EULA="Y", MSSQL_SA_PASSWORD=PASSWORD, MSSQL_DATA_DIR=folder,
                           MSSQL_IP_ADDRESS=HOST, MSSQL_TCP_PORT="0")
        self.process = subprocess.Popen([PROGRAM, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
        self.port = None
        for line in self.process.stdout:
            if found := re.search(r"listening on \[ \S+ <ipv4> (\d+)\]", line):
                self.port = int(found.group(1))
            if "Recovery is complete" in line:
                break
        if self.port is None:
            raise RuntimeError(f"{PROGRAM} did not start: exit code {self.process.wait()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def running(*arguments):
    """A server on a folder of its own, stopped in order at the end."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, *arguments)
        try:
            yield server
        finally:
            code = server.stop()
        assert code == 0, f"the server ended with {code}"
