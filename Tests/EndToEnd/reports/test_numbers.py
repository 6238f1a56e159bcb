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


class SchemaTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stories.make()

    def test_every_report_is_valid(self):
        validator = jsonschema.Draft7Validator(json.loads(stories.run("schema", "results", expected=0)))
        for story in stories.EXIT_CODES:
            with open(stories.path(story, "results.json")) as file:
                problems = [f"{'/'.join(map(str, e.path))}: {e.message[:200]}" for e in validator.iter_errors(json.load(file))]
            self.assertEqual(problems, [], story)
        self.assertTrue(list(validator.iter_errors({"schema": "another"})))

    def test_every_kind_of_line_is_valid(self):
        validator = jsonschema.Draft7Validator(json.loads(stories.run("schema", "journal", expected=0)))
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
