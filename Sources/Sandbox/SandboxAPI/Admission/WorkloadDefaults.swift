import JSON
import SandboxStore

/// The defaults of Deployments, ReplicaSets, StatefulSets and DaemonSets (Kubernetes: pkg/apis/apps/v1/defaults.go).
enum WorkloadDefaults {
    static func complete(_ object: inout JSONValue, _ type: ResourceType) {
        object.edit("spec") { spec in
            if type != .daemonSets { spec.fill("replicas", with: 1) }
            if type != .replicaSets { spec.fill("revisionHistoryLimit", with: 10) }
            switch type {
            case .deployments:
                spec.fill("progressDeadlineSeconds", with: 600)
                spec.fill("strategy", "type", with: "RollingUpdate")
                if spec[path: "strategy", "type"]?.string == "RollingUpdate" {
                    spec.fill("strategy", "rollingUpdate", "maxUnavailable", with: "25%")
                    spec.fill("strategy", "rollingUpdate", "maxSurge", with: "25%")
                }
            case .statefulSets:
                spec.fill("podManagementPolicy", with: "OrderedReady")
                spec.fill("updateStrategy", "type", with: "RollingUpdate")
                if spec[path: "updateStrategy", "type"]?.string == "RollingUpdate" {
                    spec.fill("updateStrategy", "rollingUpdate", "partition", with: 0)
                }
                spec.fill("persistentVolumeClaimRetentionPolicy", "whenDeleted", with: "Retain")
                spec.fill("persistentVolumeClaimRetentionPolicy", "whenScaled", with: "Retain")
                spec.editEach("volumeClaimTemplates") { claim in
                    claim.fill("apiVersion", with: "v1")
                    claim.fill("kind", with: "PersistentVolumeClaim")
                    claim.fill("status", "phase", with: "Pending")
                    StorageDefaults.completeClaim(&claim)
                }
            case .daemonSets:
                spec.fill("updateStrategy", "type", with: "RollingUpdate")
                if spec[path: "updateStrategy", "type"]?.string == "RollingUpdate" {
                    spec.fill("updateStrategy", "rollingUpdate", "maxUnavailable", with: 1)
                    spec.fill("updateStrategy", "rollingUpdate", "maxSurge", with: 0)
                }
            default: break
            }
            spec.edit("template") { template in
                template.fill("metadata", with: [:])
                PodDefaults.completeSpec(&template)
            }
        }
    }
}

enum WorkloadValidation {
    static func check(_ object: JSONValue, old: JSONValue?, _ type: ResourceType, _ problems: inout FieldProblems) {
        guard let spec = object["spec"]?.object.map(JSONValue.object) else {
            problems.required("spec")
            return
        }
        if let replicas = spec["replicas"], (replicas.integer ?? -1) < 0 {
            problems.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        }
        checkSelector(spec, &problems)
        let claims = spec["volumeClaimTemplates"]?.array?.map(\.name) ?? []
        PodValidation.checkSpec(spec[path: "template", "spec"] ?? .null, at: "spec.template.spec", claims: claims, &problems)
        if let policy = spec[path: "template", "spec", "restartPolicy"]?.string, policy != "Always" {
            problems.unsupported("spec.template.spec.restartPolicy", policy, ["Always"])
        }
        if type == .deployments { checkStrategy(spec, &problems) }
        guard let before = old?["spec"] else { return }
        if before["selector"] != spec["selector"] {
            problems.invalid("spec.selector", spec["selector"], "field is immutable")
        }
        if type == .statefulSets {
            let changeable: Set = [
                "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ]
            if spec.object?.filter({ !changeable.contains($0.key) }) != before.object?.filter({ !changeable.contains($0.key) }) {
                problems.forbidden(
                    "spec",
                    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                        + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
            }
        }
    }

    private static func checkSelector(_ spec: JSONValue, _ problems: inout FieldProblems) {
        guard let selector = spec["selector"], selector.object?.isEmpty == false else {
            problems.required("spec.selector")
            return
        }
        let labels = spec[path: "template", "metadata", "labels"]?.strings ?? [:]
        do {
            if !(try LabelSelector(object: selector)).matches(labels) {
                problems.invalid(
                    "spec.template.metadata.labels", JSONValue(strings: labels), "`selector` does not match template `labels`")
            }
        } catch {
            problems.invalid("spec.selector", selector, error.message)
        }
    }

    private static func checkStrategy(_ spec: JSONValue, _ problems: inout FieldProblems) {
        let type = spec[path: "strategy", "type"]?.string ?? ""
        switch type {
        case "RollingUpdate": break
        case "Recreate":
            if spec[path: "strategy", "rollingUpdate"].map({ !$0.isNull }) == true {
                problems.forbidden(
                    "spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
            }
        default: problems.unsupported("spec.strategy.type", type, ["Recreate", "RollingUpdate"])
        }
    }

    static func checkBudget(_ budget: JSONValue, _ problems: inout FieldProblems) {
        if budget[path: "spec", "minAvailable"] != nil, budget[path: "spec", "maxUnavailable"] != nil {
            problems.invalid("spec", budget["spec"], "minAvailable and maxUnavailable cannot be both set")
        }
    }
}
