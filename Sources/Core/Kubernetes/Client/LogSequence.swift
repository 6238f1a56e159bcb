import KubernetesAPI

/// The lines of a container's log while they are written, until the container or the connection ends.
public struct LogSequence: AsyncSequence, Sendable {
    public typealias Failure = KubernetesError

    /// A line without its line break, and the time of its arrival.
    public struct Element: Sendable {
        public var text: String
        public var receivedAt: ContinuousClock.Instant
    }

    let client: KubernetesClient
    let pod: String
    let namespace: String
    let options: LogOptions

    /// The most bytes of a line; the rest of a longer one is left out.
    private static let lineLimit = 4096
    /// The timeout for the start of the stream.
    private static let headTimeout = Duration.seconds(10)

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(sequence: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let sequence: LogSequence
        private var body: CurlBody.AsyncIterator?
        private var line: [UInt8] = []
        private var pending: ArraySlice<Element> = []
        private var isOver = false

        init(sequence: LogSequence) { self.sequence = sequence }

        public mutating func next() async throws(KubernetesError) -> Element? {
            while true {
                if let element = pending.popFirst() { return element }
                guard !isOver else { return nil }
                try await read()
            }
        }

        private mutating func read() async throws(KubernetesError) {
            let request = sequence.request
            guard var body else {
                self.body = try await sequence.client.open(request).body.makeAsyncIterator()
                return
            }
            let chunk: BodyChunk?
            do throws(CurlFailure) {
                chunk = try await body.next()
            } catch {
                throw error.error(sequence.client.configuration, certificate: nil, request: request.description)
            }
            self.body = body
            guard let chunk else {
                isOver = true
                if !line.isEmpty { take(at: .now) }
                return
            }
            for byte in chunk.bytes {
                if byte == UInt8(ascii: "\n") {
                    take(at: chunk.receivedAt)
                } else if line.count < LogSequence.lineLimit {
                    line.append(byte)
                }
            }
        }

        private mutating func take(at instant: ContinuousClock.Instant) {
            pending.append(Element(text: String(decoding: line, as: UTF8.self), receivedAt: instant))
            line = []
        }
    }

    private var request: KubernetesRequest {
        var request = KubernetesRequest(
            path: KubernetesRequest.path(Pod.self, version: "v1", namespace: namespace, name: pod, subresource: "log"))
        request.query = options.query + [("follow", "true")]
        request.accept = "*/*"
        request.headTimeout = Self.headTimeout
        return request
    }
}

extension KubernetesClient {
    /// Follows a container's log. See ``LogSequence``.
    public func followLogs(pod name: String, in namespace: String, _ options: LogOptions = LogOptions()) -> LogSequence {
        LogSequence(client: self, pod: name, namespace: namespace, options: options)
    }
}
