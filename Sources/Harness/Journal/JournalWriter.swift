import Foundation
import Synchronization
import SystemPackage

/// Appends records to a journal, one JSON object a line.
///
/// A record is with the kernel when ``append(_:at:)`` returns, so that it survives the end of the harness, and on the disk when
/// ``appendDurably(_:at:)`` returns, so that it survives the end of the machine.
///
/// A journal has one writer at a time: the kernel holds a lock for it, and lets go of it however the process ends.
public final class JournalWriter: Sendable {
    private struct State {
        let file: FileDescriptor
        var failure: JournalError?
    }

    public let path: String
    public let clock: RunClock
    private let state: Mutex<State>
    private let observer: (@Sendable (JournalRecord) -> Void)?

    /// Creates the file, which must not exist yet.
    ///
    /// - Parameter observer: is told of every record that was written, for progress displays; in no certain order.
    public init(
        creating path: String, clock: RunClock, observer: (@Sendable (JournalRecord) -> Void)? = nil
    ) throws(JournalError) {
        let file = try Self.open(path, [.create, .exclusiveCreate], "created")
        self.path = path
        self.clock = clock
        self.observer = observer
        state = Mutex(State(file: file))
    }

    /// Opens the journal of a run that has ended, to add to it what `restore` did. `clock` goes on after the last record.
    ///
    /// - Throws: also when the run has not ended: its own writer still has the journal.
    public init(appendingTo path: String, clock: RunClock) throws(JournalError) {
        let file = try Self.open(path, [], "opened")
        self.path = path
        self.clock = clock
        observer = nil
        state = Mutex(State(file: file))
    }

    deinit {
        // All lines are with the kernel already; closing can add nothing.
        try? state.withLock { $0.file }.close()
    }

    private static func open(
        _ path: String, _ options: FileDescriptor.OpenOptions, _ verb: String
    ) throws(JournalError) -> FileDescriptor {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: options.union([.append, .closeOnExec]),
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw JournalError(path: path, line: nil, reason: "cannot be \(verb): \(error)")
        }
        guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            let error = Errno(rawValue: errno)
            try? file.close()
            let reason = error == .wouldBlock ? "is in use: its run, or a restore of it, still goes on" : "\(error)"
            throw JournalError(path: path, line: nil, reason: reason)
        }
        return file
    }

    /// Appends `event`. A journal that can no longer be written (disk full) fails every later call too.
    @discardableResult
    public func append(_ event: Event, at time: RunTime? = nil) throws(JournalError) -> RunTime {
        try write(event, at: time, durably: false)
    }

    /// Appends `event` and waits until the disk has it: for undo intents, before the mutation is sent.
    @discardableResult
    public func appendDurably(_ event: Event, at time: RunTime? = nil) throws(JournalError) -> RunTime {
        try write(event, at: time, durably: true)
    }

    private func write(_ event: Event, at time: RunTime?, durably: Bool) throws(JournalError) -> RunTime {
        let time = time ?? clock.now
        let record = JournalRecord(at: time, event: event)
        let line: [UInt8]
        do {
            line = try record.line()
        } catch {
            throw JournalError(path: path, line: nil, reason: "an event cannot be written as JSON: \(error)")
        }
        let failure = state.withLock { state -> JournalError? in
            if let failure = state.failure { return failure }
            do {
                var rest = line[...]
                while !rest.isEmpty { rest.removeFirst(try rest.withUnsafeBytes { try state.file.write($0) }) }
                if durably, fsync(state.file.rawValue) != 0 { throw Errno(rawValue: errno) }
            } catch {
                state.failure = JournalError(path: path, line: nil, reason: "cannot be written: \(error)")
            }
            return state.failure
        }
        if let failure { throw failure }
        observer?(record)
        return time
    }
}

/// A journal that cannot be written, or read.
public struct JournalError: Error, CustomStringConvertible, Hashable {
    public var path: String
    /// The line, from 1, where there is one to name.
    public var line: Int?
    public var reason: String

    public init(path: String, line: Int?, reason: String) {
        self.path = path
        self.line = line
        self.reason = reason
    }

    public var description: String {
        "journal \(path)\(line.map { ":\($0)" } ?? "") \(reason)"
    }
}
