import NIOCore

extension Duration {
    init(_ amount: TimeAmount) {
        self = .nanoseconds(amount.nanoseconds)
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (nanoseconds, overflows) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        self = .nanoseconds(isTooLong || overflows ? Int64.max : nanoseconds)
    }
}
