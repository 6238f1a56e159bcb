"""The matrices that `fleet --to github` and `--to gitlab` print: their steps, run in order, wave after wave, stop where the fleet says.

The engines themselves do not run: this stands in for their checkouts, artifacts, conditions and stages. A canary passes on the embedded cluster;
a cluster whose kubeconfig leads nowhere fails, and touches nothing.
"""

import itertools
import json
import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path

from common import PROGRAM, TOP, YAML, output, shared_sandbox
from test_steps import EXPERIMENT, Runner


class MatrixTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.good = Path(shared_sandbox()).read_text()
        cls.bad = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", cls.good)  # where nobody listens

    def setUp(self):
        self.artifacts = {}

    def fleet(self, *clusters, stop_after=1):
        """Writes a fleet whose first cluster is the canary, as a checkout has it."""
        self.checkout = Path(tempfile.mkdtemp(dir=self.folder))
        (self.checkout / "it.yaml").write_text(EXPERIMENT.replace("FAULT", "{none: {duration: 1s}}"))
        (self.checkout / "fleet.yaml").write_text(json.dumps({
            "apiVersion": "aftershock/v1", "kind": "Fleet", "metadata": {"name": "f"},
            "spec": {
                "clusters": [
                    {"name": name, "labels": {"canary": str(name == clusters[0])}, "kubeconfig": {"env": f"KUBECONFIG_{name.upper()}"}}
                    for name in clusters],
                "experiments": [{"files": ["it.yaml"]}], "stopAfter": stop_after,
                "waves": [{"name": "canary", "clusters": {"canary": "True"}}, {"name": "rest"}]}}))

    def rendered(self, engine):
        return YAML(typ="safe").load(output(PROGRAM, "fleet", "fleet.yaml", "--to", engine, cwd=self.checkout))

    def runner(self, **environment):
        runner = Runner({"PATH": os.environ["PATH"], "TMPDIR": str(self.folder), **environment})
        self.addCleanup(shutil.rmtree, runner.folder)
        runner.prepend_path(os.path.dirname(PROGRAM))
        shutil.copytree(self.checkout, runner.folder, dirs_exist_ok=True)
        return runner

    def keep(self, name, folder):
        if folder.exists():
            self.artifacts[name] = shutil.copytree(folder, Path(tempfile.mkdtemp(dir=self.folder)) / name)

    def fetch(self, folder, names=None):
        for name in self.artifacts if names is None else names:
            shutil.copytree(self.artifacts[name], folder, dirs_exist_ok=True)

    def merged(self):
        return json.loads((self.artifacts["merged"] / "results.json").read_text())

    # GitHub

    def github(self, kubeconfigs):
        """Runs the workflow; returns the result of each job."""
        jobs = self.rendered("github")["jobs"]
        results = {}
        while len(results) < len(jobs):
            (name, job) = next((name, job) for name, job in jobs.items() if name not in results and set(job.get("needs", [])) <= set(results))
            condition = job.get("if", "${{ success() }}").removeprefix("${{ ").removesuffix(" }}")
            condition = re.sub(r"needs\['([^']+)'\]\.result == '(\w+)'", lambda match: str(results[match[1]] == match[2]), condition)
            all_passed = all(results[need] == "success" for need in job.get("needs", []))
            known = {"!cancelled()": True, "always()": True, "success()": all_passed, "True": True, "False": False}
            if not all(known[part] for part in condition.split(" && ")):
                results[name] = "skipped"
                continue
            members = job.get("strategy", {}).get("matrix", {}).get("include", [{}])
            passed = [self.github_job(job, member, kubeconfigs) for member in members]
            results[name] = "success" if all(passed) else "failure"
        return results

    def github_job(self, job, member, kubeconfigs):
        runner = self.runner()

        def filled(value):
            value = re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda match: member[match[1]], str(value))
            return re.sub(r"\$\{\{ secrets\[matrix\.(\w+)\] \}\}", lambda match: kubeconfigs[member[match[1]]], value)

        for step in job["steps"]:
            always = step.get("if") == "always()"
            if "run" in step:
                runner.run(step["run"], always, **{name: filled(value) for name, value in step.get("env", {}).items()})
            elif "upload-artifact" in step["uses"] and (always or not runner.failed):
                self.keep(filled(step["with"]["name"]), runner.folder / step["with"]["path"])
            elif "download-artifact" in step["uses"]:
                self.assertEqual((step["with"]["pattern"], step["with"]["merge-multiple"]), ("fleet-*", True))
                self.fetch(runner.folder / step["with"]["path"], [name for name in self.artifacts if name.startswith("fleet-")])
        return not runner.failed

    def test_github_a_canary_that_passes_lets_the_rest_run(self):
        self.fleet("one", "two", "three", stop_after=2)
        results = self.github({"KUBECONFIG_ONE": self.good, "KUBECONFIG_TWO": self.bad, "KUBECONFIG_THREE": self.bad})
        self.assertEqual(results, {
            "canary": "success", "canary-gate": "success", "rest": "failure", "rest-gate": "failure", "merge": "failure"})
        runs = {Path(run["folder"]).parts[-2]: run["results"]["exitCode"] for run in self.merged()["runs"]}
        self.assertEqual(runs, {"one": 0, "two": 5, "three": 5})

    def test_github_a_canary_that_fails_stops_the_line(self):
        self.fleet("one", "two")
        results = self.github({"KUBECONFIG_ONE": self.bad, "KUBECONFIG_TWO": self.good})
        self.assertEqual(results, {
            "canary": "failure", "canary-gate": "failure", "rest": "skipped", "rest-gate": "failure", "merge": "failure"})
        self.assertEqual(set(self.artifacts), {"fleet-one", "merged"})

    # GitLab

    def gitlab(self, variables):
        """Runs the pipeline; returns the jobs that ran, and whether each passed."""
        pipeline = self.rendered("gitlab")
        results, stopped = {}, False
        for stage in pipeline["stages"]:
            earlier = list(self.artifacts)
            for name, job in [(name, job) for name, job in pipeline.items() if isinstance(job, dict) and job.get("stage") == stage]:
                if stopped and job.get("when") != "always":
                    continue
                for member in job.get("parallel", {}).get("matrix", [{}]):
                    runner = self.runner(**variables, **member)
                    self.fetch(runner.folder, earlier if job.get("dependencies") is None else [])
                    runner.run("\n".join(job["script"]))
                    own = f"{name}: [{', '.join(member.values())}]" if member else name
                    results[own] = not runner.failed
                    stopped = stopped or (runner.failed and not job.get("allow_failure", False))
                    for path in job.get("artifacts", {}).get("paths", []):
                        whole = Path(tempfile.mkdtemp(dir=self.folder))
                        if (runner.folder / path).exists():
                            shutil.copytree(runner.folder / path, whole / path)
                            self.artifacts[own] = whole
        return results

    def test_gitlab_the_line_stops_at_the_number_of_failures(self):
        self.fleet("one", "two", "three", stop_after=1)
        results = self.gitlab({"KUBECONFIG_ONE": self.bad, "KUBECONFIG_TWO": self.good, "KUBECONFIG_THREE": self.good})
        self.assertEqual(results, {"canary:shard: [one, KUBECONFIG_ONE]": False, "canary:gate": False, "merge": False})

    def test_gitlab_a_failure_that_is_allowed_does_not(self):
        self.fleet("one", "two", stop_after=3)
        results = self.gitlab({"KUBECONFIG_ONE": self.bad, "KUBECONFIG_TWO": self.bad})
        self.assertEqual(results, {
            "canary:shard: [one, KUBECONFIG_ONE]": False, "canary:gate": True, "rest:shard: [two, KUBECONFIG_TWO]": False, "rest:gate": True,
            "merge": False})
        kept = self.artifacts["rest:shard: [two, KUBECONFIG_TWO]"]
        self.assertEqual(sorted(path.name for path in (kept / "reports/fleet").iterdir()), ["_failed", "two"])


if __name__ == "__main__":
    unittest.main()
