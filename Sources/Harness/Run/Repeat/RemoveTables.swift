import Experiment
import Fault
import JSON
import Journal
import Kubernetes
import Ledger
import NIOPosix
import TDS

/// The undo of the ledger: removes its tables from the server, and the database if the run created it.
///
/// The login is that of the experiment's target section, which names the source of the password and never holds the password.
struct RemoveTables: UndoAction {
    static let kind = UndoIntent.removeTables
    /// It differs from the annotation of faults, so that a fault's mark has room on the same Lease.
    static let annotation = "aftershock/undo-tables"

    var namespace: String
    var lease: String
    /// `spec.target` with every default filled in.
    var target: JSONValue
    var database: String
    var tableSuffix: String
    /// Is `true` if the run created the database.
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

    /// A password from a Secret goes only to a Service of the same namespace. One from this machine would go wherever a mark says.
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
        // A server may be restarting, or may not yet have let go of the sessions of a harness that was killed.
        return try await undo.retrying(after: { $0 is LedgerError }) {
            let evidence = try await remove(tables, target, password, undo)
            try await undo.unmarkLease(lease, in: namespace, of: intent)
            return evidence
        }
    }

    /// Removes the tables at the address that the Service has now.
    private func remove(_ tables: LedgerTables, _ target: Experiment.Target, _ password: String, _ undo: Undo) async throws -> String {
        let resolved = try await TargetResolver(client: undo.client, target: target).resolve()
        let server = TDSConfiguration(target: target, host: resolved.host, port: resolved.port, password: password)
        do {
            return try await tables.remove(from: server, on: MultiThreadedEventLoopGroup.singleton.next())
        } catch var error {
            error.hint = error.hint ?? "when the server is back: aftershock restore"
            throw error
        }
    }
}
