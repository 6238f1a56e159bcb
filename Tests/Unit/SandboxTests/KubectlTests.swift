import Checkout
import Foundation
import JSON
import SandboxFixtures
import Testing

@testable import Sandbox
@testable import SandboxAPI
@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

@Suite(.enabled(if: Kubectl.isInstalled, "kubectl is not installed")) struct KubectlTests {
    private static let manifest = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec:
          containers:
          - {name: main, image: "busybox:1", env: [{name: A, value: "1"}], ports: [{containerPort: 80}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data, namespace: shop}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: mssql, namespace: shop}
        stringData: {PASSWORD: secret}

        """

    private func apply(_ kubectl: Kubectl) async throws {
        let applied = try await kubectl("apply", "-f", "-", input: Self.manifest)
        #expect(applied.problems == "")
        #expect(
            applied.lines == [
                "namespace/shop created", "pod/web created", "service/web created", "persistentvolumeclaim/data created",
                "secret/mssql created",
            ])
        let ready = try await kubectl("wait", "-n", "shop", "pod/web", "--for=condition=Ready", "--timeout=20s")
        #expect(ready.isSuccess, "\(ready.problems)")
    }

    @Test func appliesAndGets() async throws {
        try await Kubectl.withCluster { kubectl in
            try await apply(kubectl)
            let again = try await kubectl("apply", "-f", "-", input: Self.manifest)
            // A Secret's stringData is in no stored object, so that kubectl sends it each time.
            #expect(again.lines.filter { !$0.hasSuffix("unchanged") } == ["secret/mssql configured"], "\(again.output)\(again.problems)")

            let changed = try await kubectl(
                "apply", "-f", "-", input: Self.manifest.replacing("busybox:1", with: "busybox:2").replacing("port: 80}", with: "port: 81}")
            )
            #expect(changed.lines.contains("pod/web configured"), "\(changed.output)\(changed.problems)")
            #expect(changed.lines.contains("service/web configured"))
            let ports = try await kubectl("get", "service", "web", "-n", "shop", "-o", "jsonpath={.spec.ports[*].port}")
            #expect(ports.output == "81")

            let pods = try await kubectl("get", "pods", "-A", "-o", "wide")
            #expect(pods.lines.first == "NAMESPACE NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES")
            #expect(pods.lines.last?.hasPrefix("shop web 1/1 Running 0 ") == true, "\(pods.output)")
            #expect(pods.lines.last?.hasSuffix("127.160.0.2 node-1 <none> <none>") == true)

            let services = try await kubectl("get", "svc", "-n", "shop")
            #expect(services.lines.first == "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE")
            #expect(services.lines.last?.contains("LoadBalancer 127.") == true && services.lines.last?.contains("<pending> 81:3") == true)

            let claims = try await kubectl("get", "pvc", "-n", "shop", "--no-headers")
            #expect(claims.lines.first?.hasPrefix("data Pending standard <unset>") == true, "\(claims.output)")
            let secret = try await kubectl("get", "secret", "mssql", "-n", "shop", "-o", "jsonpath={.data.PASSWORD}")
            #expect(secret.output == Data("secret".utf8).base64EncodedString())
            #expect(try await kubectl("get", "nodes").lines.count == 3)
            #expect(try await kubectl("get", "all", "-n", "shop").isSuccess)
        }
    }

    @Test func describes() async throws {
        try await Kubectl.withCluster { kubectl in
            try await apply(kubectl)
            for (kind, name) in [("pod", "web"), ("service", "web"), ("pvc", "data"), ("secret", "mssql")] {
                let answer = try await kubectl("describe", kind, name, "-n", "shop")
                #expect(answer.isSuccess && answer.output.contains("Name:"), "\(kind): \(answer.problems)")
            }
            for (kind, name) in [("node", "node-1"), ("namespace", "shop"), ("storageclass", "standard")] {
                let answer = try await kubectl("describe", kind, name)
                #expect(answer.isSuccess && answer.output.contains("Name:"), "\(kind): \(answer.problems)")
            }
        }
    }

    @Test func logsAndExec() async throws {
        try await Kubectl.withCluster { kubectl in
            try await apply(kubectl)
            #expect(try await kubectl("logs", "-n", "shop", "web", "--tail=2").output == "two\nthree\n")
            let echo = try await kubectl("exec", "-n", "shop", "web", "--", "echo", "a b", "c")
            #expect(echo.output == "a b c\n", "\(echo.problems)")
            #expect(echo.problems.contains("to stderr"))
            let large = String(repeating: "0123456789abcdef", count: 20_000)
            #expect(try await kubectl("exec", "-i", "-n", "shop", "web", "--", "cat", input: large).output == large)
            let failed = try await kubectl("exec", "-n", "shop", "web", "--", "exit", "3")
            #expect(!failed.isSuccess)
            #expect(failed.problems.contains("exit code 3"), "\(failed.problems)")
            let refused = try await kubectl("exec", "-n", "shop", "web", "--", "refuse")
            #expect(refused.problems.contains("no such node"), "\(refused.problems)")
            let missing = try await kubectl("exec", "-n", "shop", "nope", "--", "echo")
            #expect(missing.problems.contains("pods \"nope\" not found"), "\(missing.problems)")
        }
    }

    @Test func changesInEveryWay() async throws {
        try await Kubectl.withCluster { kubectl in
            try await apply(kubectl)
            func expect(_ arguments: String..., to output: String) async throws {
                let answer = try await kubectl.run(arguments)
                #expect(answer.lines == [output], "\(arguments): \(answer.output)\(answer.problems)")
            }
            try await expect("label", "pod", "web", "-n", "shop", "tier=front", to: "pod/web labeled")
            try await expect("label", "pod", "web", "-n", "shop", "tier-", to: "pod/web unlabeled")
            try await expect("annotate", "pod", "web", "-n", "shop", "note=x", to: "pod/web annotated")
            try await expect("patch", "svc", "web", "-n", "shop", "-p", #"{"spec":{"selector":{"x":"y"}}}"#, to: "service/web patched")
            try await expect(
                "patch", "svc", "web", "-n", "shop", "--type=json", "-p",
                #"[{"op":"replace","path":"/spec/ports/0/port","value":8080}]"#, to: "service/web patched")
            try await expect(
                "patch", "svc", "web", "-n", "shop", "--type=merge", "-p", #"{"metadata":{"labels":{"a":"b"}}}"#, to: "service/web patched")
            try await expect(
                "get", "svc", "web", "-n", "shop", "-o", "jsonpath={.spec.selector}{.spec.ports[0].port}{.metadata.labels}",
                to: #"{"app":"web","x":"y"}8080{"a":"b"}"#)
            let service = try await kubectl("get", "svc", "web", "-n", "shop", "-o", "yaml").output
            let replaced = try await kubectl("replace", "-f", "-", input: service.replacing("port: 8080", with: "port: 9090"))
            #expect(replaced.lines == ["service/web replaced"], "\(replaced.problems)")
            let stale = try await kubectl("replace", "-f", "-", input: service)
            #expect(stale.problems.contains("the object has been modified"), "\(stale.problems)")

            try await expect("taint", "node", "node-1", "a=b:NoExecute", to: "node/node-1 tainted")
            try await expect("taint", "node", "node-1", "a-", to: "node/node-1 untainted")
            try await expect("cordon", "node-1", to: "node/node-1 cordoned")
            #expect(try await kubectl("get", "node", "node-1").lines.last?.contains("Ready,SchedulingDisabled") == true)
            try await expect("uncordon", "node-1", to: "node/node-1 uncordoned")
        }
    }

    @Test func deletesAndDrains() async throws {
        try await Kubectl.withCluster { kubectl in
            try await apply(kubectl)
            let refused = try await kubectl("drain", "node-1")
            #expect(refused.problems.contains("cannot delete") && refused.problems.contains("shop/web"), "\(refused.problems)")
            let drained = try await kubectl("drain", "node-1", "--force", "--timeout=30s")
            #expect(drained.isSuccess && drained.output.contains("pod/web evicted"), "\(drained.output)\(drained.problems)")
            let deleted = try await kubectl("delete", "-n", "shop", "svc/web", "secret/mssql", "--timeout=20s")
            #expect(deleted.lines == [#"service "web" deleted"#, #"secret "mssql" deleted"#], "\(deleted.problems)")
            #expect(try await kubectl("get", "svc", "-n", "shop").problems.contains("No resources found"))
        }
    }

    @Test func aBudgetHoldsTheDrainBack() async throws {
        try await Kubectl.withCluster { kubectl in
            try await apply(kubectl)
            let created = try await kubectl("create", "pdb", "web", "-n", "shop", "--selector=app=web", "--min-available=1")
            #expect(created.isSuccess, "\(created.problems)")
            try kubectl.cluster.store.modify(ObjectKey(.podDisruptionBudgets, namespace: "shop", name: "web")) {
                $0["status"] = [
                    "observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1,
                ]
            }
            let held = try await kubectl("drain", "node-1", "--force", "--timeout=1s")
            #expect(!held.isSuccess)
            #expect(held.problems.contains("Cannot evict pod as it would violate the pod's disruption budget"), "\(held.problems)")
        }
    }

    @Test func watches() async throws {
        try await Kubectl.withCluster { kubectl in
            try await apply(kubectl)
            try await kubectl.follow("get", "pods", "-n", "shop", "-w") { lines in
                #expect(try await lines.next() == "NAME READY STATUS RESTARTS AGE")
                #expect(try await lines.next()?.hasPrefix("web 1/1 Running 0 ") == true)
                try await kubectl("label", "pod", "web", "-n", "shop", "seen=yes")
                #expect(try await lines.next()?.hasPrefix("web 1/1 Running 0 ") == true)
                try await kubectl("delete", "pod", "web", "-n", "shop", "--wait=false")
                #expect(try await lines.next()?.hasPrefix("web 1/1 Terminating 0 ") == true)
            }
            try await kubectl.follow("get", "pods", "-w", "-o", "name") { lines in
                try kubectl.cluster.store.createPod("late")
                #expect(try await lines.next() == "pod/late")
            }
        }
    }

    @Test(arguments: ["azure-sql-edge", "mssql-statefulset"])
    func theTargetsApplyUnchanged(name: String) async throws {
        let file = Checkout.root.appendingPathComponent("experiments/targets/\(name).yaml").path
        try await Kubectl.withCluster { kubectl in
            let applied = try await kubectl("apply", "-f", file)
            #expect(applied.isSuccess && applied.problems == "", "\(applied.problems)")
            let deleted = try await kubectl("delete", "-f", file, "--wait=false")
            #expect(deleted.isSuccess, "\(deleted.problems)")
            let gone = try await kubectl("wait", "--for=delete", "namespace/sql", "--timeout=20s")
            #expect(gone.isSuccess, "\(gone.problems)")
        }
        // And so does the sandbox itself; kubectl then finds nothing to do. That it still says "configured" of a Secret's stringData and
        // of claim templates, which the server completes, is the same with any cluster.
        try await Kubectl.withCluster { kubectl in
            try kubectl.cluster.apply(yaml: try String(contentsOfFile: file, encoding: .utf8), source: file)
            let applied = try await kubectl("apply", "-f", file)
            #expect(applied.problems == "")
            let configured = applied.lines.filter { !$0.hasSuffix("unchanged") }
            #expect(Set(configured).isSubset(of: ["secret/mssql configured", "statefulset.apps/mssql configured"]), "\(applied.output)")
            let store = kubectl.cluster.store
            #expect((store.list(.deployments) + store.list(.statefulSets)).map(\.generation) == [1])
        }
    }

    @Test func createsFromTheCommandLine() async throws {
        try await Kubectl.withCluster { kubectl in
            func create(_ arguments: String..., expecting line: String) async throws {
                let answer = try await kubectl.run(["create"] + arguments)
                #expect(answer.lines == [line], "\(arguments): \(answer.output)\(answer.problems)")
            }
            try await create("namespace", "sql", expecting: "namespace/sql created")
            try await create(
                "secret", "generic", "mssql", "--from-literal=MSSQL_SA_PASSWORD=Str0ng!", "-n", "sql", expecting: "secret/mssql created")
            try await create("configmap", "settings", "--from-literal=a=b", expecting: "configmap/settings created")
            try await create("serviceaccount", "runner", expecting: "serviceaccount/runner created")
            try await create(
                "deployment", "web", "--image=busybox:1", "--replicas=2", "--port=80", expecting: "deployment.apps/web created")
            try await create("service", "loadbalancer", "web", "--tcp=80:8080", expecting: "service/web created")
            try await create(
                "pdb", "web", "--selector=app=web", "--min-available=50%", expecting: "poddisruptionbudget.policy/web created")
            let store = kubectl.cluster.store
            let secret = try store.get(ObjectKey(.secrets, namespace: "sql", name: "mssql"))
            #expect(secret["data"] == ["MSSQL_SA_PASSWORD": .string(Data("Str0ng!".utf8).base64EncodedString())])
            #expect(secret["type"] == "Opaque")
            let deployment = try store.get(ObjectKey(.deployments, namespace: "default", name: "web"))
            #expect(deployment[path: "spec", "replicas"] == 2)
            #expect(deployment[path: "spec", "template", "spec", "containers"]?[0]?[path: "ports"]?[0]?["containerPort"] == 80)
            let service = try store.get(ObjectKey(.services, namespace: "default", name: "web"))
            #expect(service[path: "spec", "ports"]?[0]?["targetPort"] == 8080)
            #expect(service[path: "spec", "selector"] == ["app": "web"])
            let budget = try store.get(ObjectKey(.podDisruptionBudgets, namespace: "default", name: "web"))
            #expect(budget["spec"] == ["minAvailable": "50%", "selector": ["matchLabels": ["app": "web"]]])
        }
    }

    @Test func followsALogUntilItLeaves() async throws {
        try await Kubectl.withCluster { kubectl in
            try await apply(kubectl)
            try await kubectl.follow("logs", "-n", "shop", "-f", "web") { lines in
                var seen: [String?] = []
                for _ in 0..<3 { seen.append(try await lines.next()) }
                #expect(seen == ["one", "two", "three"])
            }
        }
    }

    @Test func saysWhatIsWrong() async throws {
        try await Kubectl.withCluster { kubectl in
            let typo = try await kubectl(
                "apply", "-f", "-",
                input: "---\n{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, imagee: x}]}}")
            #expect(typo.problems.contains(#"unknown field "spec.containers[0].imagee""#), "\(typo.problems)")
            let incomplete = try await kubectl(
                "create", "-f", "-", input: "---\n{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c}]}}")
            #expect(incomplete.problems.contains("spec.containers[0].image: Required value"), "\(incomplete.problems)")
            let serverSide = try await kubectl(
                "apply", "--server-side", "-f", "-", input: "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
            #expect(serverSide.problems.contains("without --server-side"), "\(serverSide.problems)")
            #expect(try await kubectl("get", "pod", "nope").problems.contains(#"pods "nope" not found"#))
            #expect(try await kubectl("get", "cronjobs").problems.contains(#"doesn't have a resource type "cronjobs""#))
        }
    }

    @Test func answersAboutItself() async throws {
        try await Kubectl.withCluster { kubectl in
            let permission = try await kubectl("auth", "can-i", "delete", "pods")
            #expect(permission.output == "yes\n", "\(permission.problems)")
            #expect(try await kubectl("auth", "can-i", "--list").isSuccess)
            #expect(try await kubectl("auth", "whoami").output.contains("sandbox-admin"))
            #expect(try await kubectl("version").output.contains("Server Version: v1.34.0"))
            let resources = try await kubectl("api-resources", "--no-headers")
            #expect(resources.lines.contains("pods po v1 true Pod"), "\(resources.output)")
            #expect(resources.lines.contains("statefulsets sts apps/v1 true StatefulSet"))
            #expect(try await kubectl("get", "--raw", "/readyz").output == "ok")
            #expect(try await kubectl("--context", "aftershock-sandbox-token", "get", "ns").isSuccess)
        }
    }
}
