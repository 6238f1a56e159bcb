import Foundation
import Synchronization
import SystemPackage

/// Appends records to a journal, one JSON object a line.
///
/// After ``append(_:at:)`` the kernel has the record, which then survives the end of the harness. After ``appendDurably(_:at:)`` it is on
/// the disk, and survives the end of the machine.
///
/// Secrets that this process knows are masked in foreign text of an event.
///
/// A journal has one writer at a time. The kernel holds its lock, and releases it however the process ends.
public final class JournalWriter: Sendable {
    private struct State {
        let file: FileDescriptor
        /// `nil` if somebody has removed the checksums from the journal.
        var chain: JournalChain?
        var failure: JournalError?
        var unwritten: [JournalRecord] = []
    }

    public let path: String
    public let clock: RunClock
    private let state: Mutex<State>
    private let observer: (@Sendable (JournalRecord) -> Void)?

    /// Creates the file, which must not exist yet.
    ///
    /// - Parameter observer: receives every written record, in no certain order, for progress output.
    public init(
        creating path: String, clock: RunClock, observer: (@Sendable (JournalRecord) -> Void)? = nil
    ) throws(JournalError) {
        let file = try Self.open(path, [.create, .exclusiveCreate], "created")
        let chain = JournalChain()
        self.path = path
        self.clock = clock
        self.observer = observer
        state = Mutex(State(file: file, chain: chain))
    }

    /// Opens the journal of an ended run to append the results of `restore`. `clock` continues after the last record.
    ///
    /// - Throws: an error also if the run has not ended, because its writer still holds the journal.
    public init(appendingTo path: String, clock: RunClock) throws(JournalError) {
        let file = try Self.open(path, [], "opened")
        let chain = try Self.resume(path, file)
        self.path = path
        self.clock = clock
        observer = nil
        state = Mutex(State(file: file, chain: chain))
    }

    deinit {
        // The kernel has all lines already, so that closing can lose nothing.
        try? state.withLock { $0.file }.close()
    }

    /// Cuts off an incomplete last line, as after a full disk or the end of the machine: a record cannot be appended to it.
    ///
    /// - Returns: the checksum to continue with.
    private static func resume(_ path: String, _ file: FileDescriptor) throws(JournalError) -> JournalChain? {
        do {
            let content = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
            let newline = UInt8(ascii: "\n")
            let end = content.lastIndex(of: newline).map { $0 + 1 } ?? 0
            let start = content[..<max(0, end - 1)].lastIndex(of: newline).map { $0 + 1 } ?? 0
            let last = Data(content[start..<max(start, end - 1)])
            if end < content.count { try file.resize(to: Int64(end)) }
            return last.isEmpty ? JournalChain() : JournalChain(after: last)
        } catch {
            throw JournalError(path: path, line: nil, reason: "cannot be continued: \(words(for: error))")
        }
    }

    private static func open(
        _ path: String, _ options: FileDescriptor.OpenOptions, _ verb: String
    ) throws(JournalError) -> FileDescriptor {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: options.union([.append, .closeOnExec, .nonBlocking]),
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

    /// Appends `event`. After one failure, such as a full disk, all later calls fail.
    @discardableResult
    public func append(_ event: Event, at time: RunTime? = nil) throws(JournalError) -> RunTime {
        try write(event, at: time, durably: false)
    }

    /// Appends `event` and waits until it is on the disk, as undo intents must be before their change is sent.
    @discardableResult
    public func appendDurably(_ event: Event, at time: RunTime? = nil) throws(JournalError) -> RunTime {
        try write(event, at: time, durably: true)
    }

    private func write(_ event: Event, at time: RunTime?, durably: Bool) throws(JournalError) -> RunTime {
        let time = time ?? clock.now
        let record = JournalRecord(at: time, event: event.withoutSecrets)
        var line: [UInt8]
        do {
            line = try record.line()
        } catch {
            throw JournalError(path: path, line: nil, reason: "an event cannot be written as JSON: \(error)")
        }
        let failure = state.withLock { state -> JournalError? in
            if let failure = state.failure {
                if !record.event.isRoutine { state.unwritten.append(record) }
                return failure
            }
            state.chain?.seal(&line)
            do {
                var rest = line[...]
                while !rest.isEmpty { rest.removeFirst(try rest.withUnsafeBytes { try state.file.write($0) }) }
                if durably, fsync(state.file.rawValue) != 0 { throw Errno(rawValue: errno) }
            } catch {
                let failure = JournalError(path: path, line: nil, reason: "cannot be written: \(error)")
                state.failure = failure
                state.unwritten = [JournalRecord(at: time, event: .interrupted(Interrupted(cause: "error", message: "\(failure)")))]
                if !event.isRoutine { state.unwritten.append(record) }
            }
            return state.failure
        }
        // The observer also receives a record that could not be written.
        observer?(record)
        if let failure { throw failure }
        return time
    }

    /// The records that could not be written, without probes and writes. The first one has the reason.
    public var unwritten: [JournalRecord] { state.withLock { $0.unwritten } }

    /// - Throws: an error if the file, or its folder, was removed or replaced: the evidence is gone.
    public func checkPlace() throws(JournalError) {
        var own = stat()
        var there = stat()
        let isOpen = state.withLock { fstat($0.file.rawValue, &own) } == 0
        guard isOpen, stat(path, &there) == 0, own.st_ino == there.st_ino, own.st_dev == there.st_dev else {
            throw JournalError(path: path, line: nil, reason: "was removed, or replaced, while the run went on")
        }
    }
}

/// An error of writing or reading a journal.
public struct JournalError: Error, CustomStringConvertible, Hashable {
    public var path: String
    /// The number of the line, from 1, if the error is about one.
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
