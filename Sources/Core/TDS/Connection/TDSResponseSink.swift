import NIOCore

/// Where the tokens of a response go. Used on the event loop only.
protocol TDSResponseSink: AnyObject {
    /// The longest answer that is taken, in bytes; nil for a sink that keeps none of it.
    var maximumLength: Int? { get }
    /// Takes the rows that come next, where it wants them before they are tokens. Returns whether the answer is still of interest.
    func receiveRows(_ tokens: inout TDSTokenDecoder) throws(TDSWireError) -> Bool
    func receive(_ token: TDSToken)
    /// The response is over, in success or not. Called once.
    func finish(_ error: TDSError?)
}

/// Collects a whole response.
final class TDSResultCollector: TDSResponseSink {
    let maximumLength: Int? = 64 << 20
    private var result = TDSResult()
    private let continuation: CheckedContinuation<Result<TDSResult, TDSError>, Never>

    init(_ continuation: CheckedContinuation<Result<TDSResult, TDSError>, Never>) {
        self.continuation = continuation
    }

    func receiveRows(_ tokens: inout TDSTokenDecoder) -> Bool { true }

    func receive(_ token: TDSToken) { self.result.append(token) }

    func finish(_ error: TDSError?) {
        self.continuation.resume(returning: error.map { .failure($0) } ?? .success(self.result))
    }
}

/// Folds the rows of a response into a state as they come.
///
/// It is done on the connection's event loop: nothing is read from the server meanwhile, so that any number of rows passes in constant
/// memory.
final class TDSRowFold<State: Sendable>: TDSResponseSink {
    let maximumLength: Int? = nil
    private var state: State
    private let take: @Sendable (inout State, inout TDSRowReader) throws -> Void
    private var failure: (any Error)?
    private let continuation: CheckedContinuation<Result<Result<State, any Error>, TDSError>, Never>

    init(
        _ state: State, _ continuation: CheckedContinuation<Result<Result<State, any Error>, TDSError>, Never>,
        _ take: @escaping @Sendable (inout State, inout TDSRowReader) throws -> Void
    ) {
        self.state = state
        self.continuation = continuation
        self.take = take
    }

    func receiveRows(_ tokens: inout TDSTokenDecoder) throws(TDSWireError) -> Bool {
        try tokens.takeRows { row in
            do { try self.take(&self.state, &row) } catch { self.failure = error }
            return self.failure == nil
        }
    }

    func receive(_ token: TDSToken) {}

    func finish(_ error: TDSError?) {
        if let failure {
            self.continuation.resume(returning: .success(.failure(failure)))
        } else {
            self.continuation.resume(returning: error.map { .failure($0) } ?? .success(.success(self.state)))
        }
    }
}
