import JSON
public import Supervision

/// What the ledger remembers of boots, in terms of this boot's clock.
public struct BootMemory: Equatable, Sendable {
    /// No record of this boot says yet that it is one.
    public var isNew = true
    /// Regen's last word in the boot before this one.
    public var lastWord = ResetFacts.LastWord.none
    /// When it was, in nanoseconds since 1970; `nil` where there was none.
    public var lastHeard: Int64?
    /// A hardware watchdog was running then.
    public var wasArmed = false
    /// Why this boot came about, where its record says so.
    public var report: BootReport?
    /// The resets by the hardware watchdog.
    public var resets = ResetHistory()
    /// Systems of which a boot was failed, the latest last; at most `mostFailed`.
    public var failed: [String] = []

    /// So many failed systems are kept: a `carry` record each.
    public static let mostFailed = 16

    /// Nothing remembered.
    public init() {}
}

/// Why the machine has booted, and from what this was concluded.
public struct BootReport: Equatable, Sendable {
    /// The cause.
    public var cause: ResetCause
    /// From what, in words.
    public var evidence: String

    /// A report.
    public init(cause: ResetCause, evidence: String) {
        self.cause = cause
        self.evidence = evidence
    }
}

/// What the lines so far say of boots.
struct BootPast: Sendable {
    typealias Moment = Recollection.Moment

    /// How far Regen had come in a boot.
    struct Life: Sendable {
        var word: ResetFacts.LastWord
        var isArmed: Bool
        var heard: Moment
    }

    /// The newest boot in which Regen has said anything.
    var life: Life?
    /// The one before it, as long as no record tells of the newer one.
    var earlier: Life?
    /// The boot that has a record, and what it says.
    var told: (boot: String, report: BootReport?)?
    var resets: [Moment] = []
    var failed: [String] = []

    /// WDIOF_CARDRESET: a device has reset the machine.
    private static let cardReset: Int64 = 0x20

    mutating func take(_ event: String, _ json: JSONValue, at moment: Moment) {
        // The ledger's own lines say that the daemon lives, but not what it does.
        let isLedgers =
            event == "seal" || event.hasPrefix("ledger.") || event.hasPrefix("segment.")
            || event.hasPrefix("seal.")
        if isLedgers {
            if life?.heard.boot == moment.boot { life?.heard = moment }
            return
        }
        hear(at: moment)
        switch event {
        case "daemon.start": life?.word = .running
        case "daemon.stop":
            life?.word = .stopped(withMachine: json["machine"]?.string == Self.goingDown)
        case "switch.step": if json["step"]?.string == "reboot" { life?.word = .rebooting }
        case "watchdog.starve": life?.word = .starving(json["condition"]?.string ?? "unknown")
        case "watchdog.fed": life?.word = .running
        case "watchdog.busy": life?.isArmed = true
        case "watchdog.open": open(json, at: moment)
        case "watchdog.close": if json["magic"]?.bool == true { life?.isArmed = false }
        case "boot": begin(json, at: moment)
        case "boot.check":
            if json["verdict"]?.string == "failed", let system = json["system"]?.string {
                fail(system)
            }
        case "clock.step": step(json["by_ms"]?.decimal ?? 0)
        default: break
        }
    }

    /// What `daemon.stop` says of the machine.
    static let goingDown = "stopping"

    private mutating func hear(at moment: Moment) {
        if let life, life.heard.boot == moment.boot {
            self.life?.heard = moment
        } else {
            earlier = life
            life = Life(word: .running, isArmed: false, heard: moment)
        }
    }

    private mutating func begin(_ json: JSONValue, at moment: Moment) {
        let cause = json["cause"]?.string.flatMap(ResetCause.init)
        told = (
            moment.boot,
            cause.map { BootReport(cause: $0, evidence: json["evidence"]?.string ?? "") }
        )
        earlier = nil
        if cause == .watchdog { noteReset(at: moment) }
    }

    /// A driver that came late, or that only tells whoever opens its device.
    private mutating func open(_ json: JSONValue, at moment: Moment) {
        life?.isArmed = true
        guard let status = json["bootstatus"]?.integer, status & Self.cardReset != 0,
            let report = told?.report, told?.boot == moment.boot, report.cause.mayYield
        else { return }
        let name = json["device"]?.string ?? "the device"
        told?.report = BootReport(cause: .watchdog, evidence: ResetFacts.words(of: name))
        noteReset(at: moment)
    }

    private mutating func noteReset(at moment: Moment) {
        resets = (resets + [moment]).suffix(ResetHistory.most)
    }

    private mutating func fail(_ system: String) {
        failed.removeAll { $0 == system }
        failed = (failed + [system]).suffix(BootMemory.mostFailed)
    }

    /// The wall clock was set: what it has aged until now it has aged, no less and no more.
    private mutating func step(_ milliseconds: Int64) {
        guard milliseconds.magnitude < .max / 1_000_000 else { return }
        for place in resets.indices {
            resets[place].wall = resets[place].wall.addingClamped(milliseconds * 1_000_000)
        }
    }

    func memory(at now: Moment) -> BootMemory {
        var memory = BootMemory()
        memory.isNew = told?.boot != now.boot
        let life = self.life?.heard.boot == now.boot ? earlier : self.life
        if let life {
            memory.lastWord = life.word
            memory.lastHeard = life.heard.wall
            memory.wasArmed = life.isArmed
        }
        if !memory.isNew { memory.report = told?.report }
        memory.resets = ResetHistory(stepped(to: now).resets.map { $0.instant(at: now) })
        memory.failed = failed
        return memory
    }

    /// The same, with a step of the clock that nobody has recorded yet.
    private func stepped(to now: Moment) -> BootPast {
        guard let newest = life?.heard, newest.boot == now.boot else { return self }
        let step = now.wall.subtractingClamped(newest.wall)
            .subtractingClamped(now.boottime.subtractingClamped(newest.boottime))
        guard step.magnitude > ClockWatch.tolerance.magnitude else { return self }
        var past = self
        past.step(step / 1_000_000)
        return past
    }
}

// MARK: Carrying

extension BootPast {
    func carry(at now: Moment, into json: inout JSONWriter, append: ([UInt8]) -> Void) {
        json.removeAll()
        json.string("what", "boot")
        if let told, told.boot == now.boot {
            json.bool("told", true)
            if let report = told.report {
                json.string("cause", report.cause.rawValue)
                json.clipped("evidence", report.evidence, to: SwitchLine.longestReason)
            }
        }
        json.key("reset_ages_ms")
        json.beginArray()
        for reset in stepped(to: now).resets { json.integer(reset.age(at: now) / 1_000_000) }
        json.endArray()
        append(json.bytes)
        for (what, life) in [("life", life), ("earlier-life", earlier)] {
            guard let life else { continue }
            json.removeAll()
            json.string("what", what)
            life.write(into: &json, at: now)
            append(json.bytes)
        }
        for system in failed {
            json.removeAll()
            json.string("what", "failed-boot")
            json.path("system", system)
            append(json.bytes)
        }
    }

    mutating func recall(_ json: JSONValue, at moment: Moment) {
        switch json["what"]?.string {
        case "boot":
            self = BootPast()
            if json["told"]?.bool == true {
                let cause = json["cause"]?.string.flatMap(ResetCause.init)
                told = (
                    moment.boot,
                    cause.map { BootReport(cause: $0, evidence: json["evidence"]?.string ?? "") }
                )
            }
            resets = (json["reset_ages_ms"]?.array ?? []).suffix(ResetHistory.most)
                .compactMap(\.integer).map { moment.earlier(by: $0) }
        case "life": life = Life(json, at: moment)
        case "earlier-life": earlier = Life(json, at: moment)
        case "failed-boot": if let system = json["system"]?.string { fail(system) }
        default: break
        }
    }
}

extension BootPast.Life {
    func write(into json: inout JSONWriter, at now: Recollection.Moment) {
        switch word {
        case .none: break
        case .running: json.string("word", "running")
        case .starving(let condition):
            json.string("word", "starving")
            json.clipped("condition", condition, to: SwitchLine.longestReason)
        case .rebooting: json.string("word", "rebooting")
        case .stopped(let withMachine):
            json.string("word", withMachine ? "stopped-with-machine" : "stopped")
        }
        if isArmed { json.bool("armed", true) }
        guard heard.boot != now.boot else { return }
        // As it was on the wall: what a crash left is compared with it.
        json.key("heard")
        json.decimal(heard.wall)
    }

    init?(_ json: JSONValue, at moment: Recollection.Moment) {
        switch json["word"]?.string {
        case "running": word = .running
        case "starving": word = .starving(json["condition"]?.string ?? "unknown")
        case "rebooting": word = .rebooting
        case "stopped-with-machine": word = .stopped(withMachine: true)
        case "stopped": word = .stopped(withMachine: false)
        default: return nil
        }
        isArmed = json["armed"]?.bool ?? false
        heard = moment
        if let wall = json["heard"]?.decimal {
            heard.wall = wall
            heard.boot = ""
        }
    }
}

extension Recollection {
    /// What is remembered of boots. An earlier boot's moments are aged by the wall clock, and by no
    /// step of it; they are at least as old as this boot.
    public func bootMemory(wall: Int64, boottime: Int64, boot: String) -> BootMemory {
        boots.memory(at: Moment(wall: wall, boottime: boottime, boot: boot))
    }
}

extension Int64 {
    /// The sum, or the number nearest to it that there is.
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
