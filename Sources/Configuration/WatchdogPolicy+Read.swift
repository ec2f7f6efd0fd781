import JSON
import Supervision

extension WatchdogPolicy {
    /// Beyond an hour nobody would call it watched.
    static let timeouts: ClosedRange<Interval> = shortestTimeout ... .hours(1)
    /// A disk under load takes seconds for an answer.
    static let stalls: ClosedRange<Interval> = .seconds(10) ... .hours(24)
    static let warnings: ClosedRange<Interval> = .seconds(1) ... .minutes(15)

    private static let keys = ["device", "timeout", "ledger_stall", "pretimeout", "test"]

    /// `nil` without `watchdog:`: no device is touched then.
    init?(root: Section, _ findings: inout Findings) {
        guard let place = root.place("watchdog") else { return nil }
        let section = Section(place, keys: Self.keys, &findings)
        self.init()
        readDevices(section, &findings)
        timeout = section.read("timeout", or: timeout, &findings, wholeSeconds(Self.timeouts))
        ledgerStall = section.read(
            "ledger_stall", or: ledgerStall, &findings, duration(Self.stalls))
        pretimeout = section.read("pretimeout", &findings, wholeSeconds(Self.warnings))
        isTest = section.read("test", or: isTest, &findings, boolean)
        check(section, &findings)
    }

    private mutating func readDevices(_ section: Section, _ findings: inout Findings) {
        guard let place = section.place("device") else { return }
        guard case .sequence = place.tree.content else {
            devices = [place.read(or: "", &findings, absolutePath)]
            return
        }
        devices =
            section.list("device", counts: 1...Self.mostDevices, &findings, absolutePath) ?? []
        if Set(devices).count < devices.count {
            findings.error(place, Complaint("a device is there twice", "keep one of them"))
        }
    }

    private func check(_ section: Section, _ findings: inout Findings) {
        // Fed at half of the time-out, it must not warn of a machine that is well but a little late.
        let most = timeout.nanoseconds / 4_000_000_000
        if let pretimeout, pretimeout > .seconds(most), let place = section.place("pretimeout") {
            findings.error(
                place,
                Complaint(
                    "\(pretimeout.configured) is more than a quarter of 'timeout' "
                        + "(\(timeout.configured))",
                    "write at most \(most)s, or it warns of machines that are well"))
        }
        if isTest, let place = section.place("test") {
            findings.warning(
                place,
                Complaint(
                    "no device is opened: nothing resets a machine that hangs",
                    "remove it when you have seen enough"))
        }
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        if !devices.isEmpty {
            json.key("device")
            json.array(devices) { $0.string($1) }
        }
        json.string("timeout", timeout.configured)
        json.string("ledger_stall", ledgerStall.configured)
        json.string("pretimeout", ifSet: pretimeout?.configured)
        json.bool("test", isTest)
        json.endObject()
    }
}

/// The device counts seconds.
private func wholeSeconds(
    _ range: ClosedRange<Interval>
) -> (Tree) throws(Complaint) -> Interval {
    { tree throws(Complaint) in
        let interval = try duration(range)(tree)
        guard interval.nanoseconds % 1_000_000_000 == 0 else {
            throw Complaint("\(interval.configured) is not a whole number of seconds")
        }
        return interval
    }
}
