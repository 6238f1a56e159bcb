package import Journal
package import NIOCore
package import TDS

/// The surroundings of every probe and writer: the server, the loop and the clock.
package struct ProbeContext: Sendable {
    package var server: TDSConfiguration
    package var clock: RunClock
    package var eventLoop: any EventLoop
    /// Records the stalls of the loop; `nil` if nothing watches it.
    package var stalls: StallWatch?

    package init(server: TDSConfiguration, clock: RunClock, eventLoop: any EventLoop, stalls: StallWatch? = nil) {
        self.stalls = stalls
        self.server = server
        self.clock = clock
        self.eventLoop = eventLoop
    }

    /// Resolves, connects and logs in before `deadline`, or puts the failure into `outcome`.
    package func open(deadline: RunTime, _ outcome: inout ProbeOutcome) async -> TDSConnection? {
        guard let address = await AddressLookup.resolve(server.host, port: server.port, deadline: deadline, self, &outcome) else {
            return nil
        }
        let remaining = deadline - clock.now
        guard remaining > .zero else {
            outcome.failure = Failure(phase: "tcp", kind: "timeout")
            return nil
        }
        // If a name was resolved, the probe began with that.
        let isFirst = outcome.phases.isEmpty
        let (result, ended) = await connect(configuration(for: address, within: remaining), deadline: deadline)
        switch result {
        case .success(let connection):
            if isFirst { outcome.begun = connection.phases.begun.map(clock.time) }
            outcome.completed(connection.phases)
            return connection
        case .failure(let error):
            if isFirst { outcome.begun = error.phases.begun.map(clock.time) }
            // Sums over several attempts do not say when a phase was completed.
            if !error.phases.isRedirected { outcome.completed(error.phases, failedIn: error.phase) }
            outcome.failure = Failure(error)
            outcome.ended = ended
            return nil
        }
    }

    /// A failure, unless it is the harness's own: see ``Failure/attributed(started:done:timeout:_:)``.
    package func attributed(_ failure: Failure?, started: RunTime, done: RunTime, timeout: Duration) -> Failure? {
        guard let failure, let stalls else { return failure }
        return failure.attributed(started: started, done: done, timeout: timeout, stalls)
    }

    /// Returns the same server with the resolved address; its certificate is still checked against its name.
    private func configuration(for address: SocketAddress, within remaining: Duration) -> TDSConfiguration {
        var configuration = server
        if let found = address.ipAddress, found != server.host {
            configuration.serverName = server.serverName ?? server.host
            configuration.host = found
        }
        configuration.deadlines = .init(each: remaining)
        // A connection whose query timed out is closed without waiting for the server's answer to the attention.
        configuration.deadlines.attention = .milliseconds(1)
        return configuration
    }

    private typealias Ended = (result: Result<TDSConnection, TDSError>, at: RunTime)

    /// Connects, and gives up at `deadline` in any phase: the phases' own timeouts may add up to more.
    private func connect(_ configuration: TDSConfiguration, deadline: RunTime) async -> Ended {
        let remaining = TimeAmount.nanoseconds(max(0, (deadline - clock.now).wholeNanoseconds))
        do throws(TDSError) {
            return (.success(try await TDSConnection.connect(configuration, on: eventLoop, until: eventLoop.now + remaining)), clock.now)
        } catch {
            return (.failure(error), error.at.map(clock.time) ?? clock.now)
        }
    }
}
