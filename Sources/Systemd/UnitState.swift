/// What PID 1 says of a unit at one moment. What a unit of its type does not have is empty, zero or
/// `nil`.
public struct UnitState: Equatable, Sendable {
    /// So many names in `triggeredBy` are kept.
    public static let mostTriggers = 64

    /// The unit's first name: of an alias, that of the unit it stands for.
    public var id = ""
    /// `loaded`, `not-found`, `masked`, `bad-setting`, `error`, …
    public var loadState = ""
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`, …
    public var activeState = ""
    /// Finer, by type: `running`, `dead`, `auto-restart`, …
    public var subState = ""
    /// How the unit file stands: `enabled`, `static`, `transient`, …
    public var unitFileState = ""
    /// The job that waits or runs for it; 0: none.
    public var job: UInt32 = 0
    /// The run's id in hexadecimal; empty when it has never been started.
    public var invocation = ""
    /// Timers, sockets and paths that start it.
    public var triggeredBy: [String] = []
    /// What systemd does at the start limit, such as `none` or `reboot`.
    public var startLimitAction = ""
    /// What systemd does when it fails, such as `none` or `reboot`.
    public var failureAction = ""

    /// A service's type, `Type=`.
    public var type = ""
    /// A service's `Restart=`.
    public var restart = ""
    /// `success`, `exit-code`, `signal`, `core-dump`, `watchdog`, `start-limit-hit`, `oom-kill`, …
    ///
    /// The first failure stays: a unit that crashes until systemd does not restart it any more says
    /// how it crashed, not `start-limit-hit`. It is `failed` then, though `Restart=` is not `no`.
    public var result = ""
    /// The main process in PID 1's numbering; 0: none.
    public var mainPID: UInt32 = 0
    /// The main process that it has or had last.
    public var lastMainPID: UInt32 = 0
    /// How often systemd has restarted it by itself since somebody started it.
    public var restarts: UInt32 = 0
    /// The name on the bus that stands for the service, `BusName=`.
    public var busName = ""
    /// How the last main process ended: waitid(2)'s `si_code`; 0: it has not.
    public var exitCode: Int32 = 0
    /// The exit status, or the signal, by `exitCode`.
    public var exitStatus: Int32 = 0
    /// When it ended, in microseconds since 1970; 0: it has not.
    public var exitedAt: UInt64 = 0
    /// When the unit last came up, in microseconds of CLOCK_MONOTONIC; 0: never.
    public var activeEntered: UInt64 = 0
    /// When it last stopped being up, likewise.
    public var activeLeft: UInt64 = 0
    /// When it last began to come up, likewise.
    public var inactiveLeft: UInt64 = 0
    /// When it last was down, likewise.
    public var inactiveEntered: UInt64 = 0
    /// When the last main process began, likewise.
    public var mainBegan: UInt64 = 0
    /// When it ended, likewise; 0: it has not.
    public var mainEnded: UInt64 = 0
    /// So long it may be up, in microseconds, before systemd ends it as a failure, RuntimeMaxSec=;
    /// 0 and the largest number: for ever.
    public var longestRun: UInt64 = 0
    /// It is up even after its main process has ended well.
    public var remainsAfterExit = false
    /// Whom its processes run as, `User=`; empty: root.
    public var user = ""
    /// `Group=`; empty: the user's own.
    public var group = ""
    /// Its cgroup below the mount point; empty while it has none.
    public var controlGroup = ""
    /// Bytes of memory in its cgroup; `nil` where systemd does not count them.
    public var memory: UInt64?

    /// Nothing known.
    public init() {}
}

extension UnitState {
    /// The answer to GetAll; `nil` when it is not one.
    init?(_ message: borrowing BusMessage) {
        self.init()
        var state = self
        let isWhole = message.dictionary { name in
            state.read(name, message)
            return true
        }
        guard isWhole, !state.id.isEmpty else { return nil }
        self = state
    }

    /// Reads one property's variant. One of another type than expected counts as absent.
    private mutating func read(_ name: String, _ message: borrowing BusMessage) {
        switch name {
        case "Id": id = message.text
        case "LoadState": loadState = message.text
        case "ActiveState": activeState = message.text
        case "SubState": subState = message.text
        case "UnitFileState": unitFileState = message.text
        case "StartLimitAction": startLimitAction = message.text
        case "FailureAction": failureAction = message.text
        case "Type": type = message.text
        case "Restart": restart = message.text
        case "Result": result = message.text
        case "BusName": busName = message.text
        case "ControlGroup": controlGroup = message.text
        case "MainPID": mainPID = message.number
        case "ExecMainPID": lastMainPID = message.number
        case "NRestarts": restarts = message.number
        case "ExecMainCode": exitCode = message.signedNumber
        case "ExecMainStatus": exitStatus = message.signedNumber
        case "ExecMainExitTimestamp": exitedAt = message.time
        case "ActiveEnterTimestampMonotonic": activeEntered = message.time
        case "ActiveExitTimestampMonotonic": activeLeft = message.time
        case "InactiveExitTimestampMonotonic": inactiveLeft = message.time
        case "InactiveEnterTimestampMonotonic": inactiveEntered = message.time
        case "ExecMainStartTimestampMonotonic": mainBegan = message.time
        case "ExecMainExitTimestampMonotonic": mainEnded = message.time
        case "RuntimeMaxUSec": longestRun = message.time
        case "RemainAfterExit":
            remainsAfterExit = message.variant("b") { message.boolean() } ?? false
        case "User": user = message.text
        case "Group": group = message.text
        case "MemoryCurrent":
            memory = message.variant("t") { message.uint64() }
            if memory == .max { memory = nil }
        case "InvocationID":
            let bytes = message.variant("ay") { message.bytes() } ?? []
            invocation = bytes.map(hexadecimal).joined()
        case "TriggeredBy": triggeredBy = message.names(Self.mostTriggers)
        case "Job": job = message.job
        default: _ = message.skip("v")
        }
    }
}

extension BusMessage {
    /// A dictionary from names to variants; `body` reads the variant.
    borrowing func dictionary(_ body: (String) -> Bool) -> Bool {
        array(of: "{sv}") {
            inside("e", "sv") {
                guard let name = string() else { return false }
                return body(name)
            }
        }
    }

    fileprivate var text: String { variant("s") { string() } ?? "" }
    fileprivate var number: UInt32 { variant("u") { uint32() } ?? 0 }
    fileprivate var time: UInt64 { variant("t") { uint64() } ?? 0 }
    fileprivate var signedNumber: Int32 { variant("i") { int32() } ?? 0 }

    fileprivate var job: UInt32 {
        variant("(uo)") {
            var id: UInt32?
            return inside("r", "uo") {
                id = uint32()
                return skip("o")
            } ? id : nil
        } ?? 0
    }

    fileprivate borrowing func names(_ most: Int) -> [String] {
        variant("as") {
            var names: [String] = []
            _ = array(of: "s") {
                guard let name = string() else { return false }
                if names.count < most { names.append(name) }
                return true
            }
            return names
        } ?? []
    }
}
