/// The rights of the session's login.
extension Session {
    var isAdministrator: Bool { Logins.isAdministrator(identity.login) }

    func mayUse(_ file: DatabaseFile) -> Bool { file.isSystem || owns(file) }

    func owns(_ file: DatabaseFile) -> Bool { isAdministrator || file.owner == identity.login.lowercased() }

    /// Refuses a database of somebody else.
    func demandAccess(to file: DatabaseFile) throws(SQLError) {
        guard !mayUse(file) else { return }
        throw SQLError(
            number: 916, level: 14,
            message:
                "The server principal \"\(identity.login)\" is not able to access the database \"\(file.name)\" under the current security context.",
            scope: .batch)
    }

    /// Refuses to make tables in a database of somebody else, the system's own among them.
    func demandDefinition(in file: DatabaseFile) throws(SQLError) {
        guard !owns(file), file.name != "tempdb" else { return }
        throw SQLError(number: 262, level: 14, message: "CREATE TABLE permission denied in database '\(file.name)'.")
    }

    /// Refuses tables that an administrator made in a system database.
    func demandUse(of table: TableInfo, in file: DatabaseFile) throws(SQLError) {
        guard !owns(file), file.name != "tempdb" else { return }
        throw SQLError(
            number: 229, level: 14,
            message: "The SELECT permission was denied on the object '\(table.name)', database '\(file.name)', schema 'dbo'.")
    }

    /// Refuses a view of the server's state.
    func demandServerState(for view: String) throws(SQLError) {
        guard view.hasPrefix("dm_"), !server.logins.has(.viewServerState, identity.login) else { return }
        throw SQLError(
            number: 300, level: 14, message: "VIEW SERVER STATE permission was denied on object 'server', database 'master'.", scope: .batch
        )
    }

    /// - Parameter number: of the error, whose words are the same.
    func demandAdministrator(_ number: Int32 = 15247) throws(SQLError) {
        guard !isAdministrator else { return }
        throw SQLError(number: number, message: "User does not have permission to perform this action.")
    }

    func createDatabase(_ name: String) throws(SQLError) {
        guard server.logins.has(.createAnyDatabase, identity.login) else {
            throw SQLError(number: 262, level: 14, message: "CREATE DATABASE permission denied in database 'master'.")
        }
        try server.databases.create(name, owner: identity.login.lowercased())
    }

    func dropDatabase(_ name: String) throws(SQLError) {
        if let file = server.databases[name], !file.isSystem, !owns(file) { throw DatabaseDirectory.cannotDrop(name) }
        try server.databases.drop(name)
    }

    /// HAS_PERMS_BY_NAME: of the server's permissions those that were granted; of anything else what an owner has.
    func hasPermission(_ permission: String, onServer: Bool) -> Bool {
        guard onServer else { return server.databases[database].map(owns) ?? false }
        guard let known = Logins.Permission(rawValue: permission.uppercased()) else { return isAdministrator }
        return server.logins.has(known, identity.login)
    }
}
