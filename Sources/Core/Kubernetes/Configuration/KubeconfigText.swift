import Foundation
import JSON
import Yams

/// Reads the text of a kubeconfig as kubectl does: YAML 1.1, of which JSON is a part, with exact types.
///
/// Neither errors nor anything else repeat the file's text: it can hold a token.
enum KubeconfigText {
    /// Aliases of aliases can make a small file large; a kubeconfig of thousands of contexts has some ten thousand values.
    private static let valueLimit = 1_000_000

    static func parse(_ bytes: [UInt8], path: String) throws(KubernetesError) -> KubeconfigFile {
        let value = try value(text(bytes, path), path)
        if value == .null { return KubeconfigFile() }
        guard case .object = value else {
            throw KubernetesError(
                .configurationInvalid, "\(path): this is not a kubeconfig", hint: "Compare the file with 'kubectl config view'.")
        }
        for (name, expected) in [("kind", "Config"), ("apiVersion", "v1")] {
            if let found = value[name]?.string, !found.isEmpty, found != expected {
                throw KubernetesError(
                    .configurationInvalid, "\(path): its \(name) is not '\(expected)'", hint: "Is this the right file?")
            }
        }
        do {
            return try JSONDecoder().decode(KubeconfigFile.self, from: value.data())
        } catch {
            let place = (error as? DecodingError)?.place ?? "not readable"
            throw KubernetesError(.configurationInvalid, "\(path): \(place)", hint: "Compare the file with 'kubectl config view'.")
        }
    }

    /// The encodings of YAML, by their byte order marks: PowerShell writes UTF-16.
    private static func text(_ bytes: [UInt8], _ path: String) throws(KubernetesError) -> String {
        let text: String?
        if bytes.starts(with: [0xFF, 0xFE]) {
            text = String(data: Data(bytes.dropFirst(2)), encoding: .utf16LittleEndian)
        } else if bytes.starts(with: [0xFE, 0xFF]) {
            text = String(data: Data(bytes.dropFirst(2)), encoding: .utf16BigEndian)
        } else {
            text = String(validating: bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...], as: UTF8.self)
        }
        guard let text else {
            throw KubernetesError(.configurationInvalid, "\(path): it is not UTF-8 text", hint: "Save the file as UTF-8.")
        }
        return text
    }

    // MARK: YAML

    private static func value(_ text: String, _ path: String) throws(KubernetesError) -> JSONValue {
        do {
            // Of several documents the first one counts.
            guard let node = try Parser(yaml: text, resolver: resolver).nextRoot() else { return .null }
            var left = valueLimit
            return try value(of: node, &left)
        } catch let error as YamlError {
            throw KubernetesError(.configurationInvalid, "\(path) is not valid YAML: \(error.place)", hint: "Correct the file there.")
        } catch {
            throw KubernetesError(.configurationInvalid, "\(path): it has too many values", hint: "Is this the right file?")
        }
    }

    /// YAML 1.1's types, as kubectl's reader has them: `y` and `n` are truth values, and neither times nor dates are anything but text.
    private static let resolver: Resolver = {
        let plain = Resolver.default.removing(.timestamp).removing(.value)
        let truth = "^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"
        return (try? plain.replacing(.bool, with: truth)) ?? plain
    }()

    private struct TooManyValues: Error {}

    private static func value(of node: Yams.Node, _ left: inout Int) throws -> JSONValue {
        left -= 1
        guard left > 0 else { throw TooManyValues() }
        switch node {
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, member) in mapping where key.tag.rawValue == Tag.Name.merge.rawValue {
                for case .object(let merged) in try sources(of: member).map({ try value(of: $0, &left) }) {
                    members.merge(merged) { first, _ in first }
                }
            }
            for (key, member) in mapping where key.tag.rawValue != Tag.Name.merge.rawValue {
                members[key.scalar?.string ?? ""] = try value(of: member, &left)
            }
            return .object(members)
        case .sequence(let sequence): return .array(try sequence.map { try value(of: $0, &left) })
        case .scalar(let scalar): return value(of: scalar, tag: node.tag.rawValue)
        case .alias: return .null
        }
    }

    /// The mappings that `<<` takes in.
    private static func sources(of node: Yams.Node) -> [Yams.Node] { node.sequence.map(Array.init) ?? [node] }

    private static func value(of scalar: Yams.Node.Scalar, tag: String) -> JSONValue {
        switch tag {
        case Tag.Name.null.rawValue: .null
        case Tag.Name.bool.rawValue: .bool("yYtT".contains(scalar.string.prefix(1)) || scalar.string.lowercased() == "on")
        // No number belongs into any field that is read: that it is one is enough.
        case Tag.Name.int.rawValue, Tag.Name.float.rawValue: scalar.string.contains(":") ? .string(scalar.string) : .integer(0)
        case Tag.Name.binary.rawValue:
            .string(Data(base64Encoded: scalar.string, options: .ignoreUnknownCharacters).map { String(decoding: $0, as: UTF8.self) } ?? "")
        default: .string(scalar.string)
        }
    }
}

extension YamlError {
    /// The problem and its place, without the file's text.
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
