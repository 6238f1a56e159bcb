/// A day of the proleptic Gregorian calendar, counted from 0001-01-01 (day 0).
public struct TDSDate: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 0001-01-01 to 9999-12-31.
    public static let validDays: ClosedRange<Int32> = 0...3_652_058
    /// Day 0 of datetime and smalldatetime.
    static let year1900: Int32 = 693_595

    public var days: Int32

    public init(days: Int32) { self.days = days }

    /// The day of a civil date; the parts are not checked against the calendar.
    public init(year: Int, month: Int, day: Int) {
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil; its day 0 is 0000-03-01.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.days = Int32(era * 146_097 + dayOfEra - 306)
    }

    /// Year, month and day.
    public var civil: (year: Int, month: Int, day: Int) {
        let shifted = Int(self.days) + 306
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    public static func < (left: Self, right: Self) -> Bool { left.days < right.days }

    public var description: String {
        let (year, month, day) = self.civil
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

/// A time of day in units of 100 ns since midnight.
public struct TDSTime: Sendable, Hashable, Comparable, CustomStringConvertible {
    public static let ticksPerSecond: Int64 = 10_000_000
    public static let ticksPerDay: Int64 = 86_400 * ticksPerSecond

    public var ticks: Int64

    public init(ticks: Int64) { self.ticks = ticks }

    public init(hour: Int, minute: Int, second: Int, nanosecond: Int = 0) {
        self.ticks = Int64((hour * 60 + minute) * 60 + second) * Self.ticksPerSecond + Int64(nanosecond / 100)
    }

    public static func < (left: Self, right: Self) -> Bool { left.ticks < right.ticks }

    /// `hh:mm:ss.nnnnnnn`.
    public var description: String {
        let seconds = Int(self.ticks / Self.ticksPerSecond)
        let fraction = Int(self.ticks % Self.ticksPerSecond)
        return "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(padded(fraction, 7))"
    }
}

/// A day and a time of day.
public struct TDSDateTime: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var date: TDSDate
    public var time: TDSTime

    public init(date: TDSDate, time: TDSTime) {
        self.date = date
        self.time = time
    }

    public static func < (left: Self, right: Self) -> Bool { (left.date, left.time) < (right.date, right.time) }

    public var description: String { "\(self.date) \(self.time)" }
}

private func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return digits.count >= width ? digits : String(repeating: "0", count: width - digits.count) + digits
}
