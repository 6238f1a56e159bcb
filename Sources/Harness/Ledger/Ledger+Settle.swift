import Journal
import NIOCore
import Probe
import TDS

/// The proof that no unanswered write is still being executed.
enum Settlement: String {
    /// The server lists its sessions, and no session of the writers is left.
    case noSession = "the server has no session of the writers"
    /// The login cannot see the sessions; the rows were read until they no longer changed.
    case cannotTell = "two reads in a row found the same"
}

extension Ledger {
    /// The polling interval for changes without an event.
    static let settlingPause = Duration.milliseconds(500)
    /// The timeout for a killed session to end: it rolls back one row.
    private static let settlingLimit = Duration.seconds(60)

    /// Kills the writers' sessions in the server, and waits until none is left.
    ///
    /// A session whose client vanished stays until the server's keep-alive ends it tens of seconds later, and its statement may still be
    /// executed. The sessions are found by the ledger's application name. If the login or the server cannot list sessions, two equal reads
    /// must suffice.
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
                // Fails if the session has ended, or if the login lacks the permission: the next poll shows which.
                _ = try? await connection.query("KILL \(session)", timeout: Self.statementTimeout)
            }
            await eventLoop.sleep(until: clock.now + Self.settlingPause, of: clock)
        }
    }

    /// Returns the writers' sessions; `nil` if the server or the login cannot list them.
    private func writerSessions(_ connection: TDSConnection) async -> [Int64]? {
        // Without the permission, the view shows only this session.
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
