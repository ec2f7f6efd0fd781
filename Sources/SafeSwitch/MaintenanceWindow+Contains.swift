extension MaintenanceWindow {
    private static let minutesOfDay: Int64 = 24 * 60

    /// Whether a moment lies within it. `wall`: nanoseconds since 1970.
    public func contains(wall: Int64) -> Bool {
        let minutes = Self.floor(wall, 60_000_000_000)
        let day = Self.floor(minutes, Self.minutesOfDay)
        let minute = Int(minutes - day * Self.minutesOfDay)
        // 1 January 1970 was a Thursday: 3, counted from Monday.
        let weekday = Int((day % 7 + 7 + 3) % 7)
        let yesterday = (weekday + 6) % 7
        if begin < end { return days.contains(weekday) && begin..<end ~= minute }
        return days.contains(weekday) && minute >= begin
            || days.contains(yesterday) && minute < end
    }

    /// The quotient, towards minus infinity: moments before 1970 are in a week, too.
    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        value / divisor - (value % divisor < 0 ? 1 : 0)
    }
}
