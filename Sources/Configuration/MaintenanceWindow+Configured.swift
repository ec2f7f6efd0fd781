import SafeSwitch

/// The days of the week, Monday (0) first, as they are written.
private let dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

extension MaintenanceWindow {
    /// A window as it is written: `Sun 02:00-04:00`, `22:00-06:00`, `Mon-Fri,Sun 09:00-17:00`.
    static func parse(_ tree: Tree) throws(Complaint) -> MaintenanceWindow {
        let text = try text(tree)
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard let last = parts.last, parts.count <= 2,
            let days = parts.count == 2 ? days(parts[0]) : Array(0...6),
            let (begin, end) = times(last)
        else {
            throw Complaint(
                "\(quoted(text)) is not a time of the week",
                "write UTC such as 22:00-06:00 or Sat,Sun 02:00-04:00")
        }
        guard begin != end else {
            throw Complaint(
                "\(quoted(text)) ends when it begins", "write 00:00-24:00 for whole days")
        }
        return MaintenanceWindow(days: days, begin: begin, end: end)
    }

    /// `Sun`, `Mon-Fri`, `Sat-Mon`, `Mon,Wed-Fri`: the days' numbers, lowest first.
    private static func days(_ text: Substring) -> [Int]? {
        var days = Set<Int>()
        for range in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { name in
                dayNames.firstIndex { $0 == name }
            }
            guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1] else {
                return nil
            }
            // Sat-Mon goes over the week's end.
            let length = (last - first + dayNames.count) % dayNames.count
            days.formUnion((0...length).map { (first + $0) % dayNames.count })
        }
        return days.sorted()
    }

    /// `22:00-06:00`
    private static func times(_ text: Substring) -> (begin: Int, end: Int)? {
        let times = text.split(separator: "-", omittingEmptySubsequences: false).map(minutes)
        guard times.count == 2, let begin = times[0], let end = times[1], begin < minutesADay
        else { return nil }
        return (begin, end)
    }

    /// `06:30` as minutes after midnight; `24:00` is the day's end.
    private static func minutes(_ text: Substring) -> Int? {
        let digits = text.split(separator: ":", omittingEmptySubsequences: false)
        guard digits.count == 2,
            digits.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy(isDigit) }),
            let hour = Int(digits[0]), let minute = Int(digits[1]), minute < 60,
            hour * 60 + minute <= minutesADay
        else { return nil }
        return hour * 60 + minute
    }

    /// How it is written: `Sat,Sun 02:00-04:00`.
    var configured: String {
        let times = "\(clock(begin))-\(clock(end))"
        guard days != Array(0...6) else { return times }
        return days.map { dayNames[$0] }.joined(separator: ",") + " " + times
    }
}

private let minutesADay = 24 * 60

private func clock(_ minutes: Int) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(two(minutes / 60)):\(two(minutes % 60))"
}
