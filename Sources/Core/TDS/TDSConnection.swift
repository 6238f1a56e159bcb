import Crypto
public import NIOCore
import Synchronization

/// A logged-in connection to a server. It serves one request at a time.
public final class TDSConnection: Sendable {
    /// The duration of connecting, phase by phase.
    public let phases: TDSPhaseDurations
    public let serverVersion: TDSServerVersion

    private let channel: any Channel
    private let handler: NIOLoopBound<TDSChannelHandler>
    private let nextRequestID = Atomic<UInt64>(1)

    init(channel: any Channel, handler: NIOLoopBound<TDSChannelHandler>, serverVersion: TDSServerVersion, phases: TDSPhaseDurations) {
        self.channel = channel
        self.handler = handler
        self.serverVersion = serverVersion
        self.phases = phases
    }

    public var eventLoop: any EventLoop { self.channel.eventLoop }

    /// Is `true` while the connection is open as far as this side knows; a peer that vanished silently shows only on use.
    public var isOpen: Bool { self.channel.isActive }

    /// Runs a statement and collects its whole answer.
    ///
    /// - Parameters:
    ///   - parameters: values for the `@name`s in the statement, which is then run by `sp_executesql`.
    ///   - timeout: how long the whole answer may take. After it the statement is cancelled, which takes at most
    ///     ``TDSConfiguration/Deadlines/attention`` more; whether it was executed is then unknown.
    /// - Throws: ``TDSError``; the connection is still usable if ``isOpen`` says so.
    public func query(
        _ sql: String, parameters: [TDSParameter] = [], timeout: Duration
    ) async throws(TDSError) -> TDSResult {
        try await self.run(try TDSRequest(sql, parameters: parameters), timeout) { TDSResultCollector($0) }
    }

    /// Executes a statement with these values, one for each of its parameters, and collects its whole answer, as
    /// ``query(_:parameters:timeout:)`` does.
    public func query(_ statement: TDSStatement, _ values: [TDSValue], timeout: Duration) async throws(TDSError) -> TDSResult {
        try await self.run(try TDSRequest(statement, values), timeout) { TDSResultCollector($0) }
    }

    /// Runs a statement and folds its rows into `state` as they come, however many there are. Rows of later result sets follow those of
    /// the first; each row knows its columns.
    ///
    /// - Parameters:
    ///   - timeout: how long everything may take, until the last row has been taken.
    ///   - take: takes one row. It is called on the connection's event loop, where nothing else happens meanwhile, so it must be quick.
    ///     When it throws, the statement is cancelled.
    /// - Returns: the state, once the server's final DONE has come.
    /// - Throws: ``TDSError``, or what `take` threw.
    public func fold<State: Sendable>(
        rowsOf sql: String, parameters: [TDSParameter] = [], timeout: Duration, into state: State,
        _ take: @escaping @Sendable (inout State, inout TDSRowReader) throws -> Void
    ) async throws -> State {
        try await self.run(try TDSRequest(sql, parameters: parameters), timeout) { TDSRowFold(state, $0, take) }.get()
    }

    /// Closes the connection; a request under way fails with ``TDSError/Code/closed``.
    public func close() async {
        if self.eventLoop.inEventLoop {
            self.handler.value.close()
            // Nothing is waited for but the server's last words, where it has any.
            guard self.channel.isActive else { return }
        } else {
            self.eventLoop.execute { self.handler.value.close() }
        }
        // It fails only where the closing itself met an error, and closed is closed.
        _ = await self.channel.closeFuture.map { _ in }.result()
    }

    /// The SHA-256 of the server's certificate, in hexadecimal digits; `nil` where the connection is not encrypted any more.
    public func certificateFingerprint() async -> String? {
        let handler = self.handler
        let bytes = try? await self.eventLoop.submit { handler.value.certificateBytes }.get()
        guard let bytes = bytes ?? nil else { return nil }
        return SHA256.hash(data: bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private func run<Value: Sendable>(
        _ request: TDSRequest, _ timeout: Duration,
        sink: @escaping @Sendable (CheckedContinuation<Result<Value, TDSError>, Never>) -> any TDSResponseSink
    ) async throws(TDSError) -> Value {
        let id = self.nextRequestID.wrappingAdd(1, ordering: .relaxed).oldValue
        let ticket = CancellationTicket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let send: @Sendable () -> Void = {
                    let sink = sink(continuation)
                    if ticket.isCancelled.load(ordering: .acquiring) {
                        sink.finish(TDSError(.cancelled, phase: .query, detail: "cancelled before it was sent"))
                    } else {
                        self.handler.value.execute(request, id: id, timeout: timeout, sink: sink)
                    }
                }
                // Who is on the loop already need not wait for its next turn.
                if self.eventLoop.inEventLoop { send() } else { self.eventLoop.execute(send) }
            }
        } onCancel: {
            // Either the flag is seen before the request is sent, or this runs behind the sending.
            ticket.isCancelled.store(true, ordering: .releasing)
            self.eventLoop.execute { self.handler.value.cancel(requestID: id) }
        }
        return try result.get()
    }
}

/// Says that a task was cancelled, to an event loop that may not have heard of its request yet.
private final class CancellationTicket: Sendable {
    let isCancelled = Atomic(false)
}

extension EventLoopFuture where Value: Sendable {
    fileprivate func result() async -> Result<Value, any Error> {
        await withCheckedContinuation { continuation in
            self.whenComplete { continuation.resume(returning: $0) }
        }
    }
}
