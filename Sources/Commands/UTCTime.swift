/// A moment as people write it: `2026-11-21 03:27:30.123`, UTC.
struct UTCTime: Equatable, CustomStringConvertible {
    /// Nanoseconds since 1970.
    let nanoseconds: Int64

    /// A moment in milliseconds since 1970.
    init(milliseconds: Int64) { nanoseconds = milliseconds.multipliedClamping(by: 1_000_000) }

    /// A moment in nanoseconds since 1970.
    init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// `2026-11-21 03:27:30 UTC`
    var toTheSecond: String { "\(description.dropLast(4)) UTC" }

    /// Days are counted in eras of 400 years that begin on 1 March of year 0, so that the leap
    /// day is a year's last and the calendar repeats.
    var description: String {
        let milliseconds = Self.split(nanoseconds, 1_000_000).whole
        let (seconds, fraction) = Self.split(milliseconds, 1000)
        let (days, secondOfDay) = Self.split(seconds, 86_400)
        let (era, dayOfEra) = Self.split(days + 719_468, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = "\(Self.pad(year, 4))-\(Self.pad(month, 2))-\(Self.pad(day, 2))"
        let (hour, secondOfHour) = Self.split(secondOfDay, 3600)
        let (minute, second) = Self.split(secondOfHour, 60)
        let time = "\(Self.pad(hour, 2)):\(Self.pad(minute, 2)):\(Self.pad(second, 2))"
        return "\(date) \(time).\(Self.pad(fraction, 3))"
    }

    /// Division that rounds down, so that moments before 1970 work too.
    private static func split(_ value: Int64, _ unit: Int64) -> (whole: Int64, rest: Int64) {
        let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
        return rest < 0 ? (whole - 1, rest + unit) : (whole, rest)
    }

    private static func pad(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Int64 {
    /// The product, or the number nearest to it that there is: a stranger's number is no trap.
    fileprivate func multipliedClamping(by factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? (self < 0 ? .min : .max) : product
    }
}

/// A length of time as people say it: `850ms`, `12s`, `3m 4s`, `2h 5m`, `9d 1h`.
struct Span: CustomStringConvertible {
    /// Milliseconds; a negative span counts as none.
    let milliseconds: Int64

    var description: String {
        let milliseconds = max(0, milliseconds)
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        let seconds = milliseconds / 1000
        let units: [(name: String, seconds: Int64)] = [
            ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1),
        ]
        let first = units.firstIndex { seconds >= $0.seconds } ?? units.count - 1
        let whole = seconds / units[first].seconds
        let text = "\(whole)\(units[first].name)"
        guard first + 1 < units.count else { return text }
        let rest = seconds % units[first].seconds / units[first + 1].seconds
        return rest == 0 ? text : "\(text) \(rest)\(units[first + 1].name)"
    }
}
