import Glibc

/// The few system views there are, each a query that SQLite runs.
struct SystemViews {
    let server: ServerState

    /// Ids of user objects; SQL Server gives out large ones too.
    static func objectID(ofRow row: Int64) -> Int64 { 1_000_000 + row }

    func view(_ schema: String, _ name: String, in database: DatabaseFile) -> TableInfo? {
        switch (schema, name) {
        case ("sys", "databases"): databases(in: database)
        case ("sys", "tables"), ("sys", "objects"): tables(name, in: database)
        case ("sys", "schemas"): schemas(in: database)
        case ("sys", "dm_db_log_stats"): logStatistics(in: database)
        case ("sys", "dm_os_sys_info"): systemInfo(in: database)
        case ("sys", "dm_server_services"): services(in: database)
        case ("information_schema", "tables"): informationTables(in: database)
        default: nil
        }
    }

    private func info(_ name: String, _ database: DatabaseFile, _ columns: [(String, DataType)], _ query: String) -> TableInfo {
        TableInfo(
            database: database.name, name: name, columns: columns.map { TableInfo.Column(name: $0.0, type: $0.1) }, sql: "(\(query))",
            isReadOnly: true)
    }

    private func databases(in database: DatabaseFile) -> TableInfo {
        let rows = server.databases.all.map { file in
            let values: [SQLValue] = [
                .text(file.name), .integer(Int64(file.id)), .text(file.created), .integer(server.status(of: file).number),
                .text(server.status(of: file).rawValue), .integer(1), .text("FULL"), .integer(160), .text(ServerProduct.collation),
                .integer(0),
                .integer(0), .text("MULTI_USER"), .integer(0), .integer(Checkpointer.seconds),
            ]
            return "(" + values.map(\.literal).joined(separator: ", ") + ")"
        }
        let columns: [(String, DataType)] = [
            ("name", .nvarchar(128)), ("database_id", .int), ("create_date", .datetime), ("state", .tinyint), ("state_desc", .nvarchar(60)),
            ("recovery_model", .tinyint), ("recovery_model_desc", .nvarchar(60)), ("compatibility_level", .tinyint),
            ("collation_name", .nvarchar(128)), ("is_read_only", .bit), ("user_access", .tinyint), ("user_access_desc", .nvarchar(60)),
            ("is_accelerated_database_recovery_on", .bit), ("target_recovery_time_in_seconds", .int),
        ]
        let names = columns.enumerated().map { "column\($0 + 1) AS \($1.0)" }.joined(separator: ", ")
        return info("databases", database, columns, "SELECT \(names) FROM (VALUES \(rows.joined(separator: ", ")))")
    }

    private func tables(_ name: String, in database: DatabaseFile) -> TableInfo {
        info(
            name, database,
            [
                ("name", .nvarchar(128)), ("object_id", .int), ("schema_id", .int), ("type", .char(2)), ("type_desc", .nvarchar(60)),
                ("create_date", .datetime), ("is_ms_shipped", .bit),
            ],
            """
            SELECT name, \(SystemViews.objectID(ofRow: 0)) + rowid AS object_id, 1 AS schema_id, 'U ' AS type, 'USER_TABLE' AS type_desc, \
            \(SQLValue.text(database.created).literal) AS create_date, 0 AS is_ms_shipped FROM \(database.name.quotedName).sqlite_master \
            WHERE type = 'table' AND substr(name, 1, \(Catalog.internalPrefix.utf8.count)) <> '\(Catalog.internalPrefix)'
            """)
    }

    private func schemas(in database: DatabaseFile) -> TableInfo {
        info(
            "schemas", database, [("name", .nvarchar(128)), ("schema_id", .int), ("principal_id", .int)],
            "SELECT 'dbo' AS name, 1 AS schema_id, 1 AS principal_id UNION ALL SELECT 'sys', 4, 4")
    }

    private func logStatistics(in database: DatabaseFile) -> TableInfo {
        let megabytes = Double(database.logSinceCheckpoint) / 1_048_576
        return info(
            "dm_db_log_stats", database,
            [("database_id", .int), ("recovery_model", .nvarchar(60)), ("log_since_last_checkpoint_mb", .float)],
            "SELECT \(database.id) AS database_id, 'FULL' AS recovery_model, \(megabytes) AS log_since_last_checkpoint_mb")
    }

    private func systemInfo(in database: DatabaseFile) -> TableInfo {
        info(
            "dm_os_sys_info", database,
            [("sqlserver_start_time", .datetime), ("cpu_count", .int), ("physical_memory_kb", .bigint), ("committed_target_kb", .bigint)],
            """
            SELECT \(SQLValue.text(server.started.text(as: .datetime)).literal) AS sqlserver_start_time, 1 AS cpu_count, \
            \(server.product.memoryKilobytes) AS physical_memory_kb, \(server.product.memoryKilobytes) AS committed_target_kb
            """)
    }

    /// The engine, and its Agent, which the image runs within the engine's own processes where MSSQL_AGENT_ENABLED is set.
    private func services(in database: DatabaseFile) -> TableInfo {
        func row(_ name: String, _ isRunning: Bool) -> String {
            let status = isRunning ? (4, "Running") : (1, "Stopped")
            let startup = isRunning ? (2, "Automatic") : (3, "Manual")
            let process = isRunning ? "\(getpid())" : "NULL"
            return "SELECT '\(name) (MSSQLSERVER)' AS servicename, \(startup.0) AS startup_type, '\(startup.1)' AS startup_type_desc, "
                + "\(status.0) AS status, '\(status.1)' AS status_desc, \(process) AS process_id"
        }
        return info(
            "dm_server_services", database,
            [
                ("servicename", .nvarchar(256)), ("startup_type", .int), ("startup_type_desc", .nvarchar(256)), ("status", .int),
                ("status_desc", .nvarchar(256)), ("process_id", .int),
            ],
            row("SQL Server", true) + " UNION ALL " + row("SQL Server Agent", server.product.hasAgent && server.phase == .ready))
    }

    private func informationTables(in database: DatabaseFile) -> TableInfo {
        info(
            "tables", database,
            [
                ("TABLE_CATALOG", .nvarchar(128)), ("TABLE_SCHEMA", .nvarchar(128)), ("TABLE_NAME", .nvarchar(128)),
                ("TABLE_TYPE", .varchar(10)),
            ],
            """
            SELECT \(SQLValue.text(database.name).literal) AS TABLE_CATALOG, 'dbo' AS TABLE_SCHEMA, name AS TABLE_NAME, 'BASE TABLE' AS TABLE_TYPE \
            FROM \(database.name.quotedName).sqlite_master \
            WHERE type = 'table' AND substr(name, 1, \(Catalog.internalPrefix.utf8.count)) <> '\(Catalog.internalPrefix)'
            """)
    }
}
