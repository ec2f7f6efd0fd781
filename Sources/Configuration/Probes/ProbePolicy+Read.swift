import Supervision

extension ProbePolicy {
    static let keys = ["interval", "timeout", "strikes", "confirm_interval"]

    /// What a configuration may ask for.
    static let intervals: ClosedRange<Interval> = .milliseconds(100) ... .hours(24)
    static let timeouts: ClosedRange<Interval> = .milliseconds(10) ... .hours(1)
    static let confirmIntervals: ClosedRange<Interval> = .milliseconds(10) ... .hours(1)

    /// Changes what the section sets.
    mutating func read(_ section: Section, _ findings: inout Findings) {
        interval = section.read("interval", or: interval, &findings, duration(Self.intervals))
        timeout = section.read("timeout", or: timeout, &findings, duration(Self.timeouts))
        strikes = section.read("strikes", or: strikes, &findings, integer(1...Self.mostStrikes))
        confirmInterval = section.read(
            "confirm_interval", or: confirmInterval, &findings, duration(Self.confirmIntervals))
    }

    /// Tells what the sections, of which the second is within the first, set twice or unwisely.
    func check(_ section: Section, _ inside: Section, _ findings: inout Findings) {
        for key in Self.keys {
            guard section.has(key), let place = inside.place(key) else { continue }
            findings.error(place, Complaint("it is also set beside the probe", "keep one of them"))
        }
        check(section, &findings)
        check(inside, &findings)
    }

    /// Tells what the section sets unwisely.
    func check(_ section: Section, _ findings: inout Findings) {
        let place = section.place("timeout") ?? section.place("interval")
        if let place, timeout > interval {
            findings.warning(
                place,
                Complaint(
                    "the time-out of \(timeout.configured) is longer than the interval of "
                        + "\(interval.configured): while one look lasts, no other begins"))
        }
        if let place = section.place("strikes"), strikes == 1 {
            findings.warning(
                place, Complaint("with one strike, one lost packet restarts the service"))
        }
    }
}
