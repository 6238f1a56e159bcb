import Foundation
import Testing

@testable import SandboxSQL

/// Logins beside sa. `Tests/EndToEnd/clients/test_permissions.py` tries with a real client what a session of theirs may do.
@Suite struct LoginsTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("logins-\(UUID().uuidString)").path
    private let password = "Str0ng!Passw0rd"

    @Test func theyOutliveTheServer() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try DatabaseDirectory(folder: folder)
        let logins = try Logins(first)
        try logins.create("Aftershock", password: password)
        try logins.set([.createAnyDatabase, .viewServerState], of: "aftershock", granted: true)
        try logins.set([.viewServerState], of: "AFTERSHOCK", granted: false)
        try first.create("ledger", owner: "aftershock")
        try first.close()

        let second = try DatabaseDirectory(folder: folder)
        let again = try Logins(second)
        #expect(again.accept("aftershock", password: password))
        #expect(!again.accept("aftershock", password: password + "!"))
        #expect(again.has(.createAnyDatabase, "aftershock"))
        #expect(!again.has(.viewServerState, "aftershock"))
        #expect(second["ledger"]?.owner == "aftershock")
        #expect(throws: SQLError.self) { try again.drop("aftershock") }
        try second.drop("ledger")
        try again.drop("aftershock")
        #expect(!again.accept("aftershock", password: password))
        try second.close()
        let third = try DatabaseDirectory(folder: folder)
        #expect(try !Logins(third).accept("aftershock", password: password))
        try third.close()
    }

    /// Only its digest is kept.
    @Test func noPasswordIsInTheFiles() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let databases = try DatabaseDirectory(folder: folder)
        try Logins(databases).create("aftershock", password: password)
        try databases.close()
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let content = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))
            #expect(content.range(of: Data(password.utf8)) == nil, "\(file)")
        }
    }

    @Test(arguments: ["sa", "SA", "aftershock"]) func aNameIsTakenOnce(_ name: String) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let databases = try DatabaseDirectory(folder: folder)
        let logins = try Logins(databases)
        try logins.create("Aftershock", password: password)
        let error = #expect(throws: SQLError.self) { try logins.create(name, password: password) }
        #expect(error?.number == 15025)
        try databases.close()
    }
}
