"""The templates of GitHub, GitLab and Azure: valid by their engines' schemas, and their steps, run in order, make a report.

The engines themselves do not run: this stands in for their variables, their order and their `always`. `apt-get` only writes down its arguments;
what the packages are good for is tried by ci/package --try.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

from common import PROGRAM, TOP, load, output, shared_sandbox

EXPERIMENT = """
apiVersion: aftershock/v1
kind: Experiment
metadata: {name: nightly}
spec:
  target:
    namespace: sql
    workload: deployment/azure-sql-edge
    service: azure-sql-edge
    login: {user: sa, passwordFrom: {secret: mssql, key: MSSQL_SA_PASSWORD}}
    encryption: {mode: required, trustServerCertificate: true}
  fault: FAULT
  probes: {connect: {interval: 50ms}, session: {interval: 50ms}, login: {interval: 200ms}}
  ledger: {seedRows: 100}
  steadyFor: 1s
  stableFor: 1s
  expect: {downtime: {max: 1ms}, recoveredWithin: 60s, lostWrites: 0, node: any}
"""


class SchemaTests(unittest.TestCase):
    def assertValid(self, schema, path, *options):
        # Patterns of the schemas of Azure and GitLab are not valid in ECMAScript's Unicode mode, the default.
        output(
            os.path.join(os.path.dirname(sys.executable), "check-jsonschema"), "--builtin-schema", f"vendor.{schema}",
            "--regex-variant", "nonunicode", *options, TOP / path)

    def test_github(self):
        self.assertValid("github-workflows", "ci/nightly/github-actions.yml")
        self.assertValid("github-actions", "ci/action/action.yml")

    def test_azure(self):
        def words(value):
            """As Azure reads YAML: true and 120 are words; but not among the inputs of a task."""
            if isinstance(value, dict):
                return {name: one if name == "inputs" else words(one) for name, one in value.items()}
            return [words(one) for one in value] if isinstance(value, list) else value if isinstance(value, str) else json.dumps(value)

        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(words(load(TOP / "ci/nightly/azure-pipelines.yml")), file)
            file.flush()
            self.assertValid("azure-pipelines", file.name)

    def test_gitlab(self):
        self.assertValid("gitlab-ci", "ci/nightly/gitlab-ci.yml", "--data-transform", "gitlab-ci")


class Runner:
    """Runs the steps of one job in a folder of its own, as an engine does: after a failure only those that always run."""

    def __init__(self, environment):
        self.folder = Path(tempfile.mkdtemp())
        self.environment = {**environment, "HOME": str(self.folder)}
        self.failed = False
        self.log = ""

    def run(self, script, always=False, **environment):
        if self.failed and not always:
            return
        result = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=self.folder, capture_output=True, text=True, timeout=120,
            env={**self.environment, **environment})
        self.log += f"--- {script}\n{result.stdout}{result.stderr}"
        self.failed = self.failed or result.returncode != 0
        return result.stdout

    def prepend_path(self, folder):
        self.environment["PATH"] = f"{folder}:{self.environment['PATH']}"


class StepTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.kubeconfig = shared_sandbox()
        cls.context = output("kubectl", "--kubeconfig", cls.kubeconfig, "config", "current-context").strip()
        # As ci/package lays it out.
        package = cls.folder / "aftershock-0-test"
        (package / "bin").mkdir(parents=True)
        (package / "bin/aftershock").symlink_to(PROGRAM)
        cls.package = cls.folder / "aftershock-0-test.tar"
        output("tar", "-C", cls.folder, "--dereference", "-cf", cls.package, package.name)
        cls.sha256 = hashlib.sha256(cls.package.read_bytes()).hexdigest()
        tools = cls.folder / "tools"
        tools.mkdir()
        (tools / "apt-get").write_text(f'#!/bin/sh\necho "$*" >>{cls.folder}/apt-get.log\n')
        (tools / "apt-get").chmod(0o755)
        keep = {name: value for name, value in os.environ.items() if name in ("LANG", "LD_LIBRARY_PATH", "TMPDIR")}
        cls.environment = {**keep, "PATH": f"{tools}:{os.environ['PATH']}"}

    def runner(self, fault="none: {duration: 1s}"):
        runner = Runner(self.environment)
        self.addCleanup(shutil.rmtree, runner.folder)
        (runner.folder / "experiments").mkdir()
        (runner.folder / "experiments/nightly.yaml").write_text(EXPERIMENT.replace("FAULT", f"{{{fault}}}"))
        return runner

    def assertPublished(self, runner, path, passes=True):
        self.assertEqual(not runner.failed, passes, runner.log)
        suites = xml.etree.ElementTree.parse(runner.folder / path).getroot()
        self.assertGreater(len(suites.findall(".//testcase")), 5)
        self.assertEqual(not suites.findall(".//failure"), passes)

    def github(self, sha256=None, **options):
        """Runs the template's job, whose action is the one in ci/action; returns the runner and the inputs of the actions that it calls."""
        runner = self.runner(**options)
        known = {
            "vars.AFTERSHOCK_PACKAGE": f"file://{self.package}", "vars.AFTERSHOCK_SHA256": sha256 or self.sha256,
            "secrets.KUBECONFIG_NIGHTLY": Path(self.kubeconfig).read_text(), "secrets.CONTEXT_NIGHTLY": self.context}

        def filled(value):
            return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda match: known[match[1]], str(value))

        (step,) = [
            one for one in load(TOP / "ci/nightly/github-actions.yml")["jobs"]["resilience"]["steps"] if one["uses"].startswith("./")]
        action = load(TOP / "ci/action/action.yml")
        given = {name: filled(value) for name, value in step["with"].items()}
        self.assertLessEqual(set(given), set(action["inputs"]))
        for name, described in action["inputs"].items():
            self.assertTrue(name in given or not described.get("required"), name)
            known[f"inputs.{name}"] = given.get(name, described.get("default", ""))
        files = {"GITHUB_PATH": runner.folder / "path", "GITHUB_STEP_SUMMARY": runner.folder / "summary.md"}
        runner.environment |= {"RUNNER_TEMP": str(runner.folder / "temp"), "GITHUB_ACTIONS": "true", **{name: str(path) for name, path in files.items()}}
        (runner.folder / "temp").mkdir()
        called = {}
        for one in action["runs"]["steps"]:
            always = one.get("if") == "always()"
            if "run" in one:
                runner.run(one["run"], always, **{name: filled(value) for name, value in one.get("env", {}).items()})
                if files["GITHUB_PATH"].exists():
                    for line in files["GITHUB_PATH"].read_text().splitlines():
                        runner.prepend_path(line)
            elif always or not runner.failed:
                called[one["uses"].split("@")[0]] = {name: filled(value) for name, value in one["with"].items()}
        return runner, called

    def test_github(self):
        runner, called = self.github()
        self.assertPublished(runner, called["mikepenz/action-junit-report"]["report_paths"])
        self.assertTrue((runner.folder / called["actions/upload-artifact"]["path"] / "results.json").exists())
        self.assertIn("nightly", (runner.folder / "summary.md").read_text())
        self.assertEqual((runner.folder / "temp/kubeconfig").stat().st_mode & 0o077, 0)

    def test_github_a_broken_promise_fails_the_job_and_is_published(self):
        runner, called = self.github(fault="processKill: {process: sqlservr, signal: KILL}")
        self.assertPublished(runner, called["mikepenz/action-junit-report"]["report_paths"], passes=False)

    def test_github_another_package_is_not_run(self):
        runner, _ = self.github(sha256="0" * 64)
        self.assertTrue(runner.failed)
        self.assertFalse((runner.folder / "temp/aftershock/bin").exists(), runner.log)

    def test_azure(self):
        runner = self.runner()
        runner.environment["TMPDIR"] = str(runner.folder)
        known = {
            "Agent.TempDirectory": str(runner.folder), "package": f"file://{self.package}", "sha256": self.sha256, "context": self.context,
            "kubeconfig.secureFilePath": self.kubeconfig}
        (job,) = load(TOP / "ci/nightly/azure-pipelines.yml")["jobs"]
        published = {}
        for step in job["steps"]:
            if "script" in step:
                script = re.sub(r"\$\(([A-Za-z0-9.]+)\)", lambda match: known[match[1]], step["script"])
                printed = runner.run(script, step.get("condition") == "always()") or ""
                for folder in re.findall(r"##vso\[task.prependpath\](.*)", printed):
                    runner.prepend_path(folder)
            elif "inputs" in step:
                published |= step["inputs"]
        self.assertPublished(runner, published["testResultsFiles"])
        self.assertIn("libcurl4", (self.folder / "apt-get.log").read_text())

    def test_gitlab(self):
        runner = self.runner()
        runner.environment |= {
            "AFTERSHOCK_PACKAGE": f"file://{self.package}", "AFTERSHOCK_SHA256": self.sha256, "KUBECONFIG_NIGHTLY": self.kubeconfig,
            "CONTEXT_NIGHTLY": self.context}
        job = load(TOP / "ci/nightly/gitlab-ci.yml")["aftershock"]
        runner.run("\n".join(job["before_script"] + job["script"]))
        runner.run("\n".join(job["after_script"]), always=True)
        self.assertPublished(runner, job["artifacts"]["reports"]["junit"])

    def test_sonobuoy(self):
        runner = self.runner()
        runner.prepend_path(os.path.dirname(PROGRAM))
        results = runner.folder / "results"
        results.mkdir()
        container = load(TOP / "ci/nightly/sonobuoy.yaml")["spec"]
        self.assertEqual(container["command"], ["sh", "-c"])
        (script,) = container["args"]
        script = script.replace("/tmp/reports", str(runner.folder / "reports")).replace("in-cluster", self.context)
        runner.run(
            f"sh -c {shlex.quote(script)}", KUBECONFIG=self.kubeconfig, SONOBUOY_CONFIG_DIR=str(runner.folder / "experiments"),
            SONOBUOY_RESULTS_DIR=str(results))
        done = Path((results / "done").read_text())
        self.assertEqual(done.parent, results)
        output("tar", "-xzf", done, "-C", results)
        self.assertPublished(runner, "results/junit.xml")

    def test_the_experiments_in_the_plugin_are_valid(self):
        for text in load(TOP / "ci/nightly/sonobuoy.yaml")["config-map"].values():
            output(PROGRAM, "validate", "/dev/stdin", input=text)


if __name__ == "__main__":
    unittest.main()
