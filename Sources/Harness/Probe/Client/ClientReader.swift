import Journal
import Synchronization
import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads the output of a client program on a thread of its own, so that lines get their times even if the harness is busy.
///
/// It checks the pipe at least every ``pause``, so that the time at which it was last empty is recent.
final class ClientReader: Sendable {
    private static let pause: CInt = 10
    private static let chunk = 65_536

    private let output: FileDescriptor
    private let errors: FileDescriptor
    private let isStopped = Atomic(false)

    /// Takes over the reading ends, and closes them at the end of ``run(_:_:_:_:)``.
    init(output: FileDescriptor, errors: FileDescriptor) {
        self.output = output
        self.errors = errors
        for descriptor in [output, errors] {
            _ = fcntl(descriptor.rawValue, F_SETFL, fcntl(descriptor.rawValue, F_GETFL) | O_NONBLOCK)
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Returns when the program has closed its output, broken the protocol, or ``stop()`` was called.
    ///
    /// - Returns: what is wrong with the program; `nil` when it was stopped.
    func run(
        timeout: Duration, clock: RunClock, log: inout ClientLog, _ report: (ProbeResult) throws -> Void
    ) throws -> ClientFailed? {
        defer {
            log.finish()
            for descriptor in [output, errors] { try? descriptor.close() }
        }
        var operations = ClientOperations(timeout: timeout)
        var lines = ClientLines()
        var empty = clock.now
        while !isStopped.load(ordering: .relaxed) {
            readErrors(into: &log)
            let looked = clock.now
            switch read(output) {
            case .nothing:
                empty = looked
                for result in operations.expire(empty: empty) { try report(result) }
                wait()
            case .end:
                // The last output came before the end.
                readErrors(into: &log)
                return ClientFailed(kind: .ended, message: "it closed its output")
            case .bytes(let bytes):
                let now = clock.now
                do {
                    for (line, since) in try lines.take(bytes, since: empty) {
                        if let result = try operations.take(ClientLine(line), since: since, now: now) { try report(result) }
                    }
                } catch let error as ClientProtocolError {
                    return ClientFailed(kind: .brokeProtocol, message: error.description)
                }
            }
        }
        return nil
    }

    private enum Reading {
        case nothing, end
        case bytes([UInt8])
    }

    private func read(_ descriptor: FileDescriptor) -> Reading {
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        do {
            let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            return count == 0 ? .end : .bytes(Array(buffer[..<count]))
        } catch Errno.wouldBlock, Errno.interrupted {
            return .nothing
        } catch {
            return .end
        }
    }

    private func readErrors(into log: inout ClientLog) {
        if case .bytes(let bytes) = read(errors) { log.take(bytes) }
    }

    private func wait() {
        var descriptor = pollfd(fd: output.rawValue, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, 1, Self.pause)
    }
}

/// Splits a program's output into lines, each with the time at which the pipe was last empty before it.
struct ClientLines {
    private var rest: [UInt8] = []
    private var restSince = RunTime.origin

    mutating func take(_ bytes: [UInt8], since: RunTime) throws(ClientProtocolError) -> [(line: [UInt8], since: RunTime)] {
        var found: [(line: [UInt8], since: RunTime)] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                found.append((rest, rest.isEmpty ? since : restSince))
                rest = []
            } else {
                if rest.isEmpty { restSince = since }
                rest.append(byte)
                guard rest.count < ClientLine.longest else {
                    throw ClientProtocolError("a line is longer than \(ClientLine.longest) bytes")
                }
            }
        }
        return found
    }
}
