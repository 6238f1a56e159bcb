import Dispatch
import Foundation
import Glibc
import Journal
import Synchronization

/// Tells every record of a journal in the moment when it is appended, by inotify.
enum JournalFollower {
    /// The records of `folder`/journal.ndjson, which need not exist yet. The stream does not end by itself.
    static func records(in folder: String) throws -> AsyncStream<JournalRecord> {
        let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0, inotify_add_watch(descriptor, folder, UInt32(IN_CREATE) | UInt32(IN_MODIFY)) >= 0 else {
            throw CocoaError(.fileReadUnknown, userInfo: [NSFilePathErrorKey: folder])
        }
        let tail = Mutex(Tail(path: folder + "/journal.ndjson"))
        return AsyncStream { continuation in
            // A dispatch source may be cancelled from any thread; Dispatch on Linux does not say so in its types.
            nonisolated(unsafe) let source = DispatchSource.makeReadSource(
                fileDescriptor: descriptor, queue: DispatchQueue(label: "journal"))
            source.setEventHandler {
                var events = [UInt8](repeating: 0, count: 1 << 16)
                while read(descriptor, &events, events.count) > 0 {}
                for record in tail.withLock({ $0.read() }) { continuation.yield(record) }
            }
            source.setCancelHandler { close(descriptor) }
            continuation.onTermination = { _ in source.cancel() }
            source.activate()
        }
    }

    private struct Tail {
        let path: String
        var handle: FileHandle?
        var rest = Data()

        init(path: String) { self.path = path }

        mutating func read() -> [JournalRecord] {
            handle = handle ?? FileHandle(forReadingAtPath: path)
            guard let handle, let more = try? handle.readToEnd() else { return [] }
            rest += more
            var records: [JournalRecord] = []
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                if let record = try? JSONDecoder().decode(JournalRecord.self, from: rest[rest.startIndex..<end]) { records.append(record) }
                rest = Data(rest[(end + 1)...])
            }
            return records
        }
    }
}
