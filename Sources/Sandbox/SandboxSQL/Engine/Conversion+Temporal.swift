extension Conversion {
    func temporal(_ value: SQLValue) throws(SQLError) -> Moment {
        guard case .text(let text) = value, let moment = Moment(text) else { throw .temporalConversion }
        var result = moment
        if to.isTime { result.days = 0 }
        if to == .date { result.ticks = 0 }
        guard to != .datetime || result.days >= Moment.firstDatetimeDay else {
            throw SQLError(
                number: 242, state: 3,
                message: "The conversion of a \(from.name) data type to a datetime data type resulted in an out-of-range value.",
                scope: .transaction)
        }
        return result
    }

    /// CONVERT's styles for dates; without one, `datetime` reads "Nov 21 2026  9:30AM" and the others are ISO.
    func temporalText(_ text: String) throws(SQLError) -> String {
        guard let moment = Moment(text) else { return text }
        let scale: Int
        switch from {
        case .datetime: scale = 3
        case .datetime2(let digits), .time(let digits): scale = digits
        default: scale = 0
        }
        switch style ?? (from == .datetime ? 0 : 121) {
        case 0, 100:
            return from == .date ? moment.monthText : "\(moment.monthText) \(moment.twelveHourText)"
        case 112:
            return String(moment.dateText.filter { $0 != "-" })
        case 23:
            return moment.dateText
        case 108, 8:
            return moment.timeText(scale: 0)
        case 120, 20:
            return from == .date ? text : from.isTime ? moment.timeText(scale: 0) : "\(moment.dateText) \(moment.timeText(scale: 0))"
        case 121, 21, 25:
            return text
        case 126, 127:
            guard from != .date, !from.isTime else { return text }
            let digits = from == .datetime && moment.ticks % Moment.ticksPerSecond == 0 ? 0 : scale
            return "\(moment.dateText)T\(moment.timeText(scale: digits))\(style == 127 ? "Z" : "")"
        default:
            throw .unsupported("CONVERT of \(from.name) with style \(style ?? 0)")
        }
    }
}

extension Moment {
    /// 1753-01-01, before which `datetime` has no values.
    static let firstDatetimeDay = 639_905

    fileprivate var monthText: String {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let (year, month, day) = date
        return "\(names[month - 1]) \(day < 10 ? " " : "")\(day) \(padded(year, 4))"
    }

    fileprivate var twelveHourText: String {
        let hour = Int(ticks / Moment.ticksPerSecond) / 3600
        let minute = Int(ticks / Moment.ticksPerSecond) / 60 % 60
        let shown = hour % 12 == 0 ? 12 : hour % 12
        return "\(shown < 10 ? " " : "")\(shown):\(padded(minute, 2))\(hour < 12 ? "AM" : "PM")"
    }
}
