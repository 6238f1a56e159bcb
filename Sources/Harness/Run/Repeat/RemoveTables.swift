import Experiment
import Fault
import JSON
import Journal
import Kubernetes
import Ledger
import NIOPosix
import TDS

/// The undo of the ledger: its tables, and the database that was made for them, go from the server.
///
/// The login is that of the experiment's target section, which names where the password is and never holds it.
struct RemoveTables: UndoAction {
    static let kind = UndoIntent.removeTables
    /// Another one than that of faults, so that a fault's mark has room on the same Lease.
    static let annotation = "aftershock/undo-tables"

    var namespace: String
    var lease: String
    /// `spec.target` with every default filled in.
    var target: JSONValue
    var database: String
    var tableSuffix: String
    /// The database was not there before the run.
    var ownsDatabase: Bool

    init(_ tables: LedgerTables, _ experiment: Experiment, lease: String) {
        namespace = experiment.target.namespace
        self.lease = lease
        target = experiment.effective["spec"]?["target"] ?? .null
        database = tables.database
        tableSuffix = tables.tableSuffix
        ownsDatabase = tables.ownsDatabase
    }

    var summary: String {
        "remove the ledger's tables \(tableSuffix) from database \(database)\(ownsDatabase ? ", and the database" : "")"
    }

    var object: MarkedObject { .lease(lease, in: namespace) }

    /// A password in the target's namespace goes to a Service of that namespace only. One on this machine would go wherever a mark says.
    var consent: String? {
        if let target = try? Experiment.Target(effective: target), case .secret = target.login.passwordFrom, target.namespace == namespace {
            return nil
        }
        return "a password of this machine is sent to where a mark says only with --run-commands"
    }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        let target = try Experiment.Target(effective: target)
        guard let tables = LedgerTables(database: database, tableSuffix: tableSuffix, ownsDatabase: ownsDatabase) else {
            throw FaultError(.refused, "'\(tableSuffix)' is not a suffix of a ledger's tables")
        }
        let password = try await PasswordResolver(client: undo.client, namespace: target.namespace).resolve(target.login.passwordFrom)
        let deadline = ContinuousClock.now + undo.timeout
        while true {
            do {
                let evidence = try await remove(tables, target, password, undo)
                try await undo.unmarkLease(lease, in: namespace, of: intent)
                return evidence
            } catch var error as LedgerError {
                error.hint = error.hint ?? "when the server is back: aftershock restore"
                guard ContinuousClock.now < deadline else { throw error }
                // No event tells when a server that restarts will let in, or has let go of the sessions of a harness that was killed.
                guard (try? await ContinuousClock().sleep(for: .milliseconds(500))) != nil else { throw error }
            }
        }
    }

    /// At the address that the Service has now.
    private func remove(_ tables: LedgerTables, _ target: Experiment.Target, _ password: String, _ undo: Undo) async throws -> String {
        let resolved = try await TargetResolver(client: undo.client, target: target).resolve()
        let server = TDSConfiguration(target: target, host: resolved.host, port: resolved.port, password: password)
        return try await tables.remove(from: server, on: MultiThreadedEventLoopGroup.singleton.next())
    }
}
