import Foundation
import Synchronization

/// HTTP over libcurl's multi interface: one thread of its own drives all transfers, so that no thread of Swift's pool ever waits.
final class CurlTransport: Sendable {
    private let thread: CurlThread
    private let nextID = Atomic<Int>(0)

    init() throws(CurlFailure) { thread = try CurlThread.start() }

    deinit { thread.end() }

    /// Sends a request and returns as soon as the answer's head is there.
    func start(_ request: CurlRequest) async throws(CurlFailure) -> CurlResponse {
        try await post { .start(id: $0, request, $1) }
    }

    /// Sends a request and returns its answer, cut off after 64 KiB: the errors of a receiver are small documents.
    func answer(to request: CurlRequest) async throws(CurlFailure) -> (status: Int, body: Data) {
        let response = try await start(request)
        var body = Data()
        var chunks = response.body.makeAsyncIterator()
        while body.count < 64 << 10, let chunk = try await chunks.next() { body.append(contentsOf: chunk.bytes) }
        return (response.status, body)
    }

    /// Connects to the request's server and sends nothing. The request's time limit is the connection's.
    func connect(_ request: CurlRequest) async throws(CurlFailure) -> CurlConnection {
        try await post { .connect(id: $0, request, $1) }
    }

    private func post<Value: Sendable>(
        _ command: @Sendable (Int, CurlContinuation<Value>) -> CurlCommand
    ) async throws(CurlFailure) -> Value {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).newValue
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                thread.post(command(id, continuation))
                // A cancellation from before this point found nothing to cancel.
                if Task.isCancelled { thread.post(.cancel(id)) }
            }
        } onCancel: {
            thread.post(.cancel(id))
        }
        return try result.get()
    }
}
