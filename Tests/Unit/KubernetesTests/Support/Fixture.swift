import Foundation

@testable import Kubernetes

/// Answers recorded from a Kubernetes 1.20.2 API server (without their managedFields).
enum Fixture {
    static func data(_ name: String) throws -> Data {
        guard let url = Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures") else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try Data(contentsOf: url)
    }

    static func decode<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: data(name))
    }

    static func items<Resource: KubernetesResource>(_ name: String, as type: Resource.Type = Resource.self) throws -> [Resource] {
        try decode(name, as: ResourcePage<Resource>.self).items ?? []
    }

    /// The body of an answer recorded with its head.
    static func body(_ name: String) throws -> [UInt8] {
        let text = String(decoding: try data(name), as: UTF8.self)
        guard let brace = text.firstIndex(of: "{") else { throw CocoaError(.fileReadCorruptFile) }
        return Array(text[brace...].utf8)
    }
}

/// A folder that is gone after the test.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("kubernetes-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // Nothing sensible can be done about a leftover in a folder for temporary files.
        try? FileManager.default.removeItem(atPath: path)
    }

    @discardableResult
    func write(_ text: String, to name: String, isExecutable: Bool = false) throws -> String {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: file).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        if isExecutable { try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file) }
        return file
    }
}
