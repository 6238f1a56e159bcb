import Journal
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Watches the queue of the connections that a listener has not accepted yet. While it is full, the kernel drops every further SYN.
///
/// A connection stays in the queue when its client resets it. At 1,000 connects a second a queue of 4,096 is full after 4 s.
final class ListenQueue {
    static let interval = TimeAmount.milliseconds(1)

    /// The past times in which the queue was full.
    private(set) var full: [TrueOutage] = []
    private var filled: ClosedRange<RunTime>?
    private var looked: RunTime
    private let listener: any Channel
    private let clock: RunClock

    init(of listener: any Channel, clock: RunClock) {
        self.listener = listener
        self.clock = clock
        looked = clock.now
    }

    /// Reads the length once, and returns whether the queue is full.
    func look() -> Bool {
        let before = looked
        let isFull = Self.isFull(listener)
        looked = clock.now
        if isFull, filled == nil {
            filled = before...looked
        } else if !isFull, let began = filled {
            full.append(TrueOutage(began: began, ended: before...looked))
            filled = nil
        }
        return isFull
    }

    private static func isFull(_ listener: any Channel) -> Bool {
        #if os(Linux)
            let isFull = try? listener.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
                var info = tcp_info()
                var size = socklen_t(MemoryLayout<tcp_info>.size)
                guard getsockopt(socket, CInt(IPPROTO_TCP), TCP_INFO, &info, &size) == 0 else { return false }
                // For a listener, Linux puts the length of its queue and the limit of that length here.
                return info.tcpi_unacked > info.tcpi_sacked
            }
            return isFull ?? false
        #else
            return false
        #endif
    }
}
