"""Runs the example clients of experiments/clients, with the real packages, as probes.client of a run on the sandbox."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).parents[3]
AFTERSHOCK = os.environ.get("AFTERSHOCK", str(TOP / ".build/debug/aftershock"))
EXPERIMENT = (TOP / "experiments/own-client.yaml").read_text()

CLIENTS = {
    "mssql-python": ["mssql_python_pool.py"],
    "sqlalchemy": ["sqlalchemy_pool.py"],
    "sqlalchemy-pre-ping": ["sqlalchemy_pool.py", "pre-ping"],
    # Its pause is much longer than the sandbox takes to bring the server back.
    "pymssql-breaker": ["pymssql_breaker.py", "6"],
}


def variant(name, command, more=""):
    words = ", ".join(json.dumps(str(word)) for word in command)
    text = EXPERIMENT.replace("name: own-client", f"name: {name}").replace("steadyFor: 5s", "steadyFor: 2s").replace("stableFor: 5s", "stableFor: 2s")
    return text.replace("[python3, experiments/clients/pymssql_breaker.py]", f"[{words}]{more}")


class OwnClients(unittest.TestCase):
    def run_experiments(self, folder, texts):
        files = []
        for number, text in enumerate(texts):
            files.append(pathlib.Path(folder, f"{number}.yaml"))
            files[-1].write_text(text)
        manifest = TOP / "experiments/targets/azure-sql-edge.yaml"
        done = subprocess.run([AFTERSHOCK, "run", "--sandbox", "--apply", manifest, "--reports", f"{folder}/reports", *files],
                              capture_output=True, text=True, timeout=300)
        results = json.loads(pathlib.Path(folder, "reports/results.json").read_text())
        return done, {one["name"]: one for one in results["experiments"]}

    def test_every_example_comes_back_and_one_long_after_the_server(self):
        with tempfile.TemporaryDirectory() as folder:
            texts = [variant(name, [sys.executable, TOP / "experiments/clients" / script, *arguments])
                     for name, (script, *arguments) in CLIENTS.items()]
            done, found = self.run_experiments(folder, texts)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            repeats = {name: one["repeats"][0] for name, one in found.items()}
            self.assertEqual(set(repeats), set(CLIENTS))
            for name, repeat in repeats.items():
                client = repeat["downtime"]["client"]
                self.assertFalse(client["open"], name)
                self.assertGreater(repeat["probes"]["client"]["succeeded"], 10, name)
            slow = repeats["pymssql-breaker"]
            self.assertGreater(slow["downtime"]["client"]["lowerMs"], slow["downtime"]["login"]["upperMs"])
            said = "it stayed dead for at least"
            self.assertTrue(any(said in remark for remark in slow["remarks"]), slow["remarks"])
            self.assertIn(said, pathlib.Path(folder, "reports/summary.md").read_text())
            page = pathlib.Path(folder, "reports/report.html").read_text()
            self.assertIn(said, page)
            self.assertIn('data-name="client"', page)
            self.assertIn('track="client"', pathlib.Path(folder, "reports/metrics.prom").read_text())
            with open(f"{folder}/reports/repeats.csv", newline="") as file:
                self.assertTrue(all(float(row["client.upperMs"]) > 0 for row in csv.DictReader(file)))
            for file in pathlib.Path(folder, "reports").iterdir():
                self.assertNotIn(b"Aftershock-Tr1al", file.read_bytes(), file)

    def test_a_line_that_is_not_of_the_protocol_is_no_pass(self):
        script = "echo start 1; echo ok 1; sleep 3; echo connected; sleep 100"
        with tempfile.TemporaryDirectory() as folder:
            done, found = self.run_experiments(folder, [variant("chatty", ["sh", "-c", script]).replace("{command", "{interval: 10s, command")])
            self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
            self.assertIn("connected", json.dumps(found["chatty"]["repeats"][0]["doubts"]))


if __name__ == "__main__":
    unittest.main()
