"""The recipes of docs/ci.md: each publishes junit.xml, and uses options that the commands have."""

import json
import re
import subprocess
import unittest

from common import PROGRAM, TOP

PAGE = TOP / "docs/ci.md"


# Folders of files whose engine reads junit.xml.
PUBLISHING = ("nightly", "action")


def recipes():
    """The files that the page's table links to."""
    return [(PAGE.parent / link).resolve() for link in re.findall(r"^\|.*\]\((\.\./ci/[^)]+)\)", PAGE.read_text(), flags=re.MULTILINE)]


def options():
    """The options of each command."""
    text = subprocess.run([PROGRAM, "--experimental-dump-help"], check=True, capture_output=True, text=True).stdout
    return {
        command["commandName"]: {f"--{name['name']}" for one in command["arguments"] for name in one.get("names", []) if name["kind"] == "long"}
        for command in json.loads(text)["command"]["subcommands"]}


class RecipeTests(unittest.TestCase):
    def test_each_publishes_junit(self):
        self.assertGreaterEqual(len(recipes()), 4)
        for path in recipes():
            text = "".join(line for line in path.read_text().splitlines(True) if not line.lstrip().startswith("#"))
            if "uses: ./.github/actions/aftershock" in text:
                continue  # The action does it, and is in the table.
            # In a cluster nobody collects test results: the folder is kept.
            if path.name == "testkube.yaml":
                self.assertIn('paths: ["**/*"]', text)  # It finds junit.xml by its first bytes.
                continue
            self.assertRegex(text, "(?i)junit" if path.parent.name in PUBLISHING else "--reports", path.name)

    def test_each_uses_options_that_there_are(self):
        known = options()
        for path in recipes():
            lines = path.read_text().splitlines()
            used = [
                (command, option) for line in lines if not line.lstrip().startswith("#")
                for command, rest in re.findall(r"(?:aftershock |args: \[)(run|restore|doctor|plan|report),? (.*)", line) for option in re.findall(r"(?<!\S)--[\w-]+", rest)]
            for command, option in used:
                self.assertIn(option, known[command], f"{path.name}: {command}")
            if path.name != "github-actions.yml":
                self.assertTrue(used, path.name)


if __name__ == "__main__":
    unittest.main()
