import Foundation

/// The durations of a database's recovery, in milliseconds, and what it undid.
struct Recovery: Sendable {
    var analysis = 0
    var redo = 0
    var undo = 0
    /// Transactions.
    var undone = 0

    var seconds: Int { (analysis + redo + undo) / 1000 }

    mutating func time(_ part: WritableKeyPath<Recovery, Int>, _ work: () throws -> Void) rethrows {
        let began = ContinuousClock.now
        try work()
        self[keyPath: part] = Int((ContinuousClock.now - began) / .milliseconds(1))
    }
}

/// Takes the logs into the files every now and then, as SQL Server's indirect checkpoints do.
enum Checkpointer {
    /// The target recovery time of a database.
    static let seconds: Int64 = 60

    static func start(_ databases: DatabaseDirectory) {
        let thread = Thread {
            while true {
                Thread.sleep(forTimeInterval: TimeInterval(seconds))
                databases.checkpoint()
            }
        }
        thread.start()
    }
}
