import Foundation
import JSON

/// The knowledge of a watch, and its next step. It does no I/O: ``WatchSequence`` carries out its steps.
///
/// Kubernetes' own rules ("Efficient detection of changes" in API concepts): list, then watch from the list's resource version; go on from
/// the last version seen after the server has ended the stream; list again when that version is too old (410).
///
/// A stream that tells nothing may be quiet, or something between here and the server may hold it back. A list in between tells the two
/// apart. Of a stream at most 16 MiB are kept as objects before a list says again what really exists.
struct WatchStateMachine<Resource: KubernetesResource>: Sendable {
    typealias Change = WatchEvent<Resource>.Change

    enum Step: Sendable, Hashable {
        case list
        case watch(from: String)
        /// Then `list` or `watch`, as the next call says.
        case wait(Duration)
    }

    private enum State {
        case listing
        case watching(from: String)
    }

    private var state: State
    /// The last state of every object, by UID: a recreated object of the same name is another one.
    private var known: [String: Resource] = [:]
    private var blind: BlindInterval?
    /// When the state of the objects was known last: by a list, or by an event.
    private var lastSeen: ContinuousClock.Instant
    private var openedAt: ContinuousClock.Instant
    private var backoff = Backoff()
    private var pause: Duration?

    private var stream = Stream()
    /// The version of the last list; what the stream tells of earlier ones is old.
    private var listedVersion: UInt64?
    /// A list has shown changes that the open stream has not told.
    private var suspicion: (from: ContinuousClock.Instant, at: ContinuousClock.Instant)?
    /// The longest time that a stream may tell nothing before a list is taken in between.
    private let quiet: Duration

    private struct Stream {
        var isOpen = false
        var hasSpoken = false
        var size = 0
    }

    private static var streamLimit: Int { 16 << 20 }
    /// The longest pause that a server may ask for.
    private static var longestPause: Duration { .seconds(30) }

    init(now: ContinuousClock.Instant, quiet: Duration = .seconds(5)) {
        state = .listing
        lastSeen = now
        openedAt = now
        self.quiet = quiet
    }

    mutating func nextStep() -> Step {
        if let pause {
            self.pause = nil
            return .wait(pause)
        }
        switch state {
        case .listing: return .list
        case .watching(let version): return .watch(from: version)
        }
    }

    // MARK: Events

    /// A list is complete: what is new, changed and gone against what was known.
    mutating func listed(_ list: ResourceList<Resource>, at now: ContinuousClock.Instant) -> [Change] {
        let changes = take(list)
        return changes + [.synced(resourceVersion: list.resourceVersion)] + seen(at: now)
    }

    /// Returns `true` when the open stream has been silent for a while, so that the watch lists to check it.
    func needsCheck(at now: ContinuousClock.Instant) -> Bool { suspicion == nil && now - lastSeen >= quiet }

    /// The list that was taken beside the open stream.
    mutating func checked(_ list: ResourceList<Resource>, at now: ContinuousClock.Instant) -> [Change] {
        let changes = take(list)
        // The stream may only be a moment behind.
        if !changes.isEmpty { suspicion = (lastSeen, now) }
        lastSeen = now
        return changes
    }

    /// Time has passed.
    ///
    /// - Throws: ``KubernetesError`` when the stream has not told what the list has shown: something holds it back.
    mutating func waited(at now: ContinuousClock.Instant, request: String) throws(KubernetesError) {
        guard let suspicion, now - suspicion.at >= quiet / 4 else { return }
        throw KubernetesError(.timeout, "the watch does not tell the changes that a list shows", request: request)
    }

    private mutating func take(_ list: ResourceList<Resource>) -> [Change] {
        let present = Set(list.items.map(Self.identity))
        var changes: [Change] = []
        let vanished = known.filter { !present.contains($0.key) }.sorted { $0.key < $1.key }
        for (identity, resource) in vanished {
            known[identity] = nil
            changes.append(.deleted(resource))
        }
        for resource in list.items {
            if let old = known.updateValue(resource, forKey: Self.identity(resource)) {
                if old.metadata.resourceVersion != resource.metadata.resourceVersion { changes.append(.modified(resource)) }
            } else {
                changes.append(.added(resource))
            }
        }
        state = .watching(from: list.resourceVersion)
        listedVersion = UInt64(list.resourceVersion)
        stream.size = 0
        return changes
    }

    /// The server has accepted the watch.
    mutating func opened(at now: ContinuousClock.Instant) -> [Change] {
        openedAt = now
        stream = Stream(isOpen: true)
        return sighted(at: now)
    }

    /// One line of the stream.
    mutating func received(_ line: ArraySlice<UInt8>, at now: ContinuousClock.Instant, request: String) throws(KubernetesError) -> [Change]
    {
        let event: RawEvent<Resource>
        do {
            event = try JSONDecoder().decode(RawEvent<Resource>.self, from: Data(line))
        } catch {
            let place = (error as? DecodingError)?.place ?? "not readable"
            throw KubernetesError(.unexpectedAnswer, "the watch sent a line that is not an event: \(place)", request: request)
        }
        backoff.reset()
        suspicion = nil
        stream.hasSpoken = true
        stream.size += line.count
        let changes = seen(at: now)
        switch event {
        case .status(let status): throw APIAnswer.error(status, request: request)
        case .bookmark(let version):
            state = .watching(from: version)
            return changes
        case .unknown: return changes
        case .object(let type, let resource):
            if let version = resource.metadata.resourceVersion {
                if let number = UInt64(version), let listedVersion, number <= listedVersion { return changes }
                state = .watching(from: version)
            }
            return changes + apply(type, resource)
        }
    }

    /// The stream ended as it should, after `timeoutSeconds` or because the server is going down.
    mutating func ended(at now: ContinuousClock.Instant, random: inout some RandomNumberGenerator) {
        if now - openedAt > .seconds(10) { backoff.reset() }
        // A server that ends every stream at once would otherwise be asked in a tight loop.
        pause = backoff.next(using: &random)
        close()
    }

    /// Returns whether the open stream has told more than is kept of it; it is to be ended then.
    var isFlooded: Bool { stream.size > Self.streamLimit }

    /// The stream was ended from this side, because it told too much.
    mutating func flooded(random: inout some RandomNumberGenerator) {
        pause = backoff.next(using: &random)
        close()
        state = .listing
    }

    /// A list or a watch failed.
    ///
    /// - Throws: the error itself when asking again cannot help: credentials, permissions, trust, a resource that does not exist.
    mutating func failed(
        _ error: KubernetesError, at now: ContinuousClock.Instant, random: inout some RandomNumberGenerator
    ) throws(KubernetesError) -> [Change] {
        let lastSeen = suspicion?.from ?? lastSeen
        close()
        switch error.code {
        case .gone:
            state = .listing
            pause = backoff.next(using: &random)
            return []
        case .unreachable, .connectionLost, .timeout, .tooManyRequests, .serverTimeout, .serverError, .unexpectedAnswer, .proxyFailed,
            .tlsFailed:
            pause = max(backoff.next(using: &random), min(Self.longestPause, .seconds(error.retryAfterSeconds ?? 0)))
            // Something answers there, but not as a server that knows where the watch was.
            if [.timeout, .serverTimeout, .unexpectedAnswer].contains(error.code) { state = .listing }
            guard blind == nil else { return [] }
            let interval = BlindInterval(from: lastSeen, noticed: now, reason: error)
            blind = interval
            return [.blind(interval)]
        default: throw error
        }
    }

    // MARK: Helpers

    /// The stream is over. One that told nothing, not even a bookmark, is not trusted to go on where it was.
    private mutating func close() {
        if stream.isOpen, !stream.hasSpoken { state = .listing }
        stream = Stream()
        suspicion = nil
    }

    private mutating func seen(at now: ContinuousClock.Instant) -> [Change] {
        lastSeen = now
        return sighted(at: now)
    }

    private mutating func sighted(at now: ContinuousClock.Instant) -> [Change] {
        guard var interval = blind else { return [] }
        blind = nil
        interval.until = now
        return [.sighted(interval)]
    }

    private mutating func apply(_ type: RawEvent<Resource>.ObjectEvent, _ resource: Resource) -> [Change] {
        let identity = Self.identity(resource)
        switch type {
        case .added, .modified:
            return known.updateValue(resource, forKey: identity) == nil ? [.added(resource)] : [.modified(resource)]
        case .deleted:
            known[identity] = nil
            return [.deleted(resource)]
        }
    }

    private static func identity(_ resource: Resource) -> String {
        resource.metadata.uid ?? "\(resource.metadata.namespace ?? "")/\(resource.metadata.name)"
    }
}

/// One line of a watch.
enum RawEvent<Resource: KubernetesResource>: Decodable {
    enum ObjectEvent: String {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    case object(ObjectEvent, Resource)
    case bookmark(String)
    case status(Status)
    /// A type of a later version of the API.
    case unknown

    private enum CodingKeys: String, CodingKey {
        case type, object
    }

    private struct Bookmark: Decodable {
        struct Metadata: Decodable {
            var resourceVersion: String
        }

        var metadata: Metadata
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let type = try container.decode(String.self, forKey: .type)
        if let event = ObjectEvent(rawValue: type) {
            self = .object(event, try container.decode(Resource.self, forKey: .object))
        } else if type == "BOOKMARK" {
            self = .bookmark(try container.decode(Bookmark.self, forKey: .object).metadata.resourceVersion)
        } else if type == "ERROR" {
            self = .status(try container.decode(Status.self, forKey: .object))
        } else {
            self = .unknown
        }
    }
}
