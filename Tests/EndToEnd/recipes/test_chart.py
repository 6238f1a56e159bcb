"""ci/in-cluster: the Helm chart and the Kustomize base say the same, and the roles are those of the experiments."""

import subprocess
import tempfile
import unittest

from common import PROGRAM, TOP, load_all, output

FOLDER = TOP / "ci/in-cluster"
HELM = TOP / ".build/helm/helm"


def key(one):
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"].split("-")[0]


def chart(*options, name="aftershock", namespace="aftershock"):
    rendered = output(HELM, "template", name, FOLDER, "--namespace", namespace, "--kube-version", "1.36.0", *options)
    return {key(one): one for one in load_all(rendered)}


def refusal(*options):
    result = subprocess.run([HELM, "template", "aftershock", FOLDER, *options], capture_output=True, text=True)
    return result.stderr if result.returncode != 0 else None


class ChartTests(unittest.TestCase):
    def test_the_roles_are_those_of_the_experiments(self):
        self.assertEqual((FOLDER / "rbac.yaml").read_text(), output(PROGRAM, "rbac", FOLDER / "experiments"))

    def test_the_experiment_is_the_one_of_the_library(self):
        for file in (FOLDER / "experiments").iterdir():
            lines = (TOP / "experiments" / file.name).read_text().splitlines()
            self.assertEqual(file.read_text().splitlines()[1:], lines[1:], file.name)

    def test_the_chart_is_the_base(self):
        base = {key(one): one for one in load_all(output("kubectl", "kustomize", FOLDER))}
        del base["Namespace", "", "aftershock"]
        # Kustomize names a ConfigMap by its content.
        config = base["ConfigMap", "aftershock", "experiments"]["metadata"]
        volumes = base["CronJob", "aftershock", "aftershock"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"]
        self.assertIn({"name": "experiments", "configMap": {"name": config["name"]}}, volumes)
        config["name"] = volumes[0]["configMap"]["name"] = "experiments"
        self.assertEqual(chart(), base)

    def test_helm_finds_no_fault(self):
        self.assertIn("1 chart(s) linted, 0 chart(s) failed", output(HELM, "lint", "--strict", "--kube-version", "1.36.0", FOLDER))

    def test_every_value_is_taken(self):
        library = TOP / "experiments/node-drain.yaml"
        roles = output(PROGRAM, "rbac", library)
        objects = chart(
            "--set", "image=registry.example/aftershock:1,schedule=5 4 * * 0,suspend=true,arguments={--repeat=2},reports.size=5Gi",
            "--set", "reports.storageClass=fast,resources.limits.memory=1Gi,imagePullSecrets[0].name=pull",
            "--set-file", f"experiments.drain={library}", "--set-file", f"rbac={self.written(roles)}",
            name="nightly", namespace="chaos")
        self.assertEqual(objects["ConfigMap", "chaos", "experiments"]["data"], {"drain.yaml": library.read_text()})
        claim = objects["PersistentVolumeClaim", "chaos", "reports"]["spec"]
        self.assertEqual((claim["resources"]["requests"]["storage"], claim["storageClassName"]), ("5Gi", "fast"))
        job = objects["CronJob", "chaos", "nightly"]["spec"]
        pod = job["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        self.assertEqual((job["schedule"], job["suspend"]), ("5 4 * * 0", True))
        self.assertEqual((pod["serviceAccountName"], pod["imagePullSecrets"]), ("nightly", [{"name": "pull"}]))
        self.assertEqual((container["image"], container["args"][-2:]), ("registry.example/aftershock:1", ["in-cluster", "--repeat=2"]))
        self.assertEqual(container["resources"], {"limits": {"memory": "1Gi"}})
        for one in load_all(roles):
            place = one["metadata"].get("namespace", "")
            got = objects[one["kind"], "chaos" if place == "aftershock" else place, "nightly"]
            self.assertEqual(got.get("rules"), one.get("rules"))
            for subject in got.get("subjects", []):
                self.assertEqual((subject["name"], subject["namespace"], got["roleRef"]["name"]), ("nightly", "chaos", "nightly"))

    def written(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        return file.name

    def test_an_old_cluster_gets_the_api_that_it_has(self):
        old = chart("--kube-version", "1.20.2")
        self.assertEqual(old["CronJob", "aftershock", "aftershock"]["apiVersion"], "batch/v1beta1")
        self.assertEqual(chart()["CronJob", "aftershock", "aftershock"]["apiVersion"], "batch/v1")

    def test_mistakes_are_refused(self):
        self.assertIn("experiments and rbac belong together", refusal("--set", "experiments.first=text"))
        self.assertIn("additional properties 'scedule' not allowed", refusal("--set", "scedule=0 1 * * *"))


if __name__ == "__main__":
    unittest.main()
