/// The objects of a kind and everything that happens to them, for as long as somebody reads.
///
/// Nothing runs in the background: each `next()` carries the watch on, so a slow reader slows the stream and a dropped one ends it.
/// An API server that goes away is no error but a ``WatchEvent/Change/blind(_:)`` event; the watch keeps trying.
public struct WatchSequence<Resource: KubernetesResource>: AsyncSequence, Sendable {
    public typealias Element = WatchEvent<Resource>
    public typealias Failure = KubernetesError

    let client: KubernetesClient
    let scope: NamespaceScope
    let labels: String?
    let fields: String?
    /// The longest time that a stream may tell nothing before a list is taken in between, or take to open.
    var quiet: Duration = .seconds(5)

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(sequence: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let sequence: WatchSequence
        private var machine: WatchStateMachine<Resource>
        private var stream: (body: CurlBody.AsyncIterator, splitter: LineSplitter, request: String)?
        private var pending: ArraySlice<WatchEvent<Resource>> = []
        private var random = SystemRandomNumberGenerator()

        /// Given to the server as `timeoutSeconds`; it ends the stream then, and the watch goes on with a new one.
        private static var period: Duration { .seconds(300) }

        init(sequence: WatchSequence) {
            self.sequence = sequence
            machine = WatchStateMachine(now: .now, quiet: sequence.quiet)
        }

        /// - Throws: ``KubernetesError`` for what does not pass by itself: 401, 403, 404, an untrusted server; and `cancelled`.
        public mutating func next() async throws(KubernetesError) -> WatchEvent<Resource>? {
            while true {
                if let event = pending.popFirst() { return event }
                if Task.isCancelled { throw KubernetesError(.cancelled, "cancelled") }
                do throws(KubernetesError) {
                    if stream != nil {
                        try await read()
                    } else {
                        try await step()
                    }
                } catch {
                    stream = nil
                    if error.code == .cancelled { throw error }
                    let now = ContinuousClock.now
                    tell(try machine.failed(error, at: now, random: &random), at: now)
                }
            }
        }

        private mutating func step() async throws(KubernetesError) {
            switch machine.nextStep() {
            case .wait(let pause):
                do { try await Task.sleep(for: pause) } catch { throw KubernetesError(.cancelled, "cancelled") }
            case .list:
                let list = try await list()
                let now = ContinuousClock.now
                tell(machine.listed(list, at: now), at: now)
            case .watch(let version):
                try await open(from: version)
            }
        }

        private mutating func open(from version: String) async throws(KubernetesError) {
            var request = try await sequence.client.collection(
                Resource.self, sequence.scope, labels: sequence.labels, fields: sequence.fields)
            request.query += [
                ("watch", "true"), ("resourceVersion", version), ("allowWatchBookmarks", "true"),
                ("timeoutSeconds", "\(Self.period.components.seconds)"),
            ]
            request.timeout = Self.period + .seconds(10)
            request.headTimeout = sequence.quiet
            request.tick = sequence.quiet / 5
            let response = try await sequence.client.open(request)
            let now = ContinuousClock.now
            stream = (response.body.makeAsyncIterator(), LineSplitter(), request.description)
            tell(machine.opened(at: now), at: now)
        }

        private func list() async throws(KubernetesError) -> ResourceList<Resource> {
            try await sequence.client.list(Resource.self, in: sequence.scope, labels: sequence.labels, fields: sequence.fields)
        }

        private mutating func read() async throws(KubernetesError) {
            // Taken out, so that the splitter's bytes are changed in place.
            guard var open = stream else { return }
            stream = nil
            let chunk: BodyChunk?
            do throws(CurlFailure) {
                chunk = try await open.body.next()
            } catch {
                throw error.error(sequence.client.configuration, certificate: nil, request: open.request)
            }
            guard let chunk else { return machine.ended(at: .now, random: &random) }
            let lines: [ArraySlice<UInt8>]
            do throws(LineSplitter.LineTooLong) {
                lines = try open.splitter.append(chunk.bytes)
            } catch {
                throw KubernetesError(.unexpectedAnswer, "the watch sent a line of more than 4 MiB", request: open.request)
            }
            for line in lines {
                tell(try machine.received(line, at: chunk.receivedAt, request: open.request), at: chunk.receivedAt)
            }
            if machine.isFlooded { return machine.flooded(random: &random) }
            try machine.waited(at: chunk.receivedAt, request: open.request)
            if machine.needsCheck(at: chunk.receivedAt) {
                let list = try await list()
                let now = ContinuousClock.now
                tell(machine.checked(list, at: now), at: now)
            }
            stream = open
        }

        private mutating func tell(_ changes: [WatchEvent<Resource>.Change], at instant: ContinuousClock.Instant) {
            pending += changes.map { WatchEvent(receivedAt: instant, change: $0) }
        }
    }
}

extension KubernetesClient {
    /// Watches a kind of object, from a complete list on. See ``WatchSequence``.
    public func watch<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, in scope: NamespaceScope = .current, labels: String? = nil, fields: String? = nil
    ) -> WatchSequence<Resource> {
        WatchSequence(client: self, scope: scope, labels: labels, fields: fields)
    }
}
