/// A point in the proleptic Gregorian calendar: days since 0001-01-01 and 100 ns ticks of the day, as TDS counts them.
struct Moment: Equatable, Comparable {
    var days: Int
    var ticks: Int64

    static let ticksPerDay: Int64 = 864_000_000_000
    static let ticksPerSecond: Int64 = 10_000_000
    /// 1900-01-01, from which `datetime` counts and which a lone time is given as its date.
    static let epoch1900 = 693_595
    static let lastDay = 3_652_058

    static func < (left: Moment, right: Moment) -> Bool {
        (left.days, left.ticks) < (right.days, right.ticks)
    }

    init(days: Int, ticks: Int64) {
        self.days = days
        self.ticks = ticks
    }

    init?(year: Int, month: Int, day: Int, ticks: Int64 = 0) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= Moment.daysIn(month, of: year) else { return nil }
        let (y, m) = month <= 2 ? (year - 1, month + 9) : (year, month - 3)
        let era = y / 400
        let yearOfEra = y % 400
        let dayOfYear = (153 * m + 2) / 5 + day - 1
        self.init(days: era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 306, ticks: ticks)
    }

    static func daysIn(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    var date: (year: Int, month: Int, day: Int) {
        let shifted = days + 306
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        let month = m < 10 ? m + 3 : m - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * m + 2) / 5 + 1)
    }

    /// Rounds to `scale` decimal places of a second; a carry goes into the day.
    func rounded(toScale scale: Int) -> Moment {
        let unit = power10(7 - scale)
        return adding(ticks: (ticks + unit / 2) / unit * unit - ticks)
    }

    /// Rounds to 1/300 s as `datetime` does, the value then being shown with .000, .003 or .007.
    func roundedToDatetime() -> Moment {
        var moment = self
        let units = (ticks * 300 + Moment.ticksPerSecond / 2) / Moment.ticksPerSecond
        // Shown in whole milliseconds: 1/300 s is 3.33 ms.
        moment.ticks = (units * 10 + 1) / 3 * 10_000
        return moment.adding(ticks: 0)
    }

    func adding(ticks more: Int64) -> Moment {
        let sum = ticks + more
        let carry = sum >= 0 ? sum / Moment.ticksPerDay : -((-sum + Moment.ticksPerDay - 1) / Moment.ticksPerDay)
        return Moment(days: days + Int(carry), ticks: sum - carry * Moment.ticksPerDay)
    }

    // MARK: Text

    var dateText: String {
        let (year, month, day) = date
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    func timeText(scale: Int) -> String {
        let seconds = Int(ticks / Moment.ticksPerSecond)
        let text = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        guard scale > 0 else { return text }
        return text + "." + padded(Int(ticks % Moment.ticksPerSecond / power10(7 - scale)), scale)
    }

    /// The text a value of `type` is stored as.
    func text(as type: DataType) -> String {
        switch type {
        case .date: dateText
        case .time(let scale): rounded(toScale: scale).timeText(scale: scale)
        case .datetime: roundedToDatetime().plainText(scale: 3)
        case .datetime2(let scale): rounded(toScale: scale).plainText(scale: scale)
        default: plainText(scale: 7)
        }
    }

    private func plainText(scale: Int) -> String { "\(dateText) \(timeText(scale: scale))" }

    /// Reads the ISO forms `yyyy-mm-dd`, `yyyymmdd`, `hh:mm[:ss[.fffffff]]` and a date and time with a blank or T between them.
    init?(_ text: String) {
        var scanner = Scanner(text)
        self.init(days: Moment.epoch1900, ticks: 0)
        if let date = scanner.date() {
            days = date.days
            guard !scanner.isAtEnd else { return }
            guard scanner.takeSeparator() else { return nil }
        }
        guard let time = scanner.time(), scanner.isAtEnd else { return nil }
        ticks = time
    }

    private struct Scanner {
        private var rest: Substring.UTF8View

        init(_ text: String) {
            var view = Substring(text).utf8
            while view.first == 0x20 { view.removeFirst() }
            while view.last == 0x20 { view.removeLast() }
            rest = view
        }

        var isAtEnd: Bool { rest.isEmpty }

        private mutating func digits(_ count: ClosedRange<Int>) -> (value: Int, count: Int)? {
            let digits = rest.prefix(count.upperBound).prefix { $0.isDigit }
            guard digits.count >= count.lowerBound else { return nil }
            rest.removeFirst(digits.count)
            return (digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }, digits.count)
        }

        private mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func takeSeparator() -> Bool { take(" ") || take("T") }

        mutating func date() -> Moment? {
            let start = rest
            if let year = digits(4...4)?.value {
                if take("-") || take("/") {
                    if let month = digits(1...2)?.value, take("-") || take("/"), let day = digits(1...2)?.value {
                        return Moment(year: year, month: month, day: day)
                    }
                } else if let month = digits(2...2)?.value, let day = digits(2...2)?.value {
                    return Moment(year: year, month: month, day: day)
                }
            }
            rest = start
            return nil
        }

        mutating func time() -> Int64? {
            guard let hour = digits(1...2)?.value, hour < 24, take(":"), let minute = digits(1...2)?.value, minute < 60 else { return nil }
            var ticks = Int64(hour * 3600 + minute * 60) * Moment.ticksPerSecond
            guard take(":") else { return ticks }
            guard let second = digits(1...2)?.value, second < 60 else { return nil }
            ticks += Int64(second) * Moment.ticksPerSecond
            guard take(".") else { return ticks }
            guard let fraction = digits(1...9) else { return nil }
            // Beyond 100 ns the text is rounded to it.
            let scaled =
                fraction.count <= 7
                ? Int64(fraction.value) * power10(7 - fraction.count)
                : (Int64(fraction.value) + power10(fraction.count - 7) / 2) / power10(fraction.count - 7)
            return ticks + scaled
        }
    }
}

func power10(_ exponent: Int) -> Int64 {
    (0..<exponent).reduce(1) { value, _ in value * 10 }
}

func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
