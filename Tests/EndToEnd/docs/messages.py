"""Finds the messages of errors, warnings and doubts in the sources: the texts that a person can meet."""

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]

# The embedded cluster and the stand-in speak with the words of Kubernetes and SQL Server; calibration tests the instrument itself.
SOURCES = [TOP / "Sources/Core", TOP / "Sources/Harness", TOP / "Sources/Tools/Commands"]
# Calls that make a message. `.failed(` and `Doubt(` are verdicts, `.fail(` and `.warn(` checks before a run.
CALLS = re.compile(r"\b(\w*Error|Doubt|make|usage|unusable|internal|fail|warn|failed|report|taken|invalid|bad|notFound|wrong)\(")
# Arguments that are no message: the next step beside it, names.
OTHER = {"hint", "request", "name", "type", "file", "path", "origin", "at", "separator", "with", "action", "check"}


# Words of the program while all is well.
PROGRESS = {
    "applied …", "starting …", "…: stopping", "pushed: … to …", "reports: …", "… probes, … failed",
    "…: done already, in …", "…: restoring what … has left", "…: waiting for … in namespace …, … at most", "…: …: no run is started",
    "the API answers at …; Ctrl-C ends the cluster", "trial …, …: …", "error: …", "error: ……", "…error: …"}


def literal(text, start):
    """The string literal at `start`, with … for each interpolation, and where it ends; multi-line ones are joined."""
    is_long = text.startswith('"""', start)
    at = start + (3 if is_long else 1)
    out = ""
    while True:
        if is_long and text.startswith('"""', at):
            return " ".join(out.replace("\\\n", "").split()), at + 3
        if not is_long and text[at] == '"':
            return out, at + 1
        if text.startswith("\\(", at):
            at = end_of_call(text, at + 1)
            out += "…"
        elif text[at] == "\\":
            out += {"n": "\n", "t": " ", "u": ""}.get(text[at + 1], text[at + 1])
            at += 2
            if text[at - 1] == "u":
                end = text.index("}", at)
                out += chr(int(text[at + 1:end], 16))
                at = end + 1
        else:
            out += text[at]
            at += 1


def end_of_call(text, start, found=None):
    """The end of the parentheses at `start`. Collects the literals of the call's own arguments with their labels in `found`."""
    depth, at, label = 0, start, ""
    joined = False
    while True:
        character = text[at]
        if character == '"':
            value, at = literal(text, at)
            if found is not None and depth == 1:
                if joined and found:
                    found[-1] = (found[-1][0], found[-1][1] + value)
                else:
                    found.append((label, value))
                joined = bool(re.match(r"\s*\+\s*\"", text[at:at + 200]))
            continue
        if text.startswith("//", at):
            at = text.index("\n", at)
            continue
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return at + 1
        elif character == "," and depth == 1:
            label = ""
        elif match := re.compile(r"(\w+):(?=\s)").match(text, at):
            if depth == 1 and not text[at - 1].isalnum():
                label = match[1]
        at += 1


def literals():
    """Every text in the sources."""
    found = set()
    for root in SOURCES:
        for path in root.rglob("*.swift"):
            text = re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)
            at = text.find('"')
            while at >= 0:
                value, end = literal(text, at)
                found.add(" ".join(value.split()))
                at = text.find('"', end)
    return found


def messages():
    """Each message, with the places that make it."""
    found = {}
    for root in SOURCES:
        for path in sorted(root.rglob("*.swift")):
            text = path.read_text()
            for match in CALLS.finditer(text):
                before = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
                if before.rstrip().endswith(("func", "struct", "case")) or before.lstrip().startswith("//"):
                    continue
                arguments = []
                end_of_call(text, match.end() - 1, arguments)
                for label, value in arguments:
                    value = value.strip()
                    # The next step, which some errors take without a label, is a whole sentence.
                    is_hint = re.fullmatch(r"([A-Z]|v1 ).*[.?]", value, re.DOTALL)
                    if label in OTHER or value in PROGRESS or is_hint or " " not in value or not re.search(r"[A-Za-z]{3}", value):
                        continue
                    found.setdefault(value, set()).add(f"{path.relative_to(TOP)}:{text.count(chr(10), 0, match.start()) + 1}")
    return found


if __name__ == "__main__":
    for message, places in messages().items():
        print(f"{sorted(places)[0]}\t{message}")
