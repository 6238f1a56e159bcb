import JSON
import SandboxStore

/// The sandbox's form of a container's image: it has no registry, so an image is a program of the host. One from a registry under
/// `.invalid` (RFC 2606), as "registry.invalid/image", is an image that cannot be pulled.
package enum ContainerImage {
    package static let databasePath = "/opt/mssql/bin/sqlservr"
    /// Where Microsoft's images, old and new, have `sqlcmd`.
    package static let clientPaths = ["/opt/mssql-tools/bin/sqlcmd", "/opt/mssql-tools18/bin/sqlcmd"]

    /// Microsoft's database images, which run ``SandboxSQL``'s program.
    static func isDatabase(_ image: String) -> Bool {
        ["mcr.microsoft.com/azure-sql-edge", "mcr.microsoft.com/mssql/server"].contains {
            image == $0 || image.hasPrefix($0 + ":") || image.hasPrefix($0 + "@")
        }
    }

    /// The argv of a container, or why it has none.
    static func command(_ container: JSONValue, environment: [String: String]) throws(KubeletProblem) -> [String] {
        let image = container["image"]?.string ?? ""
        let command = (container["command"]?.array ?? []).compactMap(\.string).map { expand($0, environment) }
        if let registry = image.split(separator: "/").first, registry.hasSuffix(".invalid") {
            throw KubeletProblem("ErrImagePull", "failed to pull image \"\(image)\": lookup \(registry): no such host")
        }
        let arguments = (container["args"]?.array ?? []).compactMap(\.string).map { expand($0, environment) }
        if !command.isEmpty { return command + arguments }
        if isDatabase(image) { return [databasePath] + arguments }
        let name = image.split(separator: "/").last?.split(separator: ":").first.map(String.init) ?? ""
        if name == "pause" { return ["sleep", "infinity"] }
        if !arguments.isEmpty { return arguments }
        if ["busybox", "alpine", "debian", "ubuntu"].contains(name) { return ["sh"] }
        throw KubeletProblem(
            "CreateContainerError",
            "the sandbox does not know what \(image) runs: give the container a command (it then runs with this machine's programs)")
    }

    /// `$(NAME)` for the container's own variables; `$$` is a dollar sign.
    static func expand(_ text: String, _ environment: [String: String]) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
            } else if rest.first == "(", let end = rest.firstIndex(of: ")"),
                let value = environment[String(rest[rest.index(after: rest.startIndex)..<end])]
            {
                result += value
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }
}

/// Why a container or a pod cannot be started now, as the kubelet's statuses and events say it.
struct KubeletProblem: Error, Sendable {
    let reason: String
    let message: String

    init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }
}
