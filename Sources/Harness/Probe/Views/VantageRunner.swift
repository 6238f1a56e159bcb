public import Journal
public import NIOCore
import Synchronization
import TDS

/// The address of the pod that serves now, from the watch of the cluster.
public final class PodAddress: Sendable {
    private let address: Mutex<String?>

    public init(_ address: String?) { self.address = Mutex(address) }

    public var current: String? { address.withLock { $0 } }

    /// - Returns: whether the address changed.
    public func update(_ new: String?) -> Bool {
        address.withLock { address in
            defer { address = new }
            return address != new
        }
    }
}

/// Probes the service at places beside the judged address, at a lower rate. Its results are never judged: they show where time was lost.
public struct VantageRunner: Sendable {
    /// A place and its address.
    public struct Place: Sendable {
        public var view: VantagePoint
        var host: @Sendable () -> String?
        var port: Int
        /// The addresses of which a resolved name must be one.
        var expected: Set<String>?

        public init(_ view: VantagePoint, port: Int, expected: Set<String>? = nil, host: @escaping @Sendable () -> String?) {
            self.view = view
            self.host = host
            self.port = port
            self.expected = expected
        }
    }

    private let configuration: ProbeConfiguration
    private let clock: RunClock
    private let eventLoop: any EventLoop
    private let loginLoop: any EventLoop
    private let record: @Sendable (Event) throws -> Void

    /// - Parameters:
    ///   - configuration: the judged address, and the cadence of `connect` and `login` at the other places.
    ///   - eventLoop: the loop of `connect`.
    ///   - loginLoop: the loop of `login`.
    ///   - record: appends to the journal. An error from it ends the probing.
    public init(
        _ configuration: ProbeConfiguration, clock: RunClock, on eventLoop: any EventLoop, logins loginLoop: any EventLoop,
        record: @escaping @Sendable (Event) throws -> Void
    ) {
        self.configuration = configuration
        self.clock = clock
        self.eventLoop = eventLoop
        self.loginLoop = loginLoop
        self.record = record
    }

    /// Returns the places that can be reached from here. Records each of them once in the journal.
    public func reached(_ places: [Place]) async throws -> [Place] {
        var reached: [Place] = []
        for place in places {
            // A probe must run on its loop.
            let obstacle = await withTaskExecutorPreference(EventLoopTaskExecutor(eventLoop)) { () async -> String? in
                await self.obstacle(place)
            }
            try record(
                .vantage(
                    VantageSeen(view: place.view, address: place.host(), port: place.port, isReached: obstacle == nil, detail: obstacle)))
            if obstacle == nil { reached.append(place) }
        }
        return reached
    }

    private func obstacle(_ place: Place) async -> String? {
        guard let server = server(at: place) else { return "it has no address" }
        let context = ProbeContext(server: server, clock: clock, eventLoop: eventLoop)
        let deadline = clock.now + (configuration.tracks[.connect]?.timeout ?? .seconds(1))
        if let expected = place.expected {
            var outcome = ProbeOutcome()
            guard let found = await AddressLookup.resolve(server.host, port: server.port, deadline: deadline, context, &outcome) else {
                return outcome.failure?.message ?? "it is not resolved"
            }
            guard let ip = found.ipAddress, expected.contains(ip) else {
                return "it leads to \(found.ipAddress ?? "nowhere"), which is not an address of the Service"
            }
        }
        let failure = await ConnectProbe(context: context).run(deadline: deadline).failure
        return failure.map { "\($0.phase)/\($0.kind)" + ($0.message.map { ": \($0)" } ?? "") }
    }

    private func server(at place: Place) -> TDSConfiguration? {
        guard let host = place.host() else { return nil }
        var server = configuration.server
        // The certificate is checked against the judged address.
        if server.serverName == nil { server.serverName = server.host }
        server.host = host
        server.port = place.port
        return server
    }

    /// Probes the places until the task is cancelled. Throws only errors of recording an event.
    public func run(_ places: [Place]) async throws {
        let reporter = ProbeReporter(health: HealthMonitor(lanes: [:]), record: record)
        let start = clock.now
        let loops = ProbeLoops(eventLoop, logins: loginLoop, clock: clock)
        defer { loops.stop() }
        try await withThrowingDiscardingTaskGroup { group in
            for place in places {
                for (track, cadence) in configuration.tracks {
                    let context = loops.context(of: track, configuration.server)
                    let schedule = SlotSchedule(
                        start: start, interval: cadence.interval, capacity: cadence.inFlightCap, whenFull: .inFlightCap)
                    let lane = ParallelLane(track, schedule, cadence.timeout, context, reporter, view: place.view) {
                        place.host() != nil
                    }
                    let owner = "\(configuration.runID)-\(place.view.rawValue)"
                    group.addTask(executorPreference: EventLoopTaskExecutor(context.eventLoop)) {
                        try await lane.run { slot, deadline in
                            var context = context
                            // The address may have gone since the start of the slot; then the probe finds no answer there.
                            context.server = server(at: place) ?? context.server
                            return track == .login
                                ? await LoginProbe(context: context, runID: owner).run(slot: slot, deadline: deadline)
                                : await ConnectProbe(context: context).run(deadline: deadline)
                        }
                    }
                }
            }
        }
    }
}
