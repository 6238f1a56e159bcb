"""Fleets: what is rendered for the engines is valid where they read it, and reports are collected over a real S3-compatible server."""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import boto3
import kubernetes_validate
import stories
import yaml
from hera.workflows.models import Workflow

FLEET = os.path.join(stories.TOP, "experiments/fleet/fleet.yaml")
STORED = os.path.join(stories.TOP, "Tests/Unit/VerdictTests/StoredRuns/unscathed.ndjson")


def command(*arguments, **environment):
    return subprocess.run(
        [stories.PROGRAM, *arguments], cwd=stories.TOP, capture_output=True, text=True, timeout=300, env={**os.environ, **environment})


def rendered(engine, fleet=FLEET):
    return list(yaml.safe_load_all(stories.run("fleet", fleet, "--to", engine, expected=0)))


def lost(given, kept, place=""):
    """The places of a document that a model of it does not know."""
    if isinstance(given, dict):
        return [one for key, value in given.items()
                for one in (lost(value, kept[key], f"{place}.{key}") if key in kept else [f"{place}.{key}"])]
    if isinstance(given, list):
        return [one for index, (value, own) in enumerate(zip(given, kept)) for one in lost(value, own, f"{place}[{index}]")]
    return []


class RenderingTests(unittest.TestCase):
    def fleet(self):
        """The example, with a store."""
        with open(FLEET) as file:
            document = yaml.safe_load(file)
        folder = os.path.dirname(FLEET)
        for entry in document["spec"]["experiments"]:
            entry["files"] = [os.path.join(folder, name) for name in entry["files"]]
        document["spec"]["upload"] = {"to": "s3://reports/edge", "endpoint": "https://minio.example", "secret": "store"}
        path = os.path.join(stories.FOLDER, "store-fleet.yaml")
        with open(path, "w") as file:
            json.dump(document, file)
        return path

    def validate(self, documents, version):
        for document in documents:
            kubernetes_validate.validate(document, version, strict=True)

    def test_jobs_are_valid_for_every_kubernetes_that_has_a_schema(self):
        for fleet in (FLEET, self.fleet()):
            documents = rendered("jobs", fleet)
            self.assertEqual([document["kind"] for document in documents].count("Job"), 3)
            for version in ("1.25", "1.34"):
                self.validate(documents, version)

    def test_indexed_jobs_are_valid(self):
        for fleet in (FLEET, self.fleet()):
            documents = rendered("job", fleet)
            self.assertEqual([document["kind"] for document in documents].count("Job"), 2)
            for version in ("1.31", "1.34"):
                self.validate(documents, version)

    def test_a_wrong_field_is_found(self):
        (job, *_) = [document for document in rendered("jobs") if document["kind"] == "Job"]
        job["spec"]["template"]["spec"]["restartpolicy"] = "Never"
        with self.assertRaises(kubernetes_validate.ValidationError):
            self.validate([job], "1.34")

    def test_the_workflow_is_one_of_argo(self):
        for fleet in (FLEET, self.fleet()):
            (workflow,) = [document for document in rendered("argo", fleet) if document["kind"] == "Workflow"]
            back = json.loads(Workflow(**workflow).model_dump_json(exclude_none=True, by_alias=True))
            self.assertEqual(lost(workflow, back), [])
        workflow["spec"]["templates"][0]["step"] = []
        self.assertEqual(lost(workflow, back), [".spec.templates[0].step"])

    def test_matrices_are_valid(self):
        with open(self.fleet()) as file:
            text = file.read()
        for engine, schema in (("github", "vendor.github-workflows"), ("gitlab", "vendor.gitlab-ci")):
            document = yaml.safe_load(text)
            for cluster in document["spec"]["clusters"]:
                cluster["kubeconfig"] = {"env": "KUBECONFIG_" + cluster["name"].replace("-", "_").upper()}
            path = os.path.join(stories.FOLDER, f"{engine}-fleet.yaml")
            with open(path, "w") as file:
                json.dump(document, file)
            output = os.path.join(stories.FOLDER, f"{engine}.yaml")
            with open(output, "w") as file:
                file.write(stories.run("fleet", path, "--to", engine, expected=0))
            result = subprocess.run(
                [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, output], capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stdout)


class MergeTests(unittest.TestCase):
    # A program's peak begins with that of the process that starts it: this one is small.
    MEASURE = """
import os, sys
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(process, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""

    def peak(self, count):
        """The most memory, in kB, that a merge of this many folders takes."""
        with open(STORED, "rb") as file:
            journal = file.read()
        with tempfile.TemporaryDirectory() as folder:
            for number in range(count):
                own = os.path.join(folder, f"fleet/store-{number}/1")
                os.makedirs(own)
                with open(os.path.join(own, "journal.ndjson"), "wb") as file:
                    file.write(journal)
            arguments = ["report", "merge", os.path.join(folder, "fleet"), "--to", os.path.join(folder, "merged")]
            result = subprocess.run(
                [sys.executable, "-S", "-c", self.MEASURE, stories.PROGRAM, *arguments], capture_output=True, text=True, timeout=300)
        code, peak = map(int, result.stdout.split())
        self.assertEqual(code, 0, result.stderr)
        return peak

    def test_memory_does_not_grow_with_the_number_of_folders(self):
        """360 more: 1.4 MB, the names; 12 MB, if the findings of each were kept."""
        self.assertLess(self.peak(400) - self.peak(40), 5000)


class Store:
    """An S3-compatible server on loopback that holds every signature against the key's secret. Use it in a `with` statement."""

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = tempfile.TemporaryFile()
        # The first four requests, which make the user and the bucket, need no permission.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=self.log, stderr=self.log,
            env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"})
        deadline = time.monotonic() + 120
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam = self.client("iam", "any", "any")
        iam.create_user(UserName="harness")
        key = iam.create_access_key(UserName="harness")["AccessKey"]
        iam.put_user_policy(UserName="harness", PolicyName="all", PolicyDocument=json.dumps(policy))
        self.access, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        self.s3 = self.client("s3", self.access, self.secret)
        self.s3.create_bucket(Bucket="reports")
        return self

    def client(self, service, access, secret):
        return boto3.client(
            service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=access, aws_secret_access_key=secret)

    def environment(self, **changes):
        return {"AFTERSHOCK_S3_ENDPOINT": self.url, "AFTERSHOCK_S3_ACCESS_KEY_ID": self.access,
                "AFTERSHOCK_S3_SECRET_ACCESS_KEY": self.secret, **changes}

    def objects(self):
        found = self.s3.list_objects_v2(Bucket="reports").get("Contents", [])
        return {one["Key"]: self.s3.get_object(Bucket="reports", Key=one["Key"])["Body"].read() for one in found}

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class UploadTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = Store().__enter__()
        cls.addClassCleanup(cls.store.__exit__)

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        for name in self.store.objects():
            self.store.s3.delete_object(Bucket="reports", Key=name)

    def shard(self, cluster):
        """The finished run of a cluster, as a shard leaves it."""
        folder = os.path.join(self.folder, "fleet", cluster, "1")
        os.makedirs(folder)
        with open(STORED, "rb") as source, open(os.path.join(folder, "journal.ndjson"), "wb") as target:
            target.write(source.read())
        stories.run("report", folder, expected=0)
        return folder

    def fleet(self, *clusters):
        path = os.path.join(self.folder, "fleet.yaml")
        with open(path, "w") as file:
            json.dump({
                "apiVersion": "aftershock/v1", "kind": "Fleet", "metadata": {"name": "edge"},
                "spec": {
                    "clusters": [{"name": cluster, "kubeconfig": {"file": "none"}} for cluster in clusters],
                    "experiments": [{"files": [os.path.join(stories.TOP, "experiments/pod-delete.yaml")]}],
                    "waves": [{"name": "all"}], "upload": {"to": "s3://reports/edge-fleet", "endpoint": self.store.url}}},
                file)
        return path

    def test_every_file_arrives_as_it_is_and_is_merged(self):
        folders = {cluster: self.shard(cluster) for cluster in ("one", "two")}
        fleet = self.fleet(*folders)
        for cluster in folders:
            # It is finished: it runs nothing, and sends what it has.
            result = command(
                "fleet", "shard", fleet, "--cluster", cluster, "--reports", os.path.join(self.folder, "fleet"), **self.store.environment())
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("done already", result.stderr)
        objects = self.store.objects()
        expected = {f"edge-fleet/{cluster}/1/{name}" for cluster, folder in folders.items() for name in os.listdir(folder)}
        self.assertEqual(set(objects), expected)
        for cluster, folder in folders.items():
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertEqual(objects[f"edge-fleet/{cluster}/1/{name}"], file.read())
        for key, content in objects.items():
            path = os.path.join(self.folder, "down", key)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        merged = os.path.join(self.folder, "merged")
        text = stories.run("report", "merge", os.path.join(self.folder, "down/edge-fleet"), "--to", merged, "--fleet", fleet, expected=0)
        self.assertIn("2 runs, exit code 0", text)

    def test_names_are_encoded(self):
        folder = self.shard("one")
        with open(os.path.join(folder, "a b+c=ä%.txt"), "w") as file:
            file.write("x")
        result = command("report", "upload", folder, "--to", "s3://reports", "--as", "d e/1", **self.store.environment())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("d e/1/a b+c=ä%.txt", self.store.objects())

    def test_a_wrong_secret_is_refused_and_never_shown(self):
        folder = self.shard("one")
        wrong = secrets.token_urlsafe(30)
        for arguments in (
            ("report", "upload", folder, "--to", "s3://reports/x"),
            ("fleet", "shard", self.fleet("one"), "--cluster", "one", "--reports", os.path.join(self.folder, "fleet")),
        ):
            result = command(*arguments, **self.store.environment(AFTERSHOCK_S3_SECRET_ACCESS_KEY=wrong))
            self.assertEqual(result.returncode, 70, result.stderr)
            self.assertIn("403", result.stderr)
            self.assertIn("send it again with: aftershock report upload", result.stderr)
            self.assertNotIn(wrong, result.stdout + result.stderr)
        self.assertEqual(self.store.objects(), {})

    def test_what_is_missing_is_said(self):
        folder = self.shard("one")
        result = command("report", "upload", folder, "--to", "s3://reports", AFTERSHOCK_S3_ACCESS_KEY_ID="x")
        self.assertEqual(result.returncode, 64)
        self.assertIn("AFTERSHOCK_S3_SECRET_ACCESS_KEY", result.stderr)
        result = command("report", "upload", folder, "--to", "http://reports", **self.store.environment())
        self.assertEqual(result.returncode, 64)
        self.assertIn("s3://bucket/prefix", result.stderr)
        result = command("report", "upload", folder, "--to", "s3://nothing", **self.store.environment())
        self.assertEqual(result.returncode, 70)
        self.assertIn("NoSuchBucket", result.stderr)
