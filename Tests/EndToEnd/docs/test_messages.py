"""Every message that a person can meet (messages.py finds them) is in docs/troubleshooting.md, below a heading, with the next step."""

import re
import unittest

import messages

PAGE = messages.TOP / "docs/troubleshooting.md"
# A shorter part of a message could be a part of many.
LEAST = 12


def pattern(span):
    return ".*".join(re.escape(part) for part in re.split("…+", span))


def entries(text):
    """The text below each heading of the third level, by that heading."""
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return {heading: re.split(r"^## ", body, flags=re.MULTILINE)[0] for heading, body in zip(parts[::2], parts[1::2])}


def is_told(message, spans):
    message = " ".join(message.split())
    return any(
        re.search(pattern(span), message) if len(span.replace("…", "")) >= LEAST else re.fullmatch(pattern(span), message)
        for span in spans)


class MessageTests(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.entries = entries(PAGE.read_text())
        # The messages stand before the explanation.
        cls.spans = [span for body in cls.entries.values() for span in re.findall(r"`([^`]+)`", body.split("\n\n")[0].replace("\n", " "))]
        cls.messages = messages.messages()

    def test_every_message_is_explained(self):
        self.assertGreater(len(self.messages), 250, "the scanner has lost sight of the sources")
        missing = [f"{sorted(places)[0]}: {message}" for message, places in self.messages.items() if not is_told(message, self.spans)]
        self.assertEqual(missing, [], "add them to docs/troubleshooting.md, … for each interpolation")

    def test_no_entry_is_about_a_message_of_the_past(self):
        literals = "\n".join(messages.literals())
        stale = [span for span in self.spans if not re.search(pattern(span).replace(".*", ".*?"), literals)]
        self.assertEqual(stale, [])

    def test_every_doubt_and_check_has_a_heading(self):
        headings = ", ".join(self.entries)
        verdicts = (messages.TOP / "Sources/Harness/Verdict").rglob("*.swift")
        text = "\n".join(path.read_text() for path in verdicts)
        kinds = re.search(r"enum Kind: String.*?var check", text, re.DOTALL)[0]
        doubts = [name.strip() for line in re.findall(r"^\s+case ([\w, ]+)$", kinds, re.MULTILINE) for name in line.split(",")]
        aborted = {"interrupted", "journalEndedEarly", "journalDamaged", "repeatsMissing"}
        wanted = [f"gate.{name}" for name in doubts if name not in aborted]
        wanted += [f"verdict.{name}" for name in set(re.findall(r'\.failed\(\s*\.?\w+, type: "([\w.-]+)"', text))]
        checks = "\n".join(path.read_text() for path in (messages.TOP / "Sources/Harness").rglob("*.swift"))
        wanted += [f"check: {name}" for name in set(re.findall(r'\b(?:fail|warn)\(\s*"([\w-]+)"', checks)) - {"plan", "preflight"}]
        self.assertGreater(len(wanted), 40)
        self.assertEqual([name for name in wanted if not re.search(rf"\b{re.escape(name)}(,|$|(?=, ))", headings)], [])

    def test_every_entry_says_what_to_do(self):
        empty = [name for name, body in self.entries.items() if "**Do:**" not in body and "earch for it here" not in body and "(#" not in body]
        self.assertEqual(empty, [])

    def test_a_message_that_is_missing_is_seen(self):
        self.assertFalse(is_told("the moon is … in the way", self.spans))

    def test_the_scanner_reads_swift(self):
        found = []
        text = 'fail("login", "\\(user) cannot\\(a ? "x" : "y") log in", hint: "try \\(b)")'
        messages.end_of_call(text, text.index("("), found)
        self.assertEqual(found, [("", "login"), ("", "… cannot… log in"), ("hint", "try …")])


if __name__ == "__main__":
    unittest.main()
