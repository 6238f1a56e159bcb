import Experiment
import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// A privileged pod on a node, in the node's PID namespace, that runs a shell script to its end: for changes that cannot be made from inside
/// a container. Any image with a POSIX shell will do, as far as the script needs no more.
struct HelperPod: Codable, Sendable, Hashable {
    var namespace: String
    var name: String
    var node: String
    var image: String
    var runID: String

    /// The keys that every fault with a helper pod has in an experiment file.
    static func fields(image: String, needs: String) -> [Format.Field] {
        [
            .optional("helperImage", .text, .string(image), "The helper pod's image: any with \(needs)."),
            .optional("helperNamespace", .dnsName, "The helper pod's namespace. Default: the target's namespace."),
        ]
    }

    static func permissions(in namespace: String) -> [ResourceAttributes] {
        ["create", "get", "list", "watch", "delete"].map {
            ResourceAttributes(verb: $0, resource: "pods", namespace: namespace)
        } + [ResourceAttributes(verb: "get", resource: "pods", subresource: "log", namespace: namespace)]
    }

    /// The place of the helper, for the target of a fault. A name of its own for every container that is hit.
    init(_ purpose: String, for target: FaultTarget, in namespace: String?, image: String, runID: String) {
        self.namespace = namespace ?? target.namespace
        name = "aftershock-\(purpose)-\(runID)-\(target.podUID.prefix(8))-\(target.restartCount)"
        node = target.node
        self.image = image
        self.runID = runID
    }

    /// Sends the pod as a dry run.
    ///
    /// - Parameter fault: the fault's kind, for the hint.
    static func rehearse(
        _ target: FaultTarget, in namespace: String?, image: String, fault: String, _ client: KubernetesClient
    ) async throws {
        let pod = HelperPod("helper", for: target, in: namespace, image: image, runID: "rehearsal")
        do throws(KubernetesError) {
            _ = try await client.create(Pod.self, pod.manifest(Script("true"), mark: [:]), in: pod.namespace, dryRun: true)
        } catch {
            guard [.forbidden, .invalid, .notFound].contains(error.code) else { throw error }
            throw FaultError(
                .refused, "the helper pod may not be created in namespace \(pod.namespace): \(error.message)",
                hint: "set helperNamespace of fault.\(fault) to a namespace that takes a privileged pod with hostPID")
        }
    }

    /// A shell script with its arguments, and the bounds of its life.
    struct Script: Sendable {
        var text: String
        var arguments: [String]
        /// The kubelet ends the pod after this time, whatever becomes of the harness.
        var deadline: Duration
        /// Not 0: the pod's object would vanish before its process, which could still act then.
        var gracePeriod: Int
        /// Exits 0 when the script has come to the point that is waited for; `nil`: that is its end.
        var ready: [String]?

        init(_ text: String, _ arguments: [String] = [], deadline: Duration = .seconds(60), gracePeriod: Int = 1, ready: [String]? = nil) {
            self.text = text
            self.arguments = arguments
            self.deadline = deadline
            self.gracePeriod = gracePeriod
            self.ready = ready
        }
    }

    /// The time for the image to be pulled and the script to come to its end, or to the point that is waited for.
    private static let endTimeout = Duration.seconds(60)

    /// Creates the pod and waits for its script.
    ///
    /// - Parameter mark: the annotations of the pod.
    /// - Returns: the words that the script has written.
    func run(_ script: Script, mark: JSONValue, _ client: KubernetesClient) async throws -> String {
        _ = try await client.create(Pod.self, manifest(script, mark: mark), in: namespace)
        let seen = try await firstResult(within: Self.endTimeout) { () async throws -> Pod? in
            try await client.firstState(Pod.self, name, in: namespace) { pod in
                pod.flatMap { $0.isFinished || $0.cannotStart != nil || script.ready != nil && $0.isReady ? $0 : nil }
            }
        }
        if let reason = seen?.cannotStart {
            throw FaultError(
                .notInjected, "helper pod \(namespace)/\(name) cannot start on node \(node): \(reason)",
                hint: "name an image that the node can have: --helper-image, or helperImage of the fault")
        }
        guard let seen else {
            throw FaultError(
                .notInjected, "helper pod \(namespace)/\(name) did not finish within \(Self.endTimeout.text)",
                hint: "is the image \(image) available on node \(node), and are privileged pods allowed in namespace \(namespace)?")
        }
        let words = try await words(client)
        let isWell = script.ready == nil ? seen.status?.phase == "Succeeded" : !seen.isFinished
        guard isWell else { throw FaultError(.notInjected, "helper pod \(namespace)/\(name) failed: \(words)") }
        return words
    }

    /// Its log, in one line.
    func words(_ client: KubernetesClient) async throws -> String {
        try await client.logs(pod: name, in: namespace).split(separator: "\n").joined(separator: "; ")
    }

    private func manifest(_ script: Script, mark: JSONValue) -> JSONValue {
        var container: JSONValue = [
            "name": "helper", "image": .string(image), "imagePullPolicy": "IfNotPresent",
            "command": .array((["sh", "-c", script.text, "sh"] + script.arguments).map(JSONValue.string)),
            "securityContext": ["privileged": true, "runAsUser": 0],
        ]
        if let ready = script.ready {
            container["readinessProbe"] = ["exec": ["command": .array(ready.map(JSONValue.string))], "periodSeconds": 1]
        }
        return [
            "metadata": [
                "name": .string(name), "labels": [LabelKey.managedBy: "aftershock", "aftershock/run-id": .string(runID)],
                "annotations": mark,
            ],
            "spec": [
                "nodeName": .string(node), "hostPID": true, "restartPolicy": "Never", "automountServiceAccountToken": false,
                "activeDeadlineSeconds": .integer(script.deadline.components.seconds),
                "terminationGracePeriodSeconds": .integer(Int64(script.gracePeriod)),
                "tolerations": [["operator": "Exists"]],
                "containers": [container],
            ],
        ]
    }
}

extension Pod {
    /// The reason for which its container will not start as things are; `nil` while it may.
    fileprivate var cannotStart: String? {
        let never: Set<String> = [
            "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
            "CreateContainerError",
        ]
        let waiting = (status?.containerStatuses ?? []).compactMap { $0.state?.waiting }.first { never.contains($0.reason ?? "") }
        return waiting.map { "\($0.reason ?? "")\($0.message.map { ": \($0)" } ?? "")" }
    }
}
