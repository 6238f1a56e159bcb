import JSON

extension FleetRendering {
    private static let account = "aftershock-fleet"

    /// The common parts of Jobs and Workflows, such as the access to the kubeconfigs.
    private var access: [JSONValue] {
        let names = Set(
            fleet.clusters.compactMap { cluster -> String? in
                if case .secret(let name, _) = cluster.kubeconfig { name } else { nil }
            })
        let metadata: JSONValue = ["name": .string(Self.account), "namespace": .string(fleet.namespace)]
        return [
            ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata],
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata,
                "rules": [
                    [
                        "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"],
                        "resourceNames": .array(names.sorted().map(JSONValue.string)),
                    ]
                ],
            ],
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": .string(Self.account)],
                "subjects": [["kind": "ServiceAccount", "name": .string(Self.account), "namespace": .string(fleet.namespace)]],
            ],
        ]
    }

    private func metadata(_ name: String, _ batch: Batch) -> JSONValue {
        [
            "name": .string(name), "namespace": .string(fleet.namespace),
            "labels": ["aftershock/fleet": .string(fleet.name), "aftershock/wave": .string(batch.name)],
        ]
    }

    private func name(_ batch: Batch) -> String { "\(fleet.name)-\(batch.name)" }

    /// Returns the ConfigMap for the shards of a batch: its part of the fleet file, and its experiments.
    private func configuration(_ batch: Batch) -> JSONValue {
        let entries = fleet.experiments.filter { entry in batch.clusters.contains { $0.has(entry.clusters) } }
        let used = files.filter { file in entries.contains { $0.files.contains(file.path) } }
        let names = Dictionary(
            uniqueKeysWithValues: used.enumerated().map { number, file in
                (file.path, "\(number)-\(file.path.split(separator: "/").last.map(String.init) ?? "experiment.yaml")")
            })
        var document = fleet.effective
        var spec = document["spec"] ?? [:]
        let own = Set(batch.clusters.map(\.name))
        spec["clusters"] = .array((spec["clusters"]?.array ?? []).filter { $0["name"]?.string.map(own.contains) ?? false })
        spec["experiments"] = .array(
            entries.map { entry in
                var value: JSONValue = ["files": .array(entry.files.compactMap { names[$0].map(JSONValue.string) })]
                if !entry.clusters.isEmpty { value["clusters"] = .object(entry.clusters.mapValues(JSONValue.string)) }
                return value
            })
        spec["waves"] = [
            [
                "name": .string(batch.wave.name), "parallel": .integer(Int64(batch.wave.parallel)),
                "stopAfter": .integer(Int64(batch.wave.stopAfter)),
            ]
        ]
        document["spec"] = spec
        var data: [String: JSONValue] = ["fleet.yaml": .string(spelled(document))]
        for file in used { data[names[file.path] ?? file.path] = .string(file.text) }
        return ["apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name(batch), batch), "data": .object(data)]
    }

    /// JSON is valid YAML, and shorter.
    private func spelled(_ document: JSONValue) -> String {
        guard let data = try? document.data() else { preconditionFailure("a document without numbers that are none") }
        return String(decoding: data, as: UTF8.self)
    }

    private func container(_ arguments: [JSONValue]) -> JSONValue {
        [
            "name": "aftershock", "image": .string(fleet.image),
            "args": .array(["fleet", "shard", "/fleet/fleet.yaml"] + arguments + ["--reports", "/reports", "--wait"]),
            "env": .array([["name": "TMPDIR", "value": "/private"]] + storeKey),
            // The Pod Security level "restricted" requires these settings.
            "securityContext": [
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": ["drop": ["ALL"]],
            ],
            // docs/fleet.md says what they are derived from.
            "resources": ["requests": ["cpu": "100m", "memory": "96Mi"], "limits": ["memory": "512Mi"]],
            "volumeMounts": [
                ["name": "fleet", "mountPath": "/fleet", "readOnly": true], ["name": "reports", "mountPath": "/reports"],
                ["name": "private", "mountPath": "/private"],
            ],
        ]
    }

    /// Returns the environment with the store's key, from its Secret.
    private var storeKey: [JSONValue] {
        guard let secret = fleet.upload?.secret else { return [] }
        return ["AFTERSHOCK_S3_ACCESS_KEY_ID", "AFTERSHOCK_S3_SECRET_ACCESS_KEY"].map { name in
            ["name": .string(name), "valueFrom": ["secretKeyRef": ["name": .string(secret), "key": .string(name)]]]
        }
    }

    private func volumes(_ batch: Batch) -> JSONValue {
        [
            ["name": "fleet", "configMap": ["name": .string(name(batch))]],
            ["name": "reports", "persistentVolumeClaim": ["claimName": .string(fleet.reportsClaim)]],
            // The kubeconfig is only in memory, and is gone with the pod.
            ["name": "private", "emptyDir": ["medium": "Memory", "sizeLimit": "16Mi"]],
        ]
    }

    private static let security: JSONValue = [
        "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532, "seccompProfile": ["type": "RuntimeDefault"],
    ]

    private func pod(_ batch: Batch, _ arguments: [JSONValue]) -> JSONValue {
        [
            "metadata": ["labels": ["aftershock/fleet": .string(fleet.name), "aftershock/wave": .string(batch.name)]],
            "spec": [
                "serviceAccountName": .string(Self.account), "restartPolicy": "Never",
                // This is the time for restoring after a SIGTERM to the pod.
                "terminationGracePeriodSeconds": 120, "securityContext": Self.security, "containers": [container(arguments)],
                "volumes": volumes(batch),
            ],
        ]
    }

    // MARK: Jobs

    func jobs(isIndexed: Bool) -> [JSONValue] {
        var documents = access
        for (number, batch) in batches(for: isIndexed ? .job : .jobs).enumerated() {
            documents.append(configuration(batch))
            if isIndexed {
                documents.append(indexedJob(batch, isSuspended: number > 0))
                continue
            }
            documents += batch.clusters.map { cluster in
                // A cluster's name can be too long for a Job's name.
                let index = fleet.clusters.firstIndex(of: cluster) ?? 0
                var metadata = metadata("\(name(batch))-\(index)", batch)
                metadata["annotations"] = ["aftershock/cluster": .string(cluster.name)]
                return [
                    "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
                    "spec": [
                        "backoffLimit": .integer(Int64(fleet.restarts)),
                        "template": pod(batch, ["--cluster", .string(cluster.name)]),
                    ],
                ]
            }
        }
        return documents
    }

    /// Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#backoff-limit-per-index
    private func indexedJob(_ batch: Batch, isSuspended: Bool) -> JSONValue {
        func rule(_ action: String, _ codes: [Int64]) -> JSONValue {
            [
                "action": .string(action),
                "onExitCodes": ["containerName": "aftershock", "operator": "In", "values": .array(codes.map(JSONValue.integer))],
            ]
        }
        return [
            "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(name(batch), batch),
            "spec": [
                "completionMode": "Indexed", "completions": .integer(Int64(batch.clusters.count)),
                "parallelism": .integer(Int64(min(batch.wave.parallel, batch.clusters.count))),
                "backoffLimitPerIndex": .integer(Int64(fleet.restarts)),
                // The Job ends if there are more failures.
                "maxFailedIndexes": .integer(Int64(min(batch.wave.stopAfter, batch.clusters.count) - 1)),
                "podFailurePolicy": [
                    "rules": [
                        rule("FailJob", ShardExit.stopping),
                        rule("FailIndex", ShardExit.final),
                        // A drained or lost node of the hub does not count as a failure of the shard.
                        ["action": "Ignore", "onPodConditions": [["type": "DisruptionTarget", "status": "True"]]],
                        rule("Count", ShardExit.repeated),
                    ]
                ],
                // A wave is released after the previous one has passed.
                "suspend": .bool(isSuspended), "template": pod(batch, ["--index", "$(JOB_COMPLETION_INDEX)"]),
            ],
        ]
    }

    // MARK: Argo

    /// Source: https://argo-workflows.readthedocs.io/en/latest/fields/
    var argo: [JSONValue] {
        let batches = batches(for: .argo)
        let shards: [JSONValue] = batches.map { batch in
            [
                "name": .string("shard-\(batch.name)"), "inputs": ["parameters": [["name": "cluster"]]],
                "container": container(["--cluster", "{{inputs.parameters.cluster}}"]), "volumes": volumes(batch),
                "retryStrategy": [
                    "limit": .string(String(fleet.restarts)), "retryPolicy": "Always",
                    "expression": .string(
                        "lastRetry.status == 'Error' || asInt(lastRetry.exitCode) in [\(ShardExit.repeated.map(String.init).joined(separator: ", "))]"
                    ),
                ],
            ]
        }
        let waves: [JSONValue] = batches.map { batch in
            [
                "name": .string(batch.name), "parallelism": .integer(Int64(batch.wave.parallel)),
                "steps": [
                    [
                        [
                            "name": "shard", "template": .string("shard-\(batch.name)"),
                            "arguments": ["parameters": [["name": "cluster", "value": "{{item}}"]]],
                            "withItems": .array(batch.clusters.map { .string($0.name) }),
                            // The gate after them counts the failures.
                            "continueOn": ["failed": true],
                        ]
                    ],
                    [["name": "gate", "template": .string("gate-\(batch.name)")]],
                ],
            ]
        }
        let gates: [JSONValue] = batches.map { batch in
            var container = container([])
            container["args"] = ["fleet", "gate", "/fleet/fleet.yaml", "--reports", "/reports"]
            return ["name": .string("gate-\(batch.name)"), "container": container, "volumes": volumes(batch)]
        }
        let line: JSONValue = [
            "name": "line",
            "steps": .array(batches.map { [["name": .string($0.name), "template": .string($0.name)]] }),
        ]
        return access + batches.map(configuration) + [
            [
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
                "metadata": ["generateName": .string("\(fleet.name)-"), "namespace": .string(fleet.namespace)],
                "spec": [
                    "entrypoint": "line", "serviceAccountName": .string(Self.account), "securityContext": Self.security,
                    "templates": .array([line] + waves + gates + shards),
                ],
            ]
        ]
    }
}
