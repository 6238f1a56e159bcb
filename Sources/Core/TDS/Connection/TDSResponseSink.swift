import NIOCore

/// Where the tokens of a response go. Used on the event loop only.
protocol TDSResponseSink: AnyObject {
    /// The longest answer that is taken, in bytes; nil for a sink that keeps none of it.
    var maximumLength: Int? { get }
    func receive(_ token: TDSToken)
    /// The tokens of one read have been received. Returns whether more may be read.
    func readCompleted() -> Bool
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

    func receive(_ token: TDSToken) { self.result.append(token) }

    func readCompleted() -> Bool { true }

    func finish(_ error: TDSError?) {
        self.continuation.resume(returning: error.map { .failure($0) } ?? .success(self.result))
    }
}

/// Hands rows to a ``TDSRowSequence``, which exists from the first columns on.
final class TDSRowStream: TDSResponseSink {
    let maximumLength: Int? = nil
    private let delegate: TDSRowStreamDelegate
    private var opening: CheckedContinuation<Result<TDSRowSequence, TDSError>, Never>?
    private var source: TDSRowSequence.Producer.Source?
    private var rows: [TDSRow] = []

    /// In batches, each of what one read brought: few enough to bound the memory, enough to keep the network busy while the
    /// consumer works.
    private static let watermarks = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(lowWatermark: 2, highWatermark: 8)

    init(_ continuation: CheckedContinuation<Result<TDSRowSequence, TDSError>, Never>, delegate: TDSRowStreamDelegate) {
        self.opening = continuation
        self.delegate = delegate
    }

    func receive(_ token: TDSToken) {
        switch token {
        case .row(let row): self.rows.append(row)
        case .columnMetadata(let columns): if !columns.isEmpty { self.open(columns) }
        default: break
        }
    }

    private func open(_ columns: TDSColumns) {
        guard let opening = self.opening.take() else { return }
        let made = TDSRowSequence.Producer.makeSequence(
            backPressureStrategy: Self.watermarks, finishOnDeinit: false, delegate: self.delegate)
        self.source = made.source
        opening.resume(returning: .success(TDSRowSequence(columns: columns, producer: made.sequence)))
    }

    func readCompleted() -> Bool {
        guard let source, !self.rows.isEmpty else { return true }
        let result = source.yield(self.rows)
        self.rows = []
        switch result {
        case .produceMore: return true
        // Dropped rows have no reader; the delegate cancels the request.
        case .stopProducing, .dropped: return false
        }
    }

    func finish(_ error: TDSError?) {
        if let error, let opening = self.opening.take() {
            opening.resume(returning: .failure(error))
            return
        }
        self.open(TDSColumns([]))
        _ = self.readCompleted()
        if let error { self.source?.finish(error) } else { self.source?.finish() }
        self.source = nil
    }
}
