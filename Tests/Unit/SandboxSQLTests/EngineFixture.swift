import DatabaseFlaws
import Foundation

@testable import SandboxSQL

/// A server's databases in a folder of their own, without its network.
final class EngineFixture {
    let folder: String
    let server: ServerState

    init(flaws: Flaws = Flaws(), hasAgent: Bool = false) throws {
        folder = NSTemporaryDirectory() + "sandbox-sql-tests-\(UUID().uuidString)"
        let product = ServerProduct(serverName: "test", edition: "Developer", hasAgent: hasAgent)
        server = try ServerState(databases: try DatabaseDirectory(folder: folder, flaws: flaws), product: product, flaws: flaws)
    }

    deinit {
        try? server.databases.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func session(_ database: String = "master") throws -> Session {
        let identity = Session.Identity(id: server.nextSessionID(), login: "sa", host: "host", application: "tests")
        return try Session(server: server, identity: identity, database: database)
    }
}

extension Session {
    /// Runs a batch and returns everything it answered.
    @discardableResult
    func run(_ batch: String) -> CollectingSink {
        let sink = CollectingSink()
        // The reported errors show how the batch ended.
        try? execute(batch: batch, sink)
        return sink
    }

    /// The rows of the only result set, as text for easy comparison.
    func rows(_ batch: String) -> [[String]] {
        let sink = run(batch)
        guard sink.errors.isEmpty else { return [["error \(sink.errors[0].number): \(sink.errors[0].message)"]] }
        return sink.sets.last?.rows.map { $0.map(\.shown) } ?? []
    }

    func errors(_ batch: String) -> [Int32] { run(batch).errors.map(\.number) }
}

extension SQLValue {
    fileprivate var shown: String {
        switch self {
        case .null: "NULL"
        case .integer(let value): String(value)
        case .real(let value): String(value)
        case .text(let text): text
        case .blob(let bytes): "0x" + hexadecimal(bytes)
        }
    }
}
