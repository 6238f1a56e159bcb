extension Moment {
    /// DATEADD; nil outside of the calendar.
    func adding(_ amount: Int64, _ part: DatePart) -> Moment? {
        let result: Moment?
        switch part {
        case .year: result = addingMonths(amount, times: 12)
        case .quarter: result = addingMonths(amount, times: 3)
        case .month: result = addingMonths(amount, times: 1)
        case .day: result = Int(exactly: amount).map { Moment(days: days &+ $0, ticks: ticks) }
        case .nanosecond: result = adding(ticks: amount / 100)
        case .hour, .minute, .second, .millisecond, .microsecond:
            let product = amount.multipliedReportingOverflow(by: part.ticks ?? 1)
            result = product.overflow ? nil : adding(ticks: product.partialValue)
        }
        guard let result, (0...Moment.lastDay).contains(result.days) else { return nil }
        return result
    }

    private func addingMonths(_ amount: Int64, times factor: Int64) -> Moment? {
        guard abs(amount) <= 120_000 else { return nil }
        let (year, month, day) = date
        let months = Int64(year) * 12 + Int64(month - 1) + amount * factor
        guard months >= 12 else { return nil }
        let (newYear, newMonth) = (Int(months / 12), Int(months % 12) + 1)
        return Moment(year: newYear, month: newMonth, day: min(day, Moment.daysIn(newMonth, of: newYear)), ticks: ticks)
    }

    /// DATEDIFF: how many boundaries of the unit lie between the two.
    func boundaries(of part: DatePart, to other: Moment) -> Int64? {
        func months(_ moment: Moment) -> Int64 { Int64(moment.date.year) * 12 + Int64(moment.date.month - 1) }
        switch part {
        case .year: return Int64(other.date.year - date.year)
        case .quarter: return months(other) / 3 - months(self) / 3
        case .month: return months(other) - months(self)
        case .day: return Int64(other.days - days)
        case .nanosecond:
            let ticks = Int64(other.days - days) * Moment.ticksPerDay + other.ticks - self.ticks
            let product = ticks.multipliedReportingOverflow(by: 100)
            return product.overflow ? nil : product.partialValue
        case .hour, .minute, .second, .millisecond, .microsecond:
            let unit = part.ticks ?? 1
            return Int64(other.days - days) * (Moment.ticksPerDay / unit) + other.ticks / unit - ticks / unit
        }
    }

    /// DATEPART.
    func value(of part: DatePart) -> Int64 {
        switch part {
        case .year: Int64(date.year)
        case .quarter: Int64((date.month + 2) / 3)
        case .month: Int64(date.month)
        case .day: Int64(date.day)
        case .hour: ticks / 36_000_000_000
        case .minute: ticks / 600_000_000 % 60
        case .second: ticks / 10_000_000 % 60
        case .millisecond: ticks % 10_000_000 / 10_000
        case .microsecond: ticks % 10_000_000 / 10
        case .nanosecond: ticks % 10_000_000 * 100
        }
    }
}
