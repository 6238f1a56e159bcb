import Journal
import NIOCore
import NIOPosix

/// Looks up the address of a host, as a separate phase: a failing DNS is not a failing server.
struct AddressLookup {
    /// Returns the addresses of `host` in the resolver's order. Returns at once, and without a phase, if `host` is an address.
    static func resolve(
        _ host: String, port: Int, deadline: RunTime, _ context: ProbeContext, _ outcome: inout ProbeOutcome
    ) async -> SocketAddress? {
        if let literal = try? SocketAddress(ipAddress: host, port: port) { return literal }
        let started = context.clock.now
        do {
            // The system's resolver blocks and cannot be interrupted. It runs on a thread, and the probe ends at the deadline without it.
            let lookup = NIOThreadPool.singleton.runIfActive(eventLoop: context.eventLoop) {
                try SocketAddress.makeAddressResolvingHost(host, port: port)
            }
            let address = try await lookup.orTimeout(at: deadline, context).get()
            outcome.completed("dns", took: context.clock.now - started)
            return address
        } catch is DeadlineExceeded {
            outcome.failure = Failure(phase: "dns", kind: "timeout", message: "\(host) was not resolved in time")
        } catch is SocketAddressError.UnknownHost {
            outcome.failure = Failure(phase: "dns", kind: "unresolved", message: "the name \(host) does not resolve here")
        } catch {
            outcome.failure = Failure(phase: "dns", kind: "unresolved", message: "\(host): \(error)")
        }
        return nil
    }
}

/// The deadline of a probe passed.
struct DeadlineExceeded: Error {}

extension EventLoopFuture where Value: Sendable {
    /// Returns the same result, or throws ``DeadlineExceeded`` if it has not come by `deadline`.
    fileprivate func orTimeout(at deadline: RunTime, _ context: ProbeContext) -> EventLoopFuture<Value> {
        let promise = eventLoop.makePromise(of: Value.self)
        let remaining = (deadline - context.clock.now).wholeNanoseconds
        let timer = eventLoop.scheduleTask(in: .nanoseconds(max(0, remaining))) { promise.fail(DeadlineExceeded()) }
        whenComplete { result in
            timer.cancel()
            promise.completeWith(result)
        }
        return promise.futureResult
    }
}
