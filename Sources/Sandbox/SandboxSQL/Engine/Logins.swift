import Crypto
import Foundation
import Synchronization

/// The logins beside sa and the permissions on the server that they were granted, kept in master.
///
/// sa may do everything. A login of its own may do what it was granted, and everything in the databases that it created and owns. Source:
/// https://learn.microsoft.com/sql/relational-databases/security/permissions-database-engine
final class Logins: Sendable {
    enum Permission: String, Sendable {
        case createAnyDatabase = "CREATE ANY DATABASE"
        case viewServerState = "VIEW SERVER STATE"
        case alterAnyConnection = "ALTER ANY CONNECTION"
    }

    private struct Login {
        var salt: [UInt8]
        var digest: [UInt8]
        var permissions: Set<Permission> = []

        init(password: String, salt: [UInt8]) {
            self.salt = salt
            self.digest = Array(SHA256.hash(data: salt + Array(password.utf8)))
        }

        /// - Parameter stored: as ``text`` makes it.
        init?(stored: String) {
            let parts = stored.split(separator: " ").map { Data(base64Encoded: String($0)) }
            guard parts.count == 2, let salt = parts[0], let digest = parts[1] else { return nil }
            self.salt = Array(salt)
            self.digest = Array(digest)
        }

        var text: String { "\(Data(salt).base64EncodedString()) \(Data(digest).base64EncodedString())" }
    }

    private let databases: DatabaseDirectory
    /// By name in lower case.
    private let logins: Mutex<[String: Login]>

    init(_ databases: DatabaseDirectory) throws(SQLiteFailure) {
        self.databases = databases
        var found: [String: Login] = [:]
        for row in try databases.master("SELECT kind, parent, name, value FROM master.\(Catalog.metadata) ORDER BY kind DESC") {
            let name = row[1].string
            switch row[0].string {
            case "login": found[name] = Login(stored: row[3].string)
            case "grant": if let permission = Permission(rawValue: row[2].string) { found[name]?.permissions.insert(permission) }
            default: break
            }
        }
        self.logins = Mutex(found)
    }

    static func isAdministrator(_ login: String) -> Bool { login.lowercased() == "sa" }

    /// Returns whether `login` may do what the permission on the server stands for.
    func has(_ permission: Permission, _ login: String) -> Bool {
        Self.isAdministrator(login) || logins.withLock { $0[login.lowercased()]?.permissions.contains(permission) ?? false }
    }

    /// Returns whether the password is that of a login beside sa.
    func accept(_ login: String, password: String) -> Bool {
        guard let known = logins.withLock({ $0[login.lowercased()] }) else { return false }
        return Login(password: password, salt: known.salt).digest == known.digest
    }

    func create(_ name: String, password: String) throws(SQLError) {
        let lookup = name.lowercased()
        guard !Self.isAdministrator(name), logins.withLock({ $0[lookup] == nil }) else {
            throw SQLError(number: 15025, message: "The server principal '\(name)' already exists.")
        }
        guard ServerOptions.isStrong(password) else {
            throw SQLError(
                number: 15118,
                message:
                    "Password validation failed. The password does not meet the operating system policy requirements because it is not complex enough."
            )
        }
        let login = Login(password: password, salt: (0..<16).map { _ in .random(in: .min ... .max) })
        try keep(
            "INSERT INTO master.\(Catalog.metadata) VALUES ('login', \(SQLValue.text(lookup).literal), '', \(SQLValue.text(login.text).literal))"
        )
        logins.withLock { $0[lookup] = login }
    }

    func drop(_ name: String) throws(SQLError) {
        let lookup = name.lowercased()
        guard logins.withLock({ $0[lookup] != nil }) else { throw unknown(name, "drop") }
        guard !databases.all.contains(where: { $0.owner == lookup }) else {
            throw SQLError(
                number: 15174,
                message: "Login '\(name)' owns one or more database(s). Change the owner of the database(s) before dropping the login.")
        }
        try keep("DELETE FROM master.\(Catalog.metadata) WHERE kind IN ('login', 'grant') AND parent = \(SQLValue.text(lookup).literal)")
        logins.withLock { $0[lookup] = nil }
    }

    /// GRANT, or REVOKE.
    func set(_ permissions: [Permission], of name: String, granted: Bool) throws(SQLError) {
        let lookup = name.lowercased()
        guard logins.withLock({ $0[lookup] != nil }) else { throw unknown(name, "find") }
        for permission in permissions {
            let (parent, value) = (SQLValue.text(lookup).literal, SQLValue.text(permission.rawValue).literal)
            try keep(
                granted
                    ? "INSERT OR IGNORE INTO master.\(Catalog.metadata) VALUES ('grant', \(parent), \(value), '')"
                    : "DELETE FROM master.\(Catalog.metadata) WHERE kind = 'grant' AND parent = \(parent) AND name = \(value)")
            logins.withLock { logins in
                if granted { logins[lookup]?.permissions.insert(permission) } else { logins[lookup]?.permissions.remove(permission) }
            }
        }
    }

    private func keep(_ statement: String) throws(SQLError) {
        do throws(SQLiteFailure) {
            _ = try databases.master(statement)
        } catch {
            throw SQLError(number: 823, level: 24, message: "The change could not be written to master: \(error.message).")
        }
    }

    private func unknown(_ name: String, _ verb: String) -> SQLError {
        SQLError(number: 15151, message: "Cannot \(verb) the login '\(name)', because it does not exist or you do not have permission.")
    }
}
