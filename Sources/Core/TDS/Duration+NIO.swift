import NIOCore

extension Duration {
    init(_ amount: TimeAmount) {
        self = .nanoseconds(amount.nanoseconds)
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        // No longer than a deadline can be moved from any now.
        let longest = Duration.nanoseconds(Int64.max / 4)
        let (seconds, attoseconds) = max(.zero - longest, min(duration, longest)).components
        self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
