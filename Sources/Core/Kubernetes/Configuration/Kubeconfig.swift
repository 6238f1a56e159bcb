import Foundation
import Yams

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
        try Self.add((file.clusters ?? []).map { ($0.name, $0.cluster) }, of: "cluster", from: path, to: &clusters)
        try Self.add((file.users ?? []).map { ($0.name, $0.user) }, of: "user", from: path, to: &users)
        try Self.add((file.contexts ?? []).map { ($0.name, $0.context) }, of: "context", from: path, to: &contexts)
    }

    private static func add<Value>(
        _ entries: [(name: String, value: Value?)], of kind: String, from path: String, to map: inout [String: Entry<Value>]
    ) throws(KubernetesError) {
        var seen: Set<String> = []
        for (name, value) in entries {
            guard seen.insert(name).inserted else {
                throw KubernetesError(.configurationInvalid, "\(path): two entries for the \(kind) '\(name)'", hint: "Remove one of them.")
            }
            if map[name] == nil, let value { map[name] = Entry(value: value, file: path) }
        }
    }

    static func parse(_ text: String, path: String) throws(KubernetesError) -> KubeconfigFile {
        guard !text.allSatisfy(\.isWhitespace) else { return KubeconfigFile() }
        do {
            return try YAMLDecoder().decode(KubeconfigFile.self, from: text)
        } catch DecodingError.dataCorrupted(let context) where context.underlyingError is YamlError {
            let place = (context.underlyingError as? YamlError)?.place ?? ""
            throw KubernetesError(.configurationInvalid, "\(path) is no valid YAML: \(place)", hint: "Correct the file there.")
        } catch let error as DecodingError {
            throw KubernetesError(
                .configurationInvalid, "\(path): \(error.place)", hint: "Compare the file with 'kubectl config view'.")
        } catch {
            throw KubernetesError(.configurationInvalid, "\(path) is no valid kubeconfig")
        }
    }
}

extension YamlError {
    /// The problem and its place, without the file's text: that may hold a token.
    fileprivate var place: String {
        switch self {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            "line \(mark.line), column \(mark.column): \(problem)"
        case .reader(let problem, _, _, _): problem
        case .duplicatedKeysInMapping(let duplicates, _): "a key is set twice: \(duplicates.map { "\($0)" }.joined(separator: ", "))"
        default: "it cannot be read"
        }
    }
}

extension DecodingError {
    /// The path of the value that does not fit and what was expected, without the value itself.
    var place: String {
        switch self {
        case .keyNotFound(let key, let context): "\(context.path): the member '\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(context.path): not the type of value that belongs here"
        case .dataCorrupted(let context): "\(context.path): not readable"
        @unknown default: "not readable"
        }
    }
}

extension DecodingError.Context {
    fileprivate var path: String {
        codingPath.isEmpty ? "top level" : codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    }
}
