import Experiment
public import Foundation

/// Hours of the day in which no shard starts.
public struct QuietHours: Sendable, Hashable {
    /// The names of the days in the file, in the calendar's order.
    static let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    private let from: Int
    private let minutes: Int
    private let weekdays: Set<Int>
    private let calendar: Calendar

    init(_ value: FormatValue) {
        func minute(_ field: String) -> Int {
            let parts = value.requiredText(field).split(separator: ":").compactMap { Int($0) }
            return parts[0] * 60 + parts[1]
        }
        from = minute("from")
        let length = minute("to") - from
        minutes = length > 0 ? length : length + 24 * 60
        let named = value.strings("days") ?? Self.days
        weekdays = Set(Self.days.indices.filter { named.contains(Self.days[$0]) }.map { $0 + 1 })
        var calendar = Calendar(identifier: .gregorian)
        guard let zone = Self.zone(value.requiredText("timeZone")) else { preconditionFailure("the time zone has been checked") }
        calendar.timeZone = zone
        self.calendar = calendar
    }

    static func zone(_ name: String) -> TimeZone? { name == "UTC" ? .gmt : TimeZone(identifier: name) }

    /// Returns the end of the quiet hours that a run from `start` to `end` would touch; `nil` if it touches none.
    public func end(touchedFrom start: Date, to end: Date) -> Date? {
        let midnight = calendar.startOfDay(for: start)
        // Quiet hours of yesterday may last into today.
        var day = calendar.date(byAdding: .day, value: -1, to: midnight) ?? midnight
        while day <= end {
            if weekdays.contains(calendar.component(.weekday, from: day)),
                let begin = calendar.date(bySettingHour: from / 60, minute: from % 60, second: 0, of: day),
                let over = calendar.date(byAdding: .minute, value: minutes, to: begin), begin < end, over > start
            {
                return over
            }
            guard let next = calendar.date(byAdding: .day, value: 1, to: day) else { return nil }
            day = next
        }
        return nil
    }
}

extension Fleet {
    /// Returns the earliest time from `now` on at which a run of this length touches no quiet hours.
    ///
    /// - Returns: `nil` if there is none within two weeks, because the run is longer than every gap.
    public func firstStart(at now: Date, lasting seconds: TimeInterval) -> Date? {
        var start = now
        while start <= now.addingTimeInterval(14 * 24 * 3600) {
            guard let end = quietHours.compactMap({ $0.end(touchedFrom: start, to: start.addingTimeInterval(seconds)) }).max() else {
                return start
            }
            start = end
        }
        return nil
    }
}
