import JSON

extension FleetRendering {
    private static let reports = "reports/fleet"

    private func variable(_ cluster: Fleet.Cluster) -> JSONValue {
        if case .environment(let name) = cluster.kubeconfig { .string(name) } else { .null }
    }

    /// Returns one shell line with the quoted path of the file.
    private func command(_ words: String) -> String {
        "aftershock fleet \(words.replacing("FILE", with: "'\(path.replacing("'", with: "'\\''"))'"))"
    }

    /// Stops the line where the clusters up to the last of a batch have not done as well as the fleet demands.
    private func gateScript(_ batch: Batch) -> JSONValue {
        .string(command("gate FILE --reports \(Self.reports) --through \(batch.clusters.last?.name ?? "")"))
    }

    /// The key of the store, from the secrets of the repository.
    private var storeKey: [String: JSONValue] {
        let names = fleet.upload == nil ? [] : ["AFTERSHOCK_S3_ACCESS_KEY_ID", "AFTERSHOCK_S3_SECRET_ACCESS_KEY"]
        return Dictionary(uniqueKeysWithValues: names.map { ($0, .string("${{ secrets.\($0) }}")) })
    }

    // MARK: GitHub

    /// Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
    var github: JSONValue {
        var jobs: [String: JSONValue] = [:]
        var earlier: String?
        let batches = batches(for: .github)
        for batch in batches {
            var job: JSONValue = [
                "runs-on": ["self-hosted", "linux"], "timeout-minutes": 120,
                "strategy": [
                    // Runners share no volume: only the first failure can stop the others in the middle of a wave.
                    "fail-fast": .bool(batch.wave.stopAfter == 1), "max-parallel": .integer(Int64(batch.wave.parallel)),
                    "matrix": [
                        "include": .array(batch.clusters.map { ["cluster": .string($0.name), "kubeconfig": variable($0)] })
                    ],
                ],
                "steps": [
                    ["uses": "actions/checkout@v4"],
                    [
                        "name": "Run",
                        "env": .object(
                            storeKey.merging([
                                "CLUSTER": "${{ matrix.cluster }}", "KUBECONFIG_NAME": "${{ matrix.kubeconfig }}",
                                "KUBECONFIG_TEXT": "${{ secrets[matrix.kubeconfig] }}",
                            ]) { $1 }),
                        "run": .string(
                            "export \"$KUBECONFIG_NAME=$KUBECONFIG_TEXT\"\nunset KUBECONFIG_TEXT\n"
                                + command("shard FILE --cluster \"$CLUSTER\" --reports \(Self.reports)") + "\n"),
                    ],
                    [
                        "name": "Reports", "if": "always()", "uses": "actions/upload-artifact@v4",
                        "with": ["name": .string("fleet-${{ matrix.cluster }}"), "path": .string(Self.reports)],
                    ],
                ],
            ]
            if let earlier {
                job["needs"] = [.string(earlier)]
                // A failed shard fails its job, but only the gate decides whether the line goes on.
                job["if"] = .string("${{ !cancelled() && needs['\(earlier)'].result == 'success' }}")
            }
            jobs[batch.name] = job
            let gate = "\(batch.name)-gate"
            jobs[gate] = afterwards(
                [batch.name], "!cancelled()",
                [
                    ["name": "Gate", "run": gateScript(batch)]
                ])
            earlier = gate
        }
        jobs["merge"] = afterwards(
            batches.map { "\($0.name)-gate" }, "always()",
            [
                ["name": "Merge", "run": .string("aftershock report merge \(Self.reports) --to reports/merged")],
                [
                    "name": "Merged report", "if": "always()", "uses": "actions/upload-artifact@v4",
                    "with": ["name": "merged", "path": "reports/merged"],
                ],
            ])
        return [
            "name": .string("fleet \(fleet.name)"), "on": ["workflow_dispatch": [:]], "permissions": ["contents": "read"],
            // Two runs on one target would refuse each other; with this, the second one waits.
            "concurrency": ["group": .string("aftershock-\(fleet.name)"), "cancel-in-progress": false], "jobs": .object(jobs),
        ]
    }

    private func afterwards(_ needs: [String], _ condition: String, _ steps: [JSONValue]) -> JSONValue {
        [
            "runs-on": ["self-hosted", "linux"], "needs": .array(needs.map(JSONValue.string)), "if": .string("${{ \(condition) }}"),
            "steps": .array(
                [
                    ["uses": "actions/checkout@v4"],
                    [
                        "uses": "actions/download-artifact@v4",
                        "with": ["pattern": "fleet-*", "path": .string(Self.reports), "merge-multiple": true],
                    ],
                ] + steps),
        ]
    }

    // MARK: GitLab

    /// Source: https://docs.gitlab.com/ci/yaml/
    var gitlab: JSONValue {
        let batches = batches(for: .gitlab)
        var file: [String: JSONValue] = [
            "stages": .array(batches.flatMap { [.string($0.name), .string("\($0.name)-gate")] } + ["merge"]),
            "default": ["image": ["name": .string(fleet.image), "entrypoint": [""]]],
        ]
        for batch in batches {
            file["\(batch.name):shard"] = [
                "stage": .string(batch.name), "timeout": "2h",
                "parallel": [
                    "matrix": .array(batch.clusters.map { ["CLUSTER": .string($0.name), "KUBECONFIG_NAME": variable($0)] })
                ],
                // Only the gate decides whether the line goes on.
                "allow_failure": true, "interruptible": false, "resource_group": .string("aftershock-\(fleet.name)-$CLUSTER"),
                "script": [.string(command("shard FILE --cluster \"$CLUSTER\" --reports \(Self.reports)"))],
                // Without the folders of earlier waves, which it would send on as its own.
                "dependencies": [],
                "artifacts": [
                    "when": "always", "paths": [.string(Self.reports)],
                    "reports": ["junit": .string("\(Self.reports)/*/*/junit.xml")],
                ],
            ]
            file["\(batch.name):gate"] = [
                "stage": .string("\(batch.name)-gate"), "script": [gateScript(batch)],
            ]
        }
        file["merge"] = [
            "stage": "merge", "when": "always",
            "script": [.string("aftershock report merge \(Self.reports) --to reports/merged")],
            "artifacts": ["when": "always", "paths": ["reports/merged"]],
        ]
        return .object(file)
    }
}
