import Foundation

/// The merged content of one or several kubeconfig files.
///
/// Merging is kubectl's (`clientcmd/loader.go`): for each cluster, user and context, and for `current-context`, the first file that
/// sets it wins as a whole. Every entry remembers its file, against whose folder its relative paths are resolved.
struct Kubeconfig {
    struct Entry<Value> {
        var value: Value
        var file: String

        /// A path of this entry as an absolute one.
        func resolve(_ path: String) -> String {
            guard !path.hasPrefix("/") else { return path }
            let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
            return folder.appendingPathComponent(path).standardizedFileURL.path
        }
    }

    var currentContext: Entry<String>?
    var clusters: [String: Entry<KubeconfigFile.Cluster>] = [:]
    var users: [String: Entry<KubeconfigFile.User>] = [:]
    var contexts: [String: Entry<KubeconfigFile.Context>] = [:]
    /// The files it comes from, for messages.
    var files: [String] = []

    var isEmpty: Bool { currentContext == nil && clusters.isEmpty && users.isEmpty && contexts.isEmpty }

    /// Adds a file, which loses against what is there already.
    mutating func merge(_ file: KubeconfigFile, from path: String) throws(KubernetesError) {
        files.append(path)
        if currentContext == nil, let name = file.currentContext, !name.isEmpty { currentContext = Entry(value: name, file: path) }
        try Self.add(file.clusters ?? [], KubeconfigFile.Cluster(), of: "cluster", from: path, to: &clusters)
        try Self.add(file.users ?? [], KubeconfigFile.User(), of: "user", from: path, to: &users)
        try Self.add(file.contexts ?? [], KubeconfigFile.Context(), of: "context", from: path, to: &contexts)
    }

    private static func add<Value>(
        _ entries: [KubeconfigFile.Named<Value>?], _ empty: Value, of kind: String, from path: String, to map: inout [String: Entry<Value>]
    ) throws(KubernetesError) {
        var seen: Set<String> = []
        for entry in entries {
            let name = entry?.name ?? ""
            guard seen.insert(name).inserted else {
                throw KubernetesError(.configurationInvalid, "\(path): two entries for the \(kind) '\(name)'", hint: "Remove one of them.")
            }
            if map[name] == nil { map[name] = Entry(value: entry?.value ?? empty, file: path) }
        }
    }
}
