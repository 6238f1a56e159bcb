import JSON
import KubernetesAPI
import SandboxStore

/// The defaults of pods and pod templates (Kubernetes: pkg/apis/core/v1/defaults.go).
enum PodDefaults {
    /// Completes the `spec` of a pod or of a pod template.
    static func completeSpec(_ pod: inout JSONValue) {
        pod.edit("spec") { spec in
            spec.fill("restartPolicy", with: "Always")
            spec.fill("terminationGracePeriodSeconds", with: 30)
            if let grace = spec["terminationGracePeriodSeconds"]?.integer, grace < 0 { spec["terminationGracePeriodSeconds"] = 1 }
            spec.fill("dnsPolicy", with: "ClusterFirst")
            spec.fill("securityContext", with: [:])
            spec.fill("schedulerName", with: "default-scheduler")
            if let account = spec["serviceAccountName"] ?? spec["serviceAccount"] {
                spec.fill("serviceAccountName", with: account)
                spec.fill("serviceAccount", with: account)
            }
            spec.editEach("initContainers", body: completeContainer)
            spec.editEach("containers", body: completeContainer)
            spec.editEach("volumes", body: completeVolume)
        }
    }

    /// The parts that admission adds to pods alone, not to templates.
    static func completePod(_ pod: inout JSONValue, tolerationSeconds: Int64) {
        pod.edit("spec") { spec in
            spec.fill("serviceAccountName", with: "default")
            spec.fill("serviceAccount", with: spec["serviceAccountName"] ?? "default")
            spec.fill("enableServiceLinks", with: true)
            spec.fill("preemptionPolicy", with: "PreemptLowerPriority")
            spec.fill("priority", with: 0)
            var tolerations = spec["tolerations"]?.array ?? []
            for taint in [TaintKey.notReady, TaintKey.unreachable] where !tolerates(tolerations, taint) {
                tolerations.append([
                    "key": .string(taint), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": .integer(tolerationSeconds),
                ])
            }
            spec["tolerations"] = .array(tolerations)
        }
    }

    private static func tolerates(_ tolerations: [JSONValue], _ taint: String) -> Bool {
        tolerations.contains { toleration in
            let key = toleration["key"]?.string ?? ""
            let effect = toleration["effect"]?.string ?? ""
            return (key == taint || key.isEmpty) && (effect == "NoExecute" || effect.isEmpty)
        }
    }

    private static func completeContainer(_ container: inout JSONValue) {
        container.fill("terminationMessagePath", with: "/dev/termination-log")
        container.fill("terminationMessagePolicy", with: "File")
        container.fill("imagePullPolicy", with: isLatest(container["image"]?.string ?? "") ? "Always" : "IfNotPresent")
        container.fill("resources", with: [:])
        for (name, limit) in container[path: "resources", "limits"]?.object ?? [:] {
            container.fill("resources", "requests", name, with: limit)
        }
        container.editEach("ports") { $0.fill("protocol", with: "TCP") }
        container.editEach("env") { variable in
            if variable["value"] == nil, variable["valueFrom"] == nil { return }
            if variable[path: "valueFrom", "fieldRef"] != nil { variable.fill("valueFrom", "fieldRef", "apiVersion", with: "v1") }
        }
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            container.edit(probe) { probe in
                probe.fill("timeoutSeconds", with: 1)
                probe.fill("periodSeconds", with: 10)
                probe.fill("successThreshold", with: 1)
                probe.fill("failureThreshold", with: 3)
                probe.edit("httpGet") { request in
                    request.fill("path", with: "/")
                    request.fill("scheme", with: "HTTP")
                }
            }
        }
    }

    private static func completeVolume(_ volume: inout JSONValue) {
        for source in ["secret", "configMap", "downwardAPI", "projected"] where volume[source] != nil {
            volume.fill(source, "defaultMode", with: 0o644)
        }
        volume.edit("hostPath") { $0.fill("type", with: "") }
        if volume.object?.count == 1, volume["name"] != nil { volume["emptyDir"] = [:] }
    }

    private static func isLatest(_ image: String) -> Bool {
        if image.contains("@") { return false }
        let last = image.split(separator: "/").last ?? ""
        guard let colon = last.firstIndex(of: ":") else { return true }
        return last[last.index(after: colon)...] == "latest"
    }
}
