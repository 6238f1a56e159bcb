"""Receivers of what a run sends: an OpenTelemetry collector, whose messages are read with the official definitions, and a webhook."""

import base64
import http.server
import json
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

MESSAGES = {
    "/v1/traces": trace_service_pb2.ExportTraceServiceRequest, "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest}


def parse(path, body):
    """The message, or an exception for a field that the definitions do not have."""
    document = json.loads(body)
    # OTLP's JSON has IDs in hexadecimal digits, protobuf's in base64.
    for resource in document.get("resourceSpans", []):
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return json_format.ParseDict(document, MESSAGES[path]())


class Receiver:
    """A server on loopback. Use it in a `with` statement."""

    def __init__(self, status=200, answer="{}"):
        self.requests = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.address}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def body(self, path):
        found = [body for at, _, body in self.requests if at == path]
        assert len(found) == 1, (path, [at for at, _, _ in self.requests])
        return found[0]
