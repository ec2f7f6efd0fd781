public import SafeSwitch
public import Supervision

/// Everything that Regen says to its ledger: the mind's records and the daemon's own.
///
/// Keys never change their meaning; new ones may be added. See docs/ledger.md for the list.
public enum Entry: Sendable {
    /// The mind's.
    case mind(Supervision.Record)
    /// SafeSwitch's.
    case switching(SwitchRecord)
    /// The daemon began: its process and version.
    case daemonStarted(pid: Int32, version: String)
    /// The daemon ends: by which signal or word, how many services it leaves running, and whether the
    /// machine is known to go down.
    case daemonStopped(reason: String, left: Int, withMachine: Bool = false)
    /// A configuration came into force.
    case configurationLoaded(file: String, services: Int, instances: Int)
    /// A configuration was refused; the old one stays in force.
    case configurationRefused(file: String, errors: Int)
    /// The machine has booted since the last record, and why.
    case booted(BootReport)
    /// Whether this boot may count as a good one was judged, after so long.
    case bootChecked(BootGateFacts, BootVerdict, after: Interval)
    /// The clock was set while nobody looked: by so many nanoseconds, forward if positive.
    case clockStepped(by: Int64)
    /// Somebody with the right to act asked for it over the control socket.
    case asked(method: StaticString, services: [String], uid: UInt32, pid: Int32)
    /// A service's output goes nowhere, because its log could not be opened.
    case logUnavailable(InstanceID, errno: Int32)
    /// A worker failed and is replaced: which, and why. Says nothing of any service.
    case workerFailed(role: String, pid: Int32, reason: String)
    /// A step of a service's own sequence ended, after so long.
    case stepEnded(InstanceID, step: String, number: Int, StepEnd, took: Interval)
    /// What is known of the cause of an incident.
    case diagnosed(InstanceID, incident: Int, Cause)
    /// A service's log was over its bound, and was copied aside and cut.
    case logRotated(InstanceID, bytes: Int64)
    /// People were told over this route, at this attempt; `reason`: why not all of them.
    case noticeDelivered(route: String, ToldNotice, attempts: Int, reason: String = "")
    /// They were not, and will not be.
    case noticeGivenUp(route: String, ToldNotice, attempts: Int, reason: String)
    /// So many notices were dropped: more waited than may.
    case noticesDropped(route: String, count: Int)
    /// An attempt over this route failed; the one before, if any, had not. It is tried again.
    case routeFailed(route: String, reason: String)
    /// systemd cannot be reached: nothing is known of units, and nothing can be done to them. Says
    /// nothing of any unit.
    case systemdLost(reason: String)
    /// It answers again.
    case systemdFound
    /// A route cannot be used as it is configured: a secret is missing, say.
    case routeRefused(route: String, reason: String)
    /// A watchdog device was opened, and is fed from now on.
    case watchdogOpened(ArmedWatchdog)
    /// Somebody else feeds it: who, where that is known; and how often systemd, which may be that
    /// one, hears that we are alive, where it wants to.
    case watchdogBusy(device: String, holder: String?, watchedEvery: Interval?)
    /// It is not fed from now on. Comes before that.
    case watchdogStarving(Feeding.Condition, detail: String)
    /// It is fed again; it was not for so long.
    case watchdogFed(after: Interval)
    /// It was let go: stopped (by the magic close), or left armed with this time-out.
    case watchdogClosed(device: String, magic: Bool, timeout: Interval?)
    /// A device, or where none is named each of them, is not used: why.
    case watchdogOff(device: String?, reason: String)
}

/// A watchdog device that is fed.
public struct ArmedWatchdog: Equatable, Sendable {
    /// The path that it was opened by.
    public var device: String
    /// What its driver calls it.
    public var identity: String
    /// The time-out that the configuration wants.
    public var asked: Interval
    /// The one that it has; `nil`: its driver does not say.
    public var timeout: Interval?
    /// So long before the reset it gives warning.
    public var pretimeout: Interval?
    /// It cannot be stopped any more; `nil`: nobody knows.
    public var isNoWayOut: Bool?
    /// It does not stay armed when we are killed: its driver knows no magic close.
    public var disarmsAtDeath: Bool
    /// Bits of why the machine was reset last; `nil`: its driver does not say.
    public var bootStatus: Int?

    /// A device.
    public init(
        device: String, identity: String, asked: Interval, timeout: Interval?,
        pretimeout: Interval? = nil, isNoWayOut: Bool? = nil, disarmsAtDeath: Bool = false,
        bootStatus: Int? = nil
    ) {
        self.device = device
        self.identity = identity
        self.asked = asked
        self.timeout = timeout
        self.pretimeout = pretimeout
        self.isNoWayOut = isNoWayOut
        self.disarmsAtDeath = disarmsAtDeath
        self.bootStatus = bootStatus
    }
}

/// Which notice a record is about.
public struct ToldNotice: Equatable, Sendable {
    /// The same as the receiver sees.
    public var id: String
    /// What it tells of: `incident.handover`.
    public var event: String
    /// The instance that it is about.
    public var instance: String?

    /// A notice.
    public init(id: String, event: String, instance: String?) {
        self.id = id
        self.event = event
        self.instance = instance
    }
}

/// How a step of a sequence ended.
public enum StepEnd: Equatable, Sendable {
    /// With this exit code.
    case code(Int32)
    /// By this signal.
    case signal(Int32)
    /// Not in time, so that it was killed.
    case late
    /// It could not be begun.
    case failed(String)
}

/// What is known of the cause of an incident, with the evidence for it.
public struct Cause: Equatable, Sendable {
    /// One word for the kind of cause.
    public var kind: String
    /// The cause in a sentence.
    public var text: String
    /// What it was concluded from, a line each.
    public var evidence: [String]
    /// The end of the log: its length in bytes and its SHA-256 in hexadecimal digits. The text stays
    /// in the log.
    public var output: (bytes: Int, digest: String)?
    /// Of a unit: its name, and the run that failed (InvocationID).
    public var unit: (name: String, invocation: String)?
    /// Where in the journal that output begins; `nil`: it is in a log of its own.
    public var cursor: String?

    /// A cause.
    public init(
        kind: String, text: String, evidence: [String] = [],
        output: (bytes: Int, digest: String)? = nil
    ) {
        self.kind = kind
        self.text = text
        self.evidence = evidence
        self.output = output
    }

    /// The same kind, words, evidence and output.
    public static func == (a: Cause, b: Cause) -> Bool {
        a.kind == b.kind && a.text == b.text && a.evidence == b.evidence
            && a.output?.digest == b.output?.digest && a.cursor == b.cursor
            && a.unit?.invocation == b.unit?.invocation
    }
}

/// What the ledger says of an instance and the mind does not know.
public struct InstanceFacts: Sendable {
    /// The instance's name: `web@1`.
    public var name: String
    /// The program's name, without its directory.
    public var program: String
    /// The fingerprint of what the process is given.
    public var launch: UInt64
    /// What its probes are called, by their place in the definition: `http http://…`.
    public var probeNames: [String]
    /// Why the last look of each failed, by the same place; empty where it did not.
    public var probeReasons: [String]
    /// What the last remedy did or found.
    public var remedyReason = ""

    /// Facts.
    public init(
        name: String, program: String, launch: UInt64, probeNames: [String] = [],
        probeReasons: [String] = []
    ) {
        self.name = name
        self.program = program
        self.launch = launch
        self.probeNames = probeNames
        self.probeReasons = probeReasons
    }

    /// What a probe is called; its place where nobody knows better.
    public func probeName(_ probe: Int) -> String {
        probeNames.indices.contains(probe) ? probeNames[probe] : "probe \(probe)"
    }

    /// Why the last look of a probe failed, where that is known.
    public func probeReason(_ probe: Int) -> String? {
        guard probeReasons.indices.contains(probe), !probeReasons[probe].isEmpty else {
            return nil
        }
        return probeReasons[probe]
    }
}
