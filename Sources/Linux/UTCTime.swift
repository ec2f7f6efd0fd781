/// A moment as people write it, UTC.
public struct UTCTime: Equatable, Sendable, CustomStringConvertible {
    /// Nanoseconds since 1970.
    public let nanoseconds: Int64

    /// A moment in milliseconds since 1970.
    public init(milliseconds: Int64) {
        nanoseconds = milliseconds.multipliedClamping(by: 1_000_000)
    }

    /// A moment in nanoseconds since 1970.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// `2026-11-21 03:27:30.123`
    public var description: String {
        "\(date) \(time).\(Self.pad(Self.split(milliseconds, 1000).rest, 3))"
    }

    /// `2026-11-21 03:27:30 UTC`
    public var toTheSecond: String { "\(date) \(time) UTC" }

    /// `2026-11-21T03:27:30Z`, ISO 8601.
    public var inISO8601: String { "\(date)T\(time)Z" }

    /// `Sat, 21 Nov 2026 03:27:30 +0000`, as a mail's header has it: RFC 5322.
    public var inMail: String {
        let (year, month, day) = calendar
        let names = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let weekday = weekdays[Int(Self.split(days, 7).rest)]
        return "\(weekday), \(day) \(names[Int(month) - 1]) \(Self.pad(year, 4)) \(time) +0000"
    }

    private var milliseconds: Int64 { Self.split(nanoseconds, 1_000_000).whole }
    private var seconds: Int64 { Self.split(milliseconds, 1000).whole }
    private var days: Int64 { Self.split(seconds, 86_400).whole }

    private var date: String {
        let (year, month, day) = calendar
        return "\(Self.pad(year, 4))-\(Self.pad(month, 2))-\(Self.pad(day, 2))"
    }

    private var time: String {
        let (hour, secondOfHour) = Self.split(Self.split(seconds, 86_400).rest, 3600)
        let (minute, second) = Self.split(secondOfHour, 60)
        return "\(Self.pad(hour, 2)):\(Self.pad(minute, 2)):\(Self.pad(second, 2))"
    }

    /// Days are counted in eras of 400 years that begin on 1 March of year 0, so that the leap
    /// day is a year's last and the calendar repeats.
    private var calendar: (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = Self.split(days + 719_468, 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
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
