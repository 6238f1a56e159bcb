"""Report folders of runs that ended in different ways: a run that passes and one that loses its node, and what becomes of the first
when its journal is changed."""

import json
import os
import subprocess

PROGRAM = os.environ["AFTERSHOCK"]
TOP = os.environ["AFTERSHOCK_TOP"]
FOLDER = os.environ["AFTERSHOCK_REPORTS"]

# The exit code of each story.
EXIT_CODES = {"pass": 0, "budget": 1, "lost": 3, "invalid": 4, "killed": 6, "node": 1}


def path(story, file=""):
    return os.path.join(FOLDER, story, file)


def run(*arguments, expected=None):
    result = subprocess.run([PROGRAM, *arguments], cwd=TOP, capture_output=True, text=True, timeout=300)
    if expected is not None and result.returncode != expected:
        raise AssertionError(f"{arguments}: exit code {result.returncode}, not {expected}\n{result.stdout}\n{result.stderr}")
    return result.stdout


def journal(story, lines):
    """Writes a changed journal with the checksums of its own lines (Sources/Harness/Journal/JournalChain.swift): without them none passes."""
    os.makedirs(path(story), exist_ok=True)
    state = 0xcbf29ce484222325
    with open(path(story, "journal.ndjson"), "wb") as file:
        for line in lines:
            text = json.dumps({name: value for name, value in line.items() if name != "chain"}, separators=(",", ":")).encode()[:-1]
            for byte in text:
                state = (state ^ byte) * 0x100000001b3 & 0xffffffffffffffff
            file.write(text + b',"chain":"%016x"}\n' % state)


def node_loss():
    """A node that does not come back: its disk is lost with it, so that nothing recovers however long the run waits."""
    with open(os.path.join(TOP, "experiments", "node-failure.yaml")) as file:
        text = file.read()
    for limit in ("giveUpAfter: 60s", "max: 60s", "recoveredWithin: 60s"):
        assert limit in text, limit
        text = text.replace(limit, limit.replace("60s", "10s"))
    experiment = os.path.join(FOLDER, "node.yaml")
    with open(experiment, "w") as file:
        file.write(text)
    run("run", experiment, "--sandbox", "--apply", "experiments/targets/azure-sql-edge.yaml", "--reports", path("node"), "--quiet",
        expected=EXIT_CODES["node"])


def make():
    """Makes all folders, once."""
    if os.path.exists(path("killed", "report.html")):
        return
    if not os.path.exists(path("pass", "journal.ndjson")):
        run("run", "experiments/process-kill.yaml", "--repeat", "2", "--sandbox", "--apply", "experiments/targets/azure-sql-edge.yaml",
            "--reports", path("pass"), "--quiet", expected=0)
    with open(path("pass", "journal.ndjson")) as file:
        lines = [json.loads(line) for line in file]
    run("report", path("pass"), "--to", path("budget"), "--max-downtime", "1ms", expected=1)
    lost = json.loads(json.dumps(lines))
    written = [line for line in lost if line["event"] == "write" and line["outcome"] == "acknowledged" and line["kind"] == "insert"]
    for line in lost:
        if line["event"] == "ledgerChecked":
            row = {"writer": written[5]["writer"], "sequence": written[5]["sequence"]}
            line.update(lost=1, kept=line["kept"] - 1, lostRows=[row])
    journal("lost", lost)
    journal("invalid", [line for line in lines if line["event"] != "faultEffect"])
    fault = next(index for index, line in enumerate(lines) if line["event"] == "faultBegun")
    journal("killed", lines[:fault + 200])
    node_loss()
    for story in ("lost", "invalid", "killed"):
        run("report", path(story), expected=EXIT_CODES[story])
