import Configuration
import Control
import Ledger
import Linux
import Records
import SafeSwitch
import Supervision
import Systemd

/// Everything that must be there before the loop turns, put together in the one right order:
/// the locks before anything is looked at, the ledger before anything is done.
struct Parts: ~Copyable {
    let options: Options
    let now: Stamp
    let forge: Forge
    let stateDirectory: String
    let runtimeDirectory: String
    let cgroup: Configuration.Cgroup
    let chronicle: Chronicle
    var narrator: Narrator
    let server: ControlServer
    let memory: Memory
    let switchMemory: SwitchMemory
    let bootMemory: BootMemory
    let null: OwnedFD
    /// Whom the network worker runs as; `nil`: ourselves, who are not root.
    let probeAccount: Account?
    let signals: SignalFD
    /// Keeps another regend from the same runtime directory.
    let lock: FileLock
    /// Who started us as a service.
    let manager: ServiceManager?

    /// Why the daemon cannot start: what, where, and what to do next.
    struct Obstacle: Error {
        let text: String

        init(_ text: String) { self.text = text }

        /// The kernel's answer.
        init(_ error: SystemError) { text = "\(error)" }
    }

    /// Puts everything together.
    static func assemble(
        _ options: Options, _ configuration: Configuration, _ narrator: Narrator
    ) throws(Obstacle) -> Parts {
        var narrator = narrator
        let state = options.below(configuration.stateDirectory)
        let runtime = options.below(configuration.runtimeDirectory)
        // Signals first: the ledger's thread inherits the mask.
        let signals = try blockSignals()
        let null = try openNull()
        let lock = try take(lockIn: runtime, &narrator)
        try trust(runtime)
        ProcessTable.becomeSubreaper()

        // Without it the ledger says what is wrong.
        if (try? Directory.createAll(state, mode: 0o755)) != nil { try trust(state) }
        let boot = bootID()
        let ledger = try openLedger("\(state)/ledger", boot, &narrator)
        // After the ledger's own first records: time goes one way.
        let now = Stamp(wall: Clock.realtime(), boot: Clock.boottime())
        let chronicle = Chronicle(
            ledger.writer, trouble: ledger.trouble, scar: ledger.scar,
            clocks: ClockWatch(last: ledger.isSameBoot ? ledger.lastStamp : nil),
            generation: generation(options))
        chronicle.note(
            .daemonStarted(pid: ProcessTable.own, version: Version.text), at: now)
        var boots = ledger.recollection.bootMemory(
            wall: now.wall, boottime: now.boot, boot: boot)
        if boots.isNew {
            let report = Boots.investigate(boots)
            boots.report = report
            if report.cause == .watchdog {
                boots.resets.note(Instant(nanoseconds: now.boot))
            }
            chronicle.note(.booted(report), at: now)
        }

        let forge = forge(
            configuration, state: state, runtime: runtime, null: null.raw, &narrator)
        let server = try listen(runtime, configuration, &narrator)
        let probeAccount = probeAccount(configuration, &narrator)
        let manager = manager(now: now.boot, &narrator)
        return Parts(
            options: options, now: now, forge: forge, stateDirectory: state,
            runtimeDirectory: runtime, cgroup: configuration.cgroup, chronicle: chronicle,
            narrator: narrator, server: server,
            memory: ledger.recollection.memory(
                wall: now.wall, boottime: now.boot, boot: boot),
            switchMemory: ledger.recollection.switchMemory(
                wall: now.wall, boottime: now.boot, boot: boot),
            bootMemory: boots, null: null, probeAccount: probeAccount, signals: signals,
            lock: lock, manager: manager)
    }

    private static func manager(now: Int64, _ narrator: inout Narrator) -> ServiceManager? {
        let invitation = ServiceManager.Invitation(
            socket: environmentVariable("NOTIFY_SOCKET"),
            watchdog: environmentVariable("WATCHDOG_USEC"),
            watchdogPID: environmentVariable("WATCHDOG_PID"))
        do throws(SystemError) {
            return try ServiceManager(invitation, process: ProcessTable.own, now: now)
        } catch {
            narrator.say(.warning, "\(error); the service manager is not told how I am")
            return nil
        }
    }

    /// Whoever can rename what is in there would have root open and cut files of his choice.
    private static func trust(_ directory: String) throws(Obstacle) {
        guard ProcessTable.effectiveUser == 0 else { return }
        do throws(TrustedPath.Defect) { try TrustedPath.check(directory) } catch {
            throw Obstacle("\(error); as root I only use directories that nobody else can change")
        }
    }

    private static func blockSignals() throws(Obstacle) -> SignalFD {
        Signal.ignorePipe()
        Signal.keepEndedChildren()
        do throws(SystemError) {
            return try SignalFD(
                [Signal.terminate, Signal.interrupt, Signal.hangUp, Signal.childEnded])
        } catch { throw Obstacle(error) }
    }

    private static func openNull() throws(Obstacle) -> OwnedFD {
        do throws(SystemError) { return try OwnedFD.null() } catch { throw Obstacle(error) }
    }

    private static func listen(
        _ runtime: String, _ configuration: Configuration, _ narrator: inout Narrator
    ) throws(Obstacle) -> ControlServer {
        do throws(SystemError) {
            return try ControlServer(
                path: "\(runtime)/io.regen.Control", version: Version.text,
                actors: actors(configuration, &narrator))
        } catch { throw Obstacle(error) }
    }

    private static func take(
        lockIn directory: String, _ narrator: inout Narrator
    ) throws(Obstacle) -> FileLock {
        let path = "\(directory)/regend.lock"
        do throws(SystemError) {
            try Directory.createAll(directory, mode: 0o755)
            if let lock = try FileLock(path) { return lock }
            if let lock = try inherit(path, &narrator) { return lock }
        } catch { throw Obstacle(error) }
        let holder = FileLock.holder(path).map { " (pid \($0))" } ?? ""
        throw Obstacle(
            "another regend\(holder) uses \(directory); "
                + "stop it first, or give this one another runtime_directory")
    }

    /// How long the child of a killed regend may take to become the service that it was made for.
    private static let childPatience: Int64 = 10_000_000_000
    /// Between two looks at it.
    private static let childPause: Int64 = 5_000_000

    /// Killed while it made a process, a regend leaves a child that holds its locks until it is that
    /// process. Only then it can be seen for what it is: who did not wait would make it twice.
    private static func inherit(
        _ path: String, _ narrator: inout Narrator
    ) throws(SystemError) -> FileLock? {
        guard let holder = FileLock.holder(path),
            (ProcessTable.entry(holder)?.state ?? UInt8(ascii: "Z")) == UInt8(ascii: "Z")
        else { return nil }
        narrator.say(
            .notice, "regend (pid \(holder)) was killed in the middle of a start; waiting for that")
        narrator.flush()
        let pause = Condition()
        let deadline = Condition.now() + childPatience
        while Condition.now() < deadline {
            if let lock = try FileLock(path) { return lock }
            pause.locked { pause.wait(until: Condition.now() + childPause) }
        }
        return nil
    }

    private struct OpenedLedger {
        var writer: LedgerWriter?
        var trouble: String?
        var scar: String?
        var recollection = Recollection()
        var lastStamp: Stamp?
        var isSameBoot = false
    }

    private static func openLedger(
        _ directory: String, _ boot: String, _ narrator: inout Narrator
    ) throws(Obstacle) -> OpenedLedger {
        var opened = OpenedLedger()
        do throws(LedgerError) {
            try makeStateDirectory(directory)
            let writer = try LedgerWriter(
                opening: directory, bootID: boot,
                clock: { Stamp(wall: Clock.realtime(), boot: Clock.boottime()) },
                carry: { carry(from: $0, boot) })
            opened.writer = writer
            opened.lastStamp = writer.report.lastStamp
            opened.isSameBoot = writer.report.lastBootID == boot
            opened.scar = writer.report.movedAside.map {
                "the ledger was damaged and is kept as \($0); a new one has begun"
            }
            if let segment = writer.report.fold {
                opened.recollection = recollect(segment)
            }
            tell(writer.report, &narrator)
            if let scar = opened.scar { narrator.say(.error, scar) }
        } catch {
            guard case .refused = error else { throw Obstacle("\(error)") }
            // Services are healed without a ledger too; what needs a sound one is off.
            opened.trouble = "\(error)"
            narrator.say(.error, "\(error)")
            narrator.say(
                .error, "going on without a ledger: services are healed, nothing is proved")
            if let last = try? LedgerReader(directory: directory).segments().last {
                opened.recollection = recollect(last)
            }
        }
        return opened
    }

    private static func makeStateDirectory(_ ledger: String) throws(LedgerError) {
        do throws(SystemError) {
            try Directory.createAll(ledger, mode: 0o700)
        } catch { throw .refused(error) }
    }

    private static func tell(_ report: OpenReport, _ narrator: inout Narrator) {
        if report.repairedBytes > 0 {
            narrator.say(
                .warning,
                "the ledger's torn end was repaired: \(report.repairedBytes) bytes kept in torn/")
        }
    }

    private static func recollect(_ segment: LedgerSegment) -> Recollection {
        var recollection = Recollection()
        try? LedgerReader(directory: segment.directory).forEachLine(of: segment) { line in
            recollection.take(line.bytes)
            return true
        }
        return recollection
    }

    /// Called on the writer's thread when a segment is full.
    private static func carry(from segment: LedgerSegment, _ boot: String) -> [CarryRecord] {
        var records: [CarryRecord] = []
        recollect(segment).carry(
            wall: Clock.realtime(), boottime: Clock.boottime(), boot: boot
        ) { records.append(CarryRecord(event: "carry", fields: $0)) }
        return records
    }

    private static func forge(
        _ configuration: Configuration, state: String, runtime: String, null: Int32,
        _ narrator: inout Narrator
    ) -> Forge {
        let logs = "\(state)/logs"
        do throws(SystemError) { try Directory.createAll(logs, mode: 0o750) } catch {
            narrator.say(.error, "\(error); what services print is lost")
        }
        return Forge(
            stateID: Directory.identity(state) ?? "none", logDirectory: logs,
            cgroup: cgroup(configuration.cgroup, &narrator), notifyPath: "\(runtime)/notify",
            openFiles: ResourceLimits.raiseOpenFiles(), null: null)
    }

    private static func cgroup(
        _ choice: Configuration.Cgroup, _ narrator: inout Narrator
    ) -> String? {
        switch choice {
        case .off: return nil
        case .auto: return Linux.Cgroup.delegated()
        case .path(let path):
            do throws(SystemError) {
                return try Linux.Cgroup(making: path).path
            } catch {
                narrator.say(.error, "\(error); services are held by session and process group")
                return nil
            }
        }
    }

    /// A user without rights for the worker that talks to strangers. Without one of its own it is
    /// nobody, who may have files and other processes.
    private static func probeAccount(
        _ configuration: Configuration, _ narrator: inout Narrator
    ) -> Account? {
        guard ProcessTable.effectiveUser == 0 else { return nil }
        if let own = try? Account.named("regen-probe", group: nil, groups: []) { return own }
        let isNeeded = configuration.services.contains { $0.probes.contains { $0.kind.isRemote } }
        if isNeeded {
            narrator.say(
                .warning,
                "there is no user 'regen-probe'; servers are probed as 'nobody' "
                    + "(make one: useradd --system regen-probe)")
        }
        // Where there is no nobody either, the worker itself refuses to be root.
        return try? Account.named("nobody", group: nil, groups: [])
    }

    /// Whoever reads the journal: a user without rights, in the journal's own group and no other. So
    /// what else runs as this user cannot trace him (ptrace(2) asks for the same group, too). `nil`
    /// where there is no such group; then root must not read it either.
    static func journalAccount(like probe: Account?) -> Account? {
        guard var account = probe, let group = try? Account.groupID("systemd-journal") else {
            return nil
        }
        account.group = group
        account.groups = []
        return account
    }

    /// Who may act besides root and ourselves.
    static func actors(
        _ configuration: Configuration, _ narrator: inout Narrator
    ) -> [UInt32] {
        var actors: [UInt32] = []
        for allowed in configuration.control.allow {
            switch allowed {
            case .uid(let uid): actors.append(uid)
            case .name(let name):
                if let account = try? Account.named(name, group: nil, groups: []) {
                    actors.append(account.user)
                } else {
                    narrator.say(.warning, "control.allow: there is no user '\(name)'")
                }
            }
        }
        return actors
    }

    /// The kernel's name for this boot, 32 hexadecimal digits (random(4)).
    private static func bootID() -> String {
        let text = ProcessTable.text("/proc/sys/kernel/random/boot_id") ?? ""
        let digits = text.filter { $0 != "-" }
        return digits.utf8.count == 32 ? digits : String(repeating: "0", count: 32)
    }

    /// The number of the NixOS generation that the system profile points to, on NixOS.
    private static func generation(_ options: Options) -> Int? {
        let link = Directory.linkTarget(options.below("/nix/var/nix/profiles/system"))
        guard let parts = link?.split(separator: "-"), parts.count == 3, parts[2] == "link" else {
            return nil
        }
        return Int(parts[1])
    }
}
