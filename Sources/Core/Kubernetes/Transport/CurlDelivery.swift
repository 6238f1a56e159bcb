import NIOCore

/// The two ends of an answer: the task that waits for its head, and the one that reads its body. Lives on the transport's thread only.
struct CurlDelivery<Head: Sendable> {
    private var continuation: CurlContinuation<Head>?
    private var source: CurlBody.Producer.Source?

    init(_ continuation: CurlContinuation<Head>) { self.continuation = continuation }

    /// The head has not come yet.
    var isAwaited: Bool { continuation != nil }

    /// Hands the head over, with the body that is read from now on. Does nothing the second time.
    mutating func begin(id: Int, mailbox: CurlMailbox, _ head: (CurlBody) -> Head) {
        guard let continuation else { return }
        self.continuation = nil
        let (source, body) = CurlBody.make(id: id, mailbox: mailbox)
        self.source = source
        continuation.resume(returning: .success(head(body)))
    }

    /// - Returns: `nil` when nobody reads the body (any more).
    func yield(_ chunk: BodyChunk) -> CurlBody.Producer.Source.YieldResult? { source?.yield(chunk) }

    /// - Parameter headless: the failure of an answer that ended well and had no head.
    mutating func finish(_ result: Result<Void, CurlFailure>, headless: CurlFailure) {
        switch result {
        case .success:
            continuation?.resume(returning: .failure(headless))
            source?.finish()
        case .failure(let failure):
            continuation?.resume(returning: .failure(failure))
            source?.finish(failure)
        }
        continuation = nil
        source = nil
    }
}
