public import Supervision

extension Interval {
    /// The interval that a duration's text means: `250ms`, `2s`, `10m`, `6h`, `1d`.
    public init?(configured text: String) {
        let units: [(suffix: String, nanoseconds: Int64)] = [
            ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
            ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }),
            let number: Int64 = decimal(text.dropLast(unit.suffix.utf8.count)), number >= 0
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit.nanoseconds)
        guard !overflow else { return nil }
        self.init(nanoseconds: product)
    }

    /// The shortest text that means this interval, to the millisecond: `90s`, `10m`, `1d`.
    public var configured: String {
        let milliseconds = nanoseconds / 1_000_000
        let units: [(suffix: String, milliseconds: Int64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
        ]
        for unit in units where milliseconds > 0 && milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
        }
        return "\(milliseconds)ms"
    }
}
