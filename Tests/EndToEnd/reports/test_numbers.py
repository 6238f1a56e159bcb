"""Validates results.json and the journal against their schemas, and lets a real Prometheus scrape metrics.prom of two targets."""

import functools
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

import jsonschema
import stories

DASHBOARDS = os.path.join(stories.TOP, "reports", "dashboards")


def strict(schema):
    """The schema without leave for more: a test that sees a field which the schema does not have must fail."""
    if isinstance(schema, dict):
        # A condition, and the fields that all alternatives share, are no whole object.
        closed = {name: value if name == "if" else strict(value) for name, value in schema.items()}
        if isinstance(schema.get("properties"), dict) and not {"additionalProperties", "allOf"} & schema.keys():
            closed["additionalProperties"] = False
        return closed
    return [strict(one) for one in schema] if isinstance(schema, list) else schema


class AnswerTests(unittest.TestCase):
    """The answers of the commands with `-o json`, against their schemas."""

    @classmethod
    def setUpClass(cls):
        stories.make()
        # A cluster that does not answer is enough for answers with checks that failed.
        cls.kubeconfig = os.path.join(stories.FOLDER, "kubeconfig")
        with open(cls.kubeconfig, "w") as file:
            json.dump({
                "apiVersion": "v1", "kind": "Config", "current-context": "aftershock-sandbox",
                "clusters": [{"name": "gone", "cluster": {"server": "http://127.0.0.1:1"}}],
                "users": [{"name": "nobody", "user": {"token": "none"}}],
                "contexts": [{"name": "aftershock-sandbox", "context": {"cluster": "gone", "user": "nobody"}}]}, file)

    def check(self, name, text):
        schema = strict(json.loads(stories.run("schema", name, expected=0)))
        document = json.loads(text)
        problems = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in jsonschema.Draft7Validator(schema).iter_errors(document)]
        self.assertEqual(problems, [], name)
        return document

    def answer(self, name, *arguments):
        return self.check(name, stories.run(*arguments, "-o", "json"))

    def test_validate(self):
        bad = os.path.join(stories.FOLDER, "bad.yaml")
        with open(bad, "w") as file:
            file.write("apiVersion: aftershock/v1\nkind: Experimnt\n")
        document = self.answer("validation", "validate", "experiments/control.yaml", bad, "/nowhere.yaml")
        self.assertEqual((len(document["experiments"]), document["valid"]), (1, False))
        self.assertIn(None, [problem["file"] for problem in document["problems"]])

    def test_of_a_cluster(self):
        flag = f"--kubeconfig={self.kubeconfig}"
        self.assertTrue(self.answer("doctor", "doctor", "experiments/control.yaml", flag)["sections"])
        self.assertTrue(self.answer("plan", "plan", "experiments/control.yaml", flag)[0]["checks"])
        folder = os.path.join(stories.FOLDER, "killed-copy")
        shutil.copytree(stories.path("killed"), folder, dirs_exist_ok=True)
        self.assertTrue(self.answer("restore", "restore", "--run", folder, flag)["changes"])

    def test_compare_and_history(self):
        document = self.answer("comparison", "compare", stories.path("pass"), stories.path("lost"))
        self.assertTrue(document["comparisons"] and document["losses"])
        self.check("comparison", stories.run("compare", stories.path("pass"), stories.path("node"), "-o", "json"))
        with open(stories.path("lost", "results.json")) as file:
            results = json.load(file)
        with open(os.path.join(stories.FOLDER, "known.yaml"), "w") as file:
            json.dump([{
                "experiment": results["experiments"][0]["name"], "check": "data-persistence", "why": "a planted flaw", "owner": "nobody",
                "expires": "2999-12-31"}], file)
        history = self.answer(
            "history", "history", stories.path("lost"), stories.path("node"), "--known", os.path.join(stories.FOLDER, "known.yaml"))
        self.assertEqual([one["owner"] for one in history["experiments"][0]["notPassed"]], ["nobody"])
        self.assertEqual(len(history["experiments"]), 2)


class SchemaTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stories.make()

    def test_every_report_is_valid(self):
        validator = jsonschema.Draft7Validator(strict(json.loads(stories.run("schema", "results", expected=0))))
        for story in stories.EXIT_CODES:
            with open(stories.path(story, "results.json")) as file:
                problems = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in validator.iter_errors(json.load(file))]
            self.assertEqual(problems, [], story)
        self.assertTrue(list(validator.iter_errors({"schema": "another"})))

    def test_every_kind_of_line_is_valid(self):
        validator = jsonschema.Draft7Validator(strict(json.loads(stories.run("schema", "journal", expected=0))))
        seen = {}
        with open(stories.path("pass", "journal.ndjson")) as file:
            for line in map(json.loads, file):
                seen.setdefault(line["event"], []).append(line)
        for event, lines in seen.items():
            for line in lines[:50]:
                self.assertEqual([e.message[:200] for e in validator.iter_errors(line)], [], event)
        self.assertTrue(list(validator.iter_errors({"at": 1, "event": "faultEffect"})))


class PrometheusTests(unittest.TestCase):
    """Two targets are scraped by one Prometheus; each panel and each alert is evaluated in it."""

    @classmethod
    def setUpClass(cls):
        stories.make()
        cls.folder = tempfile.mkdtemp(prefix="aftershock-prometheus-")
        # The second target is the first one's failed twin in another namespace.
        with open(stories.path("lost", "metrics.prom")) as file:
            other = file.read().replace('namespace="sql"', 'namespace="other"')
        with open(stories.path("pass", "metrics.prom")) as file:
            one = file.read()
        for name, text in (("one", one), ("two", other)):
            os.makedirs(os.path.join(cls.folder, name))
            with open(os.path.join(cls.folder, name, "metrics"), "w") as file:
                file.write(text)
        handler = functools.partial(Quiet, directory=cls.folder)
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{cls.server.server_address[1]}"
        shutil.copy(os.path.join(DASHBOARDS, "alerts.yaml"), cls.folder)
        with open(os.path.join(cls.folder, "prometheus.yaml"), "w") as file:
            json.dump({
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": ["alerts.yaml"],
                "scrape_configs": [
                    {"job_name": name, "metrics_path": f"/{name}/metrics", "static_configs": [{"targets": [address]}]}
                    for name in ("one", "two")]}, file)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        cls.address = f"http://127.0.0.1:{port}"
        cls.process = subprocess.Popen(
            ["prometheus", f"--config.file={cls.folder}/prometheus.yaml", f"--storage.tsdb.path={cls.folder}/data",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.wait_until(lambda: len(cls.query("count by (job) (aftershock_verdict)")) == 2)

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        cls.process.wait()
        cls.server.shutdown()
        cls.server.server_close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def get(cls, path):
        with urllib.request.urlopen(cls.address + path, timeout=10) as answer:
            return json.load(answer)["data"]

    @classmethod
    def query(cls, text):
        return cls.get("/api/v1/query?query=" + urllib.parse.quote(text))["result"]

    @classmethod
    def wait_until(cls, condition):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError("Prometheus did not get there within 60 s")

    def test_promtool_finds_nothing(self):
        for story in stories.EXIT_CODES:
            with open(stories.path(story, "metrics.prom")) as file:
                result = subprocess.run(["promtool", "check", "metrics"], stdin=file, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        result = subprocess.run(["promtool", "check", "rules", f"{DASHBOARDS}/alerts.yaml"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_every_panel_shows_both_targets(self):
        with open(f"{DASHBOARDS}/grafana.json") as file:
            dashboard = json.load(file)
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                with self.subTest(panel=panel["title"]):
                    found = self.query(re.sub(r"\$(cluster|namespace|workload|experiment)", ".*", target["expr"]))
                    namespaces = {sample["metric"].get("namespace") for sample in found}
                    wanted = {"other"} if "failed" in target["expr"] else {"sql", "other"}
                    self.assertEqual(namespaces, wanted)

    def test_the_alerts_of_a_lost_row_fire(self):
        def firing():
            return {(alert["labels"]["alertname"], alert["labels"]["namespace"]) for alert in self.get("/api/v1/alerts")["alerts"]}

        expected = {("AftershockDataLost", "other"), ("AftershockFailed", "other")}
        self.wait_until(lambda: expected <= firing())
        self.assertEqual(firing(), expected)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    unittest.main()
