import Ledger
import Linux
import NixOS
import SafeSwitch
import Supervision

/// switch-to-configuration, detached: it outlives us, nothing of ours ends it, and the next daemon
/// finds it by its process or by its mark.
extension Daemon {
    /// Outputs of switch-to-configuration that are kept, the newest.
    static let mostSwitchLogs = 32
    /// So long one may grow, in bytes, before it is put aside for a new beginning: the newest so many
    /// are kept.
    static let longestSwitchLog: Int64 = 1 << 20

    func activate(_ system: String, _ activation: Activation, flight: Int, serial: Int) {
        if switching.activation != nil {
            return activationFailed(serial, "another one of ours still runs", isTransient: true)
        }
        // Begun by an earlier daemon, or by systemd while we could not hear it: that one is it.
        if let found = findActivation(flight), let place = hold(found, flight, serial) {
            return tellSwitch(.activationBegan(serial: serial, found, in: place))
        }
        let command = ActivationCommand(
            root: SystemRoot(options.root), system: system, activation: activation,
            flight: flight, localeArchive: environmentVariable("LOCALE_ARCHIVE"))
        if isSystemdsMachine {
            activateInUnit(command, flight: flight, serial: serial)
        } else {
            activateInSession(command, flight: flight, serial: serial)
        }
    }

    /// Whether systemd is this machine's PID 1, and the system below our root is the one it runs: its
    /// units are to be exchanged. The corresponding C function is `sd_booted`.
    private var isSystemdsMachine: Bool {
        SystemRoot(options.root).directory.isEmpty
            && (try? FileStatus(of: "/run/systemd/system"))?.kind == .directory
    }

    /// What the next daemon finds it by.
    func environment(of command: ActivationCommand) -> [String] {
        command.environment + ["REGEN_STATE=\(forge.stateID)"]
    }

    func activateInSession(_ command: ActivationCommand, flight: Int, serial: Int) {
        var ingredients = SpawnPlan.Ingredients(
            command: command.command, environment: environment(of: command))
        ingredients.directory = "/"
        // What it writes below /etc is for everybody, whatever shell the daemon was started from.
        ingredients.umask = 0o022
        ingredients.output = switchLog(flight).map { .ownFile($0) } ?? .null
        ingredients.limits = [forge.openFiles]
        ingredients.isScheduledAsUsual = true
        do throws(SpawnPlan.Failure) {
            let child = try SpawnPlan(ingredients, null: null.raw).spawn(
                attempt: flight, by: spawner)
            if child.outputError != 0 {
                narrator.say(
                    .error, "what switch \(flight) prints is lost: its log cannot be opened")
            }
            let pid = child.pid
            let process = ProcessIdentity(
                pid: pid, startTicks: ProcessTable.entry(pid)?.startTicks ?? 0)
            follow(
                ActivationSession(
                    serial: serial, process: process, pidfd: child.takePidFD(), isOurChild: true))
            tellSwitch(.activationBegan(serial: serial, process, in: .session))
        } catch {
            let failure = SpawnFailure(
                step: SpawnFailure.Step(rawValue: error.step) ?? .clone, code: error.code)
            activationFailed(
                serial, "\(command.command[0]) cannot be run: \(failure.words)",
                isTransient: failure.step == .clone)
        }
    }

    /// Whether a path, without the root, can be a system's.
    func mayBeSystem(_ path: String) -> Bool { ActivationCommand.isSystem(path) }

    func activationFailed(_ serial: Int, _ words: String, isTransient: Bool) {
        tellSwitch(.done(serial: serial, .failed(words, isTransient: isTransient)))
    }

    private func follow(_ session: ActivationSession) {
        switching.activation = .session(session)
        session.token = watchActivation(session.process, session.pidfd)
    }

    func watchActivation(
        _ process: ProcessIdentity, _ pidfd: borrowing PidFD
    ) -> Poller.Token? {
        do throws(SystemError) {
            return try poller.add(pidfd.raw, for: .readable, as: Source.activation.name)
        } catch {
            // SIGCHLD tells of our child's end, systemd of its unit's; for another's, the looks at
            // the generations do.
            narrator.say(.error, "cannot watch pid \(process.pid): \(error)")
            return nil
        }
    }

    /// Goes on watching what an earlier daemon has begun.
    func resumeWatch(_ process: ProcessIdentity, flight: Int, serial: Int) {
        if hold(process, flight, serial) != nil { return }
        if let found = findActivation(flight), hold(found, flight, serial) != nil { return }
        tellSwitch(.activationEnded(serial: serial, .unknown))
    }

    /// `nil`: it has ended.
    private func hold(
        _ process: ProcessIdentity, _ flight: Int, _ serial: Int
    ) -> ActivationPlace? {
        guard let pidfd = try? PidFD(opening: process.pid),
            // Only now nobody else can have the number.
            let entry = ProcessTable.entry(process.pid), entry.startTicks == process.startTicks,
            entry.state != UInt8(ascii: "Z")
        else { return nil }
        if isSystemdsMachine, isInUnit(process) {
            holdUnit(process, pidfd, flight: flight, serial: serial)
            return .unit
        }
        watchSwitchLog(ActivationCommand.log(state: stateDirectory, flight: flight))
        let isOurChild = entry.parent == ProcessTable.own
        follow(
            ActivationSession(
                serial: serial, process: process, pidfd: pidfd, isOurChild: isOurChild))
        return .session
    }

    /// The process that carries this switch's mark. Anybody can write one, but only root's is looked
    /// at; what switch-to-configuration has left behind carries it too, and is another program.
    func findActivation(_ flight: Int) -> ProcessIdentity? {
        let root = SystemRoot(options.root)
        let found = ProcessTable.all().filter { entry in
            guard entry.pid == entry.session, entry.state != UInt8(ascii: "Z"),
                ProcessTable.user(entry.pid) == ProcessTable.effectiveUser
            else { return false }
            let environment = ProcessTable.environment(entry.pid)
            return ActivationCommand.flight(in: environment, root: root) == flight
                && environment.contains("REGEN_STATE=\(forge.stateID)")
                && ProcessTable.text("/proc/\(entry.pid)/cmdline")?
                    .contains("switch-to-configuration") == true
        }
        return found.min { $0.startTicks < $1.startTicks }
            .map { ProcessIdentity(pid: $0.pid, startTicks: $0.startTicks) }
    }

    /// It may have ended.
    func activationReady() {
        switch switching.activation {
        case .session(let session): sessionReady(session)
        case .unit(let unit): unitReady(unit)
        case nil: break
        }
    }

    private func sessionReady(_ session: ActivationSession) {
        let status: WaitStatus?
        if session.isOurChild {
            status = session.pidfd.reap()
            if status == nil { return }  // readable, but not ended
        } else {
            status = session.pidfd.foreignStatus()
        }
        if let token = session.token { poller.remove(token, session.pidfd.raw) }
        switching.activation = nil
        let end: ExitStatus =
            switch status {
            case .exited(let code): .code(code)
            case .signalled(let signal): .signal(signal, outOfMemory: false)
            case nil: .unknown
            }
        tellSwitch(.activationEnded(serial: session.serial, end))
    }

    /// Where it prints to: a file that only root reads, of which the newest are kept.
    private func switchLog(_ flight: Int) -> String? {
        let path = ActivationCommand.log(state: stateDirectory, flight: flight)
        let directory = String(path[..<path.lastIndex(of: "/")!])
        do throws(SystemError) {
            try Directory.createAll(directory, mode: 0o700)
            _ = try File(opening: path, [.readWrite, .create], mode: 0o600)
        } catch {
            narrator.say(.error, "\(error); what switch \(flight) prints is lost")
            return nil
        }
        for name in (try? Directory.names(in: directory)) ?? [] {
            guard let number = Int(name.prefix { $0 != "." }),
                number <= flight - Self.mostSwitchLogs
            else { continue }
            try? Directory.remove("\(directory)/\(name)")
        }
        watchSwitchLog(path)
        return path
    }

    private func watchSwitchLog(_ path: String) {
        switching.log = path
        logWatch?.check(LogWatch.switchPlace, path, at: now.boot)
    }
}
