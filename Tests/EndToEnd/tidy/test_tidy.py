"""ci/tidy finds a planted violation of each of its rules, and says where it is."""
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
TIDY = TOP / "ci" / "tidy"


def tracked():
    listed = subprocess.run(["git", "-C", str(TOP), "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (TOP / name).is_file()]


class TidyTests(unittest.TestCase):
    """Each test plants one violation into a copy of this checkout."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.copy = Path(cls.folder.name) / "checkout"
        for name in tracked():
            (cls.copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, cls.copy / name)
        subprocess.run(["git", "init", "-q", str(cls.copy)], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def tidy(self, rule):
        return subprocess.run([str(TIDY), rule, "--root", str(self.copy)], capture_output=True, text=True)

    def plant(self, rule, name, change, expected):
        path = self.copy / name
        before = path.read_text() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(change(before or ""))
        try:
            found = self.tidy(rule)
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_text(before)
        self.assertEqual(found.returncode, 1, found.stdout + found.stderr)
        self.assertIn(f"[{rule}]", found.stdout)
        self.assertRegex(found.stdout, expected)

    def test_the_checkout_itself_is_tidy(self):
        result = subprocess.run([str(TIDY)], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_format(self):
        self.plant("format", "Sources/Core/JSON/Planted.swift", lambda _: "let   planted=1\n", r"JSON/Planted\.swift:1:")

    def test_shell(self):
        self.plant("shell", "ci/planted", lambda _: "#!/usr/bin/env bash\ncd $1\nrm *\nif [ $x = ]; then :; fi\n", r"ci/planted:\d+:")

    def test_an_import_that_is_not_declared(self):
        self.plant("graph", "Sources/Core/JSON/Planted.swift", lambda _: "import NIOCore\n", r"Planted\.swift:1: .*imports NIOCore")

    def test_a_dependency_that_is_not_used(self):
        self.plant(
            "graph", "Package.swift", lambda text: text.replace('module(.core, "JSON")', 'module(.core, "JSON", [.nioCore])'),
            r"JSON declares NIOCore")

    def test_a_harness_that_imports_the_sandbox(self):
        self.plant(
            "graph", "Package.swift", lambda text: text.replace('module(.harness, "Verdict", [', 'module(.harness, "Verdict", ["Sandbox", '),
            r"Verdict of Harness imports Sandbox of Sandbox")

    def test_a_page_with_another_graph(self):
        self.plant(
            "graph", "docs/architecture.md", lambda text: text.replace("| `JSON` | ", "| `JSON` | `TDS` "),
            r"docs/architecture\.md:\d+: .*JSON imports nothing")

    def test_dead(self):
        name = "Planted" + "AndNeverNamed"  # in two parts, since this file must not name it either
        self.plant("dead", "Sources/Core/JSON/Planted.swift", lambda _: f"struct {name} {{}}\n", f"nothing else names {name}")

    def test_links(self):
        self.plant("links", "docs/planted.md", lambda _: "[nowhere](nowhere.md)\n", r"docs/planted\.md:1: .*nowhere\.md")

    def test_english(self):
        planted = [
            "/// What is planted.", "/// It puts that back.", "/// It is made anew.", "/// It was tried in vain.", "/// A port of the own host.",
            "/// It is 1 where not given.", "/// It is no valid name.", 'let planted = "the value is no valid number"',
        ]
        # A line of code between them keeps each a comment of its own.
        text = "".join(f"{line}\nlet other{number} = 0\n" for number, line in enumerate(planted))
        every_line = "(?s)" + ".*".join(rf"Planted\.swift:{2 * number + 1}:" for number in range(len(planted)))
        self.plant("english", "Sources/Core/JSON/Planted.swift", lambda _: text, every_line)

    def test_size(self):
        self.plant("size", "Sources/Core/JSON/Planted.swift", lambda _: "// line\n" * 401, r"401 lines")

    def test_names(self):
        self.plant("names", "Tests/Unit/RunTests/JSONValueTests.swift", lambda _: "", r"another test file has this name")

    def test_an_unknown_rule_is_refused(self):
        self.assertEqual(self.tidy("planted").returncode, 64)


if __name__ == "__main__":
    unittest.main()
