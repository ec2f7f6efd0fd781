import Linux

/// One look at PID 1 over the bus, for commands: it asks, waits, and leaves. It changes nothing and
/// starts nothing.
public struct BusLook: Equatable, Sendable {
    /// So many nanoseconds each answer may take after the one before it.
    public static let patience: Int64 = 2_000_000_000
    /// So many questions wait for their answer; the rest waits for these.
    public static let questionsAtOnce = 64

    /// What PID 1 says of itself.
    public struct Manager: Equatable, Sendable {
        /// `252.39-1~deb12u1`; empty where it does not say.
        public var version = ""
        /// `RuntimeWatchdogSec=` in microseconds; 0: it feeds no watchdog.
        public var runtimeWatchdog: UInt64 = 0
        /// The device that it feeds; empty where it feeds none, or does not say.
        public var watchdogDevice = ""

        /// Nothing known.
        public init() {}
    }

    /// What is known of one unit.
    public enum Sight: Equatable, Sendable {
        /// Its state.
        case state(UnitState)
        /// PID 1 did not tell, and why.
        case refused(BusRefusal)
    }

    /// The instances of a template that PID 1 has loaded.
    public struct Instances: Equatable, Sendable {
        /// Their names.
        public var names: [UnitName]
        /// Whether these are all.
        public var isWhole: Bool
    }

    /// What PID 1 says of itself.
    public private(set) var manager = Manager()
    /// The units that were asked for.
    public private(set) var units: [UnitName: Sight] = [:]
    /// The templates that were asked for.
    public private(set) var instances: [UnitPattern: Instances] = [:]
    /// `WatchdogSec=` of the services that were asked for, in microseconds.
    public private(set) var watchdogs: [UnitName: UInt64] = [:]

    private enum Question {
        case manager
        case unit(UnitName)
        case pattern(UnitPattern)
        case watchdog(UnitName)
    }

    /// Looks. Blocks until all is answered, or `patience` has passed without an answer, which
    /// throws.
    public init(
        _ address: BusAddress, units: [UnitName] = [], patterns: [UnitPattern] = [],
        watchdogsOf services: [UnitName] = []
    ) throws(BusFailure) {
        var questions =
            [.manager] + units.map(Question.unit) + patterns.map(Question.pattern)
            + services.map(Question.watchdog)
        questions.reverse()
        let link = try BusLink(address)
        var pending: [(cookie: UInt64, question: Question)] = []
        var deadline = Clock.monotonic() + Self.patience
        while !questions.isEmpty || !pending.isEmpty {
            while pending.count < Self.questionsAtOnce, let question = questions.popLast() {
                pending.append((try Self.ask(question, link, address), question))
            }
            switch link.next() {
            case .worked: break
            case .ended(let why): throw why
            case .idle: try Self.wait(for: link, until: deadline)
            case .message(let message):
                let cookie = message.cookie
                guard let index = pending.firstIndex(where: { $0.cookie == cookie }) else { break }
                take(message, pending.remove(at: index).question)
                deadline = Clock.monotonic() + Self.patience
            }
            guard Clock.monotonic() < deadline else {
                throw BusFailure(reason: "systemd does not answer on \(address.text)")
            }
        }
    }

    private static func ask(
        _ question: Question, _ link: BusLink, _ address: BusAddress
    ) throws(BusFailure) -> UInt64 {
        let destination = address.isBus ? SystemBus.name : nil
        let properties = "org.freedesktop.DBus.Properties"
        let cookie: UInt64? =
            switch question {
            case .manager:
                link.call(destination, SystemBus.path, properties, "GetAll") {
                    $0.append(SystemBus.interface)
                }
            case .unit(let unit):
                link.call(destination, unit.objectPath, properties, "GetAll") { $0.append("") }
            case .pattern(let pattern):
                link.call(
                    destination, SystemBus.path, SystemBus.interface, "ListUnitsByPatterns"
                ) {
                    $0.container("a", "s") { call in
                        for state in SystemBus.presentStates { call.append(state) }
                    }
                    $0.container("a", "s") { $0.append(pattern.text) }
                }
            case .watchdog(let unit):
                link.call(destination, unit.objectPath, properties, "Get") {
                    $0.append("org.freedesktop.systemd1.Service")
                    $0.append("WatchdogUSec")
                }
            }
        guard let cookie else { throw BusFailure(reason: "a question could not be sent") }
        return cookie
    }

    private static func wait(for link: BusLink, until deadline: Int64) throws(BusFailure) {
        let now = Clock.monotonic()
        var end = deadline
        if let own = link.deadline.boottime(monotonic: now, boottime: now) { end = min(end, own) }
        let milliseconds = Int32(clamping: max(0, (end - now + 999_999) / 1_000_000))
        do throws(SystemError) {
            var poller = try Poller()
            _ = try poller.add(link.descriptor, for: Readiness(rawValue: link.interest), as: 0)
            _ = try poller.wait(milliseconds: milliseconds)
        } catch { throw BusFailure(reason: "\(error)") }
    }

    private mutating func take(_ message: borrowing BusMessage, _ question: Question) {
        let isAnswer = message.kind == .answer
        switch question {
        case .manager:
            if isAnswer { manager = Manager(message) }
        case .unit(let unit):
            if isAnswer, let state = UnitState(message) {
                units[unit] = .state(state)
            } else {
                units[unit] = .refused(
                    isAnswer
                        ? BusRefusal(name: "", message: "systemd's answer cannot be read")
                        : message.refusal)
            }
        case .pattern(let pattern):
            guard isAnswer else { break }
            let (names, isWhole) = SystemBus.instances(message)
            instances[pattern] = Instances(names: names, isWhole: isWhole)
        case .watchdog(let unit):
            watchdogs[unit] = isAnswer ? message.variant("t") { message.uint64() } : nil
        }
    }
}

extension BusLook.Manager {
    fileprivate init(_ message: borrowing BusMessage) {
        var manager = Self()
        _ = message.dictionary { name in
            switch name {
            case "Version": manager.version = message.variant("s") { message.string() } ?? ""
            case "RuntimeWatchdogUSec":
                manager.runtimeWatchdog = message.variant("t") { message.uint64() } ?? 0
            case "WatchdogDevice":
                manager.watchdogDevice = message.variant("s") { message.string() } ?? ""
            default: _ = message.skip("v")
            }
            return true
        }
        self = manager
    }
}
