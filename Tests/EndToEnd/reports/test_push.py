"""A run is sent to real receivers: an OTLP collector and a webhook."""

import datetime
import json
import os
import shutil
import subprocess
import unittest

import jsonschema
import receivers
import stories

OK, ERROR = 1, 2
SECRET = "Bearer c2VjcmV0LXRva2Vu"


def command(*arguments, **environment):
    return subprocess.run(
        [stories.PROGRAM, *arguments], cwd=stories.TOP, capture_output=True, text=True, timeout=300, env={**os.environ, **environment})


def push(story, *options, **environment):
    return command("report", "push", stories.path(story), *options, **environment)


def attributes(owner):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in owner.attributes}


class OTLPTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stories.make()

    def received(self, story):
        with receivers.Receiver() as receiver:
            result = push(story, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
            self.assertEqual(result.returncode, 0, result.stderr)
            return [receivers.parse(path, receiver.body(path)) for path in ("/v1/traces", "/v1/metrics")]

    def results(self, story):
        with open(stories.path(story, "results.json")) as file:
            return json.load(file)

    def test_the_spans_are_the_run_its_repeats_and_their_phases(self):
        traces, _ = self.received("pass")
        (resource,) = traces.resource_spans
        self.assertEqual(attributes(resource.resource)["service.name"], "aftershock")
        spans = resource.scope_spans[0].spans
        self.assertEqual({span.trace_id for span in spans}, {spans[0].trace_id})
        self.assertEqual((len(spans[0].trace_id), len(spans[0].span_id)), (16, 8))
        by_id = {span.span_id: span for span in spans}
        self.assertEqual(len(by_id), len(spans))
        (run,) = [span for span in spans if not span.parent_span_id]
        self.assertEqual((run.name, run.status.code), ("run", OK))
        repeats = [span for span in spans if span.parent_span_id == run.span_id]
        found = self.results("pass")["experiments"][0]["repeats"]
        self.assertEqual(len(repeats), len(found))
        for span, one in zip(repeats, found):
            self.assertEqual(span.status.code, OK)
            phases = [phase for phase in spans if phase.parent_span_id == span.span_id]
            self.assertEqual([phase.name for phase in phases], [phase["name"] for phase in one["phases"]])
            for phase, expected in zip(phases, one["phases"]):
                self.assertAlmostEqual((phase.end_time_unix_nano - phase.start_time_unix_nano) / 1e6, expected["ms"], delta=0.001)
            for phase, following in zip(phases, phases[1:]):
                self.assertEqual(phase.end_time_unix_nano, following.start_time_unix_nano)
            (fault,) = [event for event in span.events if event.name == "fault"]
            self.assertLessEqual(span.start_time_unix_nano, fault.time_unix_nano)
            # The first phase begins with the last success, which may have been asked for before the fault or after it.
            self.assertLess(fault.time_unix_nano, phases[-1].end_time_unix_nano)
            bounds = one["downtime"][one["judgedTrack"]]
            self.assertAlmostEqual(attributes(span)["aftershock.downtime.upper_seconds"] * 1000, bounds["upperMs"], delta=0.001)
            self.assertAlmostEqual(attributes(span)["aftershock.downtime.lower_seconds"] * 1000, bounds["lowerMs"], delta=0.001)
        for span in spans:
            self.assertLessEqual(span.start_time_unix_nano, span.end_time_unix_nano)
            if span.parent_span_id:
                parent = by_id[span.parent_span_id]
                self.assertLessEqual(parent.start_time_unix_nano, span.start_time_unix_nano)
                self.assertGreaterEqual(parent.end_time_unix_nano, span.end_time_unix_nano)

    def test_the_times_are_of_the_wall_clock(self):
        traces, _ = self.received("pass")
        run = traces.resource_spans[0].scope_spans[0].spans[0]
        started = datetime.datetime.fromisoformat(self.results("pass")["run"]["startedAt"].replace("Z", "+00:00"))
        self.assertAlmostEqual(run.start_time_unix_nano / 1e9, started.timestamp(), delta=0.002)

    def test_what_did_not_pass_is_an_error_with_its_reason(self):
        for story, word in (("node", "recovery: "), ("lost", "data-persistence: "), ("invalid", "fault-took-effect: ")):
            with self.subTest(story=story):
                traces, _ = self.received(story)
                spans = traces.resource_spans[0].scope_spans[0].spans
                self.assertEqual(spans[0].status.code, ERROR)
                bad = [span for span in spans if span.name.startswith("repeat ") and span.status.code == ERROR]
                self.assertTrue(any(span.status.message.startswith(word) for span in bad), [span.status.message for span in bad])

    def test_the_metrics_are_those_of_the_file(self):
        """Also of a service that never came back: its downtime has a lower bound and none above."""
        for story in ("pass", "node"):
            _, message = self.received(story)
            sent = {
                (metric.name, tuple(sorted(attributes(point).items()))): point.as_double
                for metric in message.resource_metrics[0].scope_metrics[0].metrics for point in metric.gauge.data_points}
            with open(stories.path(story, "metrics.prom")) as file:
                lines = [line.split() for line in file if not line.startswith("#")]
            self.assertEqual(len(sent), len(lines))
            self.assertEqual(sorted(sent.values()), sorted(float(line[-1]) for line in lines))
            bounds = {dict(labels)["bound"] for name, labels in sent if name == "aftershock_downtime_seconds"}
            self.assertEqual(bounds, {"lower", "upper"})

    def test_a_run_that_is_sent_twice_is_one_trace(self):
        first, second = (self.received("pass")[0].SerializeToString() for _ in range(2))
        self.assertEqual(first, second)

    def test_headers_are_sent_and_never_shown(self):
        with receivers.Receiver(status=401, answer=f"no: {SECRET}") as receiver:
            result = push(
                "pass", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url + "/tenant/",
                OTEL_EXPORTER_OTLP_HEADERS="Authorization=" + SECRET.replace(" ", "%20"))
        self.assertEqual([path for path, _, _ in receiver.requests], ["/tenant/v1/traces", "/tenant/v1/metrics"])
        for _, headers, _ in receiver.requests:
            self.assertEqual((headers["Authorization"], headers["Content-Type"]), (SECRET, "application/json"))
        self.assertEqual(result.returncode, 70)
        self.assertIn("answered 401", result.stderr)
        self.assertNotIn(SECRET.split()[1], result.stdout + result.stderr)

    def test_what_a_receiver_refused_is_said(self):
        answer = '{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "quota is used up"}}'
        with receivers.Receiver(answer=answer) as receiver:
            result = push("pass", "--otlp-endpoint", receiver.url)
        self.assertIn("did not take all of the traces: quota is used up", result.stderr)
        self.assertEqual(result.returncode, 70)

    def test_wrong_settings(self):
        self.assertEqual(push("pass", "--otlp-endpoint", "nonsense").returncode, 64)
        self.assertEqual(push("pass").returncode, 64)
        # Meant for another program, perhaps: said, and nothing more.
        result = push("pass", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        self.assertIn("is grpc", result.stderr)
        with receivers.Receiver() as receiver:
            result = push("pass", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_EXPORTER_OTLP_HEADERS="key=value%0D%0AHost: other")
            self.assertIn("one of the headers", result.stderr)
            self.assertEqual(receiver.requests, [])


class WebhookTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stories.make()
        # The night before: it passed.
        with open(stories.path("pass", "results.json")) as file:
            results = json.load(file)
        results["run"].update(id="before", startedAt="2020-01-01T00:00:00Z")
        os.makedirs(stories.path("before"), exist_ok=True)
        with open(stories.path("before", "results.json"), "w") as file:
            json.dump(results, file)

    def told(self, story, *options):
        with receivers.Receiver() as receiver:
            result = push(story, "--webhook", receiver.url + "/services/T0/B0/abcdefghijkl", *options)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertNotIn("abcdefghijkl", result.stderr)
            return [json.loads(body) for _, _, body in receiver.requests]

    def test_a_changed_verdict_is_told(self):
        (document,) = self.told("lost", "--baseline", stories.path("before"))
        schema = json.loads(stories.run("schema", "verdict-change", expected=0))
        jsonschema.Draft7Validator(schema).validate(document)
        (change,) = document["changes"]
        self.assertEqual((change["before"], change["now"], change["check"]), ("pass", "fail", "data-persistence"))
        self.assertIn("process-kill", document["text"])
        self.assertEqual(document["exitCode"], 3)

    def test_the_same_verdict_is_not(self):
        self.assertEqual(self.told("pass", "--baseline", stories.path("before")), [])
        self.assertEqual(self.told("lost", "--baseline", stories.path("lost"))[0]["changes"][0]["before"], None)

    def test_of_a_first_run_only_a_failure_is_told(self):
        self.assertEqual(self.told("pass"), [])
        (document,) = self.told("invalid")
        self.assertEqual(document["changes"][0]["before"], None)


class RunTests(unittest.TestCase):
    """`run` itself: what it sends is no part of its verdict."""

    def test_receivers_that_fail_change_nothing(self):
        stories.make()
        folder = stories.path("pushed")
        shutil.rmtree(folder, ignore_errors=True)
        history = os.path.join(stories.FOLDER, "nights.ndjson")
        with receivers.Receiver(status=503) as collector, receivers.Receiver() as webhook:
            address = webhook.url + "/services/T0/B0/abcdefghijkl"
            result = command(
                "run", "experiments/process-kill.yaml", "--repeat", "1", "--sandbox", "--apply",
                "experiments/targets/azure-sql-edge.yaml", "--database-flaw", "lose-one-in=20", "--reports", folder, "--history", history,
                "--webhook", address, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_EXPORTER_OTLP_HEADERS="api-key=" + SECRET)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertEqual(len(collector.requests), 2)
        self.assertIn("answered 503", result.stderr)
        self.assertIn(f"aftershock report push {folder}", result.stderr)
        (_, _, body) = webhook.requests[0]
        self.assertEqual(json.loads(body)["changes"][0]["now"], "fail")
        with open(history) as file:
            (line,) = file.readlines()
        jsonschema.Draft7Validator(json.loads(stories.run("schema", "history-line", expected=0))).validate(json.loads(line))
        for name in os.listdir(folder):
            with open(os.path.join(folder, name)) as file:
                text = file.read()
            self.assertNotIn(SECRET, text, name)
            self.assertNotIn("abcdefghijkl", text, name)
        # The run sent again, to a receiver that takes it.
        with receivers.Receiver() as collector:
            self.assertEqual(command("report", "push", folder, "--otlp-endpoint", collector.url).returncode, 0)
            receivers.parse("/v1/traces", collector.body("/v1/traces"))


if __name__ == "__main__":
    unittest.main()
