package import JSON

/// One container of a pod's specification.
package struct ContainerDefinition: Sendable {
    package let definition: JSONValue
    package let name: String
    /// An init container that goes on running beside the containers proper
    /// (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/).
    package let isSidecar: Bool

    package static func list(_ pod: JSONValue, _ key: String) -> [ContainerDefinition] {
        (pod[path: "spec", key]?.array ?? []).map { definition in
            ContainerDefinition(
                definition: definition, name: definition["name"]?.string ?? "",
                isSidecar: key == "initContainers" && definition["restartPolicy"]?.string == "Always")
        }
    }

    package subscript(key: String) -> JSONValue? { definition[key] }
}
