import JSON
import NIOCore
package import SandboxStore

/// Many objects: list and watch.
extension APIService {
    /// The interval, in seconds, of the bookmarks of a watch that allows them (the API server's is about a minute).
    private static let bookmarkInterval: Int64 = 60
    /// The length, in seconds, of a watch whose client gave no timeout: the API server's range is 30 to 60 minutes.
    private static let defaultWatchTimeout: Int64 = 1800

    private static let longestWatchTimeout: Int64 = 24 * 3600

    package func list(_ call: ResourceCall) throws(APIError) -> APIResponse {
        let options = try ListOptions(call)
        let type = call.definition.type
        let (objects, revision) = try store.read { state throws(APIError) in
            if let next = options.next {
                return (try state.list(type, options.filter, at: next.revision).filter(next.precedes), next.revision)
            }
            if case .at(let version) = options.version {
                guard version <= state.revision else { throw Self.tooLarge(version, state.revision) }
                if options.isExact { return (try state.list(type, options.filter, at: version), version) }
            }
            return (state.list(type, options.filter), state.revision)
        }
        var metadata: JSONValue = ["resourceVersion": .string(String(revision))]
        var page = objects
        if let limit = options.limit, objects.count > limit {
            page = Array(objects.prefix(limit))
            metadata["continue"] = page.last.map { .string(ContinueToken(revision: revision, after: $0).text) }
            if options.filter.labels == .everything, options.filter.fields == .everything {
                metadata["remainingItemCount"] = .integer(Int64(objects.count - limit))
            }
        }
        switch call.form {
        case .object where call.isEventsGroup:
            return .json(ListForm.list(kind: "Event", apiVersion: "events.k8s.io/v1", page.map(EventForm.regarding), metadata))
        case .object: return .json(ListForm.list(call.definition, page, metadata))
        case .metadata: return .json(ListForm.partialMetadata(page, metadata))
        case .table:
            var table = TableForm(type).table(
                page, includeObject: call.request.query["includeObject"], at: store.environment.now())
            table["metadata"] = metadata
            return .json(table)
        }
    }

    private static func tooLarge(_ asked: Int64, _ current: Int64) -> APIError {
        var error = APIError(504, "Timeout", "Too large resource version: \(asked), current: \(current)")
        error.retryAfterSeconds = 1
        return error
    }

    package func watch(_ call: ResourceCall) throws(APIError) -> APIResponse {
        let options = try ListOptions(call)
        let type = call.definition.type
        let watch: ObjectWatch
        switch options.version {
        case .at(let version) where !options.sendsInitialEvents: watch = try store.watch(type, options.filter, from: version)
        case .newest, .any, .at: watch = try store.watch(type, options.filter)
        }
        if options.sendsInitialEvents { watch.requestBookmark() }
        let encoder = WatchEncoder(call: call, now: store.environment.now, marksInitialEnd: options.sendsInitialEvents)
        let timeout = Duration.seconds(options.timeoutSeconds.map { min(max($0, 1), Self.longestWatchTimeout) } ?? Self.defaultWatchTimeout)
        let bookmarks = options.allowsBookmarks ? Duration.seconds(Self.bookmarkInterval) : nil
        let body: @Sendable (APIResponse.Writer) async throws -> Void = { write in
            // An empty first chunk makes the head go out at once: clients wait for it.
            try await write(ByteBuffer())
            try await withThrowingTaskGroup { group in
                group.addTask {
                    try await Task.sleep(for: timeout)
                    // A last bookmark spares the client what it would otherwise be told again.
                    if bookmarks != nil { watch.requestBookmark() }
                    watch.finish()
                }
                if let bookmarks {
                    group.addTask {
                        while true {
                            try await Task.sleep(for: bookmarks)
                            watch.requestBookmark()
                        }
                    }
                }
                var encoder = encoder
                do {
                    for try await event in watch { try await write(encoder.line(event)) }
                } catch let error as APIError {
                    try await write(encoder.line(error))
                }
                group.cancelAll()
            }
        }
        return APIResponse(status: 200, contentType: "application/json", body: .stream(body))
    }
}
