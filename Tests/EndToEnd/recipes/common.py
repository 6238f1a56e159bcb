"""What the tests of the recipes share: the program, YAML, and a sandbox with a target."""

import atexit
import contextlib
import functools
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from ruamel.yaml import YAML

TOP = Path(__file__).resolve().parents[3]
PROGRAM = os.path.join(os.environ.get("AFTERSHOCK_BIN", TOP / ".build/debug"), "aftershock")


def load(path):
    return YAML(typ="safe").load(Path(path))


def load_all(text):
    return [one for one in YAML(typ="safe").load_all(text) if one]


def output(*command, **options):
    """The standard output of a command that has to succeed."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **options)
    if result.returncode != 0:
        raise AssertionError(f"{command}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


@contextlib.contextmanager
def sandbox():
    """The path of the kubeconfig of an embedded cluster in which the example target is ready."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([PROGRAM, "sandbox"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            line = process.stdout.readline()
            if not line:
                log.seek(0)
                raise AssertionError(f"the sandbox did not start: {log.read()}")
            kubeconfig = re.search(r"KUBECONFIG='?([^'\n]+)", line)[1]
            kubectl = ("kubectl", "--kubeconfig", kubeconfig)
            output(*kubectl, "apply", "-f", TOP / "experiments/targets/azure-sql-edge.yaml")
            output(*kubectl, "rollout", "status", "deployment/azure-sql-edge", "--namespace", "sql", "--timeout", "60s")
            yield kubeconfig
        finally:
            process.terminate()
            process.communicate()


@functools.cache
def shared_sandbox():
    """As `sandbox`, one for all tests of the process."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(sandbox())
