import Journal
import NIOCore
import Probe
import TDS

/// The means that ended every unanswered write.
enum Settlement: String {
    /// The server lists its sessions, and none of the writers' is left.
    case noSession = "the server has no session of the writers"
    /// It lists none to this login; the rows were read until they no longer changed.
    case cannotTell = "two reads in a row found the same"
}

extension Ledger {
    /// Between two looks at something that gives no notice of its change.
    static let settlingPause = Duration.milliseconds(500)
    /// The time in which a killed session must end: it rolls back one row.
    private static let settlingLimit = Duration.seconds(60)

    /// Waits until no session of the writers is left in the server, ending those that are.
    ///
    /// A session whose client vanished without a packet stays until the server's keep-alive finds out, tens of seconds later, and its
    /// statement may still be executed. It is found by its application's name, which is the ledger's own, and killed. Where the server
    /// does not show sessions to this login, or cannot, reading twice has to do.
    func settle(_ connection: TDSConnection, on eventLoop: any EventLoop) async throws(LedgerError) -> Settlement {
        let deadline = clock.now + Self.settlingLimit
        while true {
            guard let sessions = await writerSessions(connection) else { return .cannotTell }
            guard !sessions.isEmpty else { return .noSession }
            guard clock.now < deadline else {
                throw LedgerError(
                    action: "settle the unanswered writes",
                    reason: "sessions \(sessions) of the writers are still there \(Self.settlingLimit) after they were killed")
            }
            for session in sessions {
                // Fails when the session ended by itself, or when this login may not: the next look tells.
                _ = try? await connection.query("KILL \(session)", timeout: Self.statementTimeout)
            }
            await eventLoop.sleep(until: clock.now + Self.settlingPause, of: clock)
        }
    }

    /// The writers' sessions; `nil` when the server cannot tell, or does not tell this login.
    private func writerSessions(_ connection: TDSConnection) async -> [Int64]? {
        // Without the permission, the view shows only this session, as if there were no other.
        let statement = """
            SELECT session_id, @@SPID, HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE') FROM sys.dm_exec_sessions \
            WHERE program_name = @p1 OR session_id = @@SPID
            """
        let name = TDSParameter("p1", .string(Self.applicationName(prepared.tableSuffix)))
        guard let result = try? await connection.query(statement, parameters: [name], timeout: Self.statementTimeout),
            let rows = try? result.rows.map({ try $0.values().map(\.integer) }),
            rows.allSatisfy({ $0.count == 3 && $0[2] == 1 }), rows.contains(where: { $0[0] == $0[1] })
        else { return nil }
        return rows.compactMap { $0[0] == $0[1] ? nil : $0[0] }
    }
}
