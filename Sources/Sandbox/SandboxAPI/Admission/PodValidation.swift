import JSON
import SandboxStore

/// The checks of pods and pod templates that catch a wrong manifest.
enum PodValidation {
    static func check(_ pod: JSONValue, old: JSONValue?, _ problems: inout FieldProblems) {
        checkSpec(pod["spec"] ?? .null, at: "spec", &problems)
        if let old, immutable(pod) != immutable(old) {
            problems.forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                    + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                    + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)")
        }
    }

    private static func immutable(_ pod: JSONValue) -> JSONValue {
        var spec = pod["spec"] ?? .null
        for member in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] { spec[member] = nil }
        // The scheduler's binding sets it; the binding subresource refuses a second one.
        spec["nodeName"] = nil
        for list in ["containers", "initContainers"] { spec.editEach(list) { $0["image"] = nil } }
        return spec
    }

    /// - Parameter claims: the names of a StatefulSet's claim templates, each of which becomes a volume of its pods.
    static func checkSpec(_ spec: JSONValue, at path: String, claims: [String] = [], _ problems: inout FieldProblems) {
        let own = spec["volumes"]?.array?.compactMap { $0["name"]?.string } ?? []
        for (index, volume) in own.enumerated() where own.firstIndex(of: volume) != index {
            problems.duplicate("\(path).volumes[\(index)].name", volume)
        }
        let volumes = own + claims
        if let policy = spec["restartPolicy"]?.string, !["Always", "OnFailure", "Never"].contains(policy) {
            problems.unsupported("\(path).restartPolicy", policy, ["Always", "OnFailure", "Never"])
        }
        let containers = spec["containers"]?.array ?? []
        if containers.isEmpty { problems.required("\(path).containers") }
        var names: Set<String> = []
        for (list, members) in [("containers", containers), ("initContainers", spec["initContainers"]?.array ?? [])] {
            for (index, container) in members.enumerated() {
                let place = "\(path).\(list)[\(index)]"
                let name = container["name"]?.string ?? ""
                if name.isEmpty {
                    problems.required("\(place).name")
                } else if !MetadataValidation.isLabel(name) {
                    problems.invalid(
                        "\(place).name", .string(name),
                        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'")
                } else if !names.insert(name).inserted {
                    problems.duplicate("\(place).name", name)
                }
                checkContainer(container, volumes: volumes, at: place, &problems)
            }
        }
    }

    private static func checkContainer(_ container: JSONValue, volumes: [String], at place: String, _ problems: inout FieldProblems) {
        if (container["image"]?.string ?? "").isEmpty { problems.required("\(place).image") }
        for (index, port) in (container["ports"]?.array ?? []).enumerated() {
            guard let number = port["containerPort"]?.integer else {
                problems.required("\(place).ports[\(index)].containerPort")
                continue
            }
            if !(1...65535).contains(number) {
                problems.invalid(
                    "\(place).ports[\(index)].containerPort", .integer(number), "must be between 1 and 65535, inclusive")
            }
        }
        var paths: Set<String> = []
        for (index, mount) in (container["volumeMounts"]?.array ?? []).enumerated() {
            let name = mount["name"]?.string ?? ""
            if !volumes.contains(name) { problems.notFound("\(place).volumeMounts[\(index)].name", name) }
            let path = mount["mountPath"]?.string ?? ""
            if path.isEmpty { problems.required("\(place).volumeMounts[\(index)].mountPath") }
            if !paths.insert(path).inserted {
                problems.invalid("\(place).volumeMounts[\(index)].mountPath", .string(path), "must be unique")
            }
        }
        for (index, variable) in (container["env"]?.array ?? []).enumerated() {
            if (variable["name"]?.string ?? "").isEmpty { problems.required("\(place).env[\(index)].name") }
            if let value = variable["value"], value.string == nil {
                problems.invalid("\(place).env[\(index)].value", value, "must be a string; quote it")
            }
        }
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard let check = container[probe] else { continue }
            let handlers = ["exec", "httpGet", "tcpSocket", "grpc"].filter { check[$0] != nil }
            if handlers.isEmpty { problems.required("\(place).\(probe)", "must specify a handler type") }
            for handler in ["httpGet", "tcpSocket", "grpc"] {
                if let port = check[handler]?["port"] { PortValidation.check(port, at: "\(place).\(probe).\(handler).port", &problems) }
            }
            if handlers.count > 1 { problems.forbidden("\(place).\(probe).\(handlers[1])", "may not specify more than 1 handler type") }
        }
    }
}
