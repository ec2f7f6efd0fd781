import Linux
import NixOS
import SafeSwitch
import Supervision

/// switch-to-configuration, detached: it outlives us, nothing of ours ends it, and the next daemon
/// finds it by its process or by its mark.
extension Daemon {
    /// Outputs of switch-to-configuration that are kept, the newest.
    static let mostSwitchLogs = 32

    func activate(_ system: String, _ activation: Activation, flight: Int, serial: Int) {
        if switching.activation != nil {
            return activationFailed(serial, "another one of ours still runs", isTransient: true)
        }
        // Begun by an earlier daemon, and not recorded any more: that one is it.
        if switching.isInherited, let found = findActivation(flight), hold(found, serial) {
            return tellSwitch(.activationBegan(serial: serial, found))
        }
        let command = ActivationCommand(
            root: SystemRoot(options.root), system: system, activation: activation,
            flight: flight, localeArchive: environmentVariable("LOCALE_ARCHIVE"))
        var ingredients = SpawnPlan.Ingredients(
            command: command.command,
            environment: command.environment + ["REGEN_STATE=\(forge.stateID)"])
        ingredients.directory = "/"
        // What it writes below /etc is for everybody, whatever shell the daemon was started from.
        ingredients.umask = 0o022
        ingredients.output = switchLog(flight).map { .ownFile($0) } ?? .null
        ingredients.limits = [forge.openFiles]
        do throws(SpawnPlan.Failure) {
            let child = try SpawnPlan(ingredients, null: null.raw).spawn(attempt: flight)
            if child.outputError != 0 {
                narrator.say(
                    .error, "what switch \(flight) prints is lost: its log cannot be opened")
            }
            let pid = child.pid
            let process = ProcessIdentity(
                pid: pid, startTicks: ProcessTable.entry(pid)?.startTicks ?? 0)
            follow(
                RunningActivation(
                    serial: serial, process: process, pidfd: child.takePidFD(), isOurChild: true))
            tellSwitch(.activationBegan(serial: serial, process))
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

    private func activationFailed(_ serial: Int, _ words: String, isTransient: Bool) {
        tellSwitch(.done(serial: serial, .failed(words, isTransient: isTransient)))
    }

    private func follow(_ running: RunningActivation) {
        switching.activation = running
        do throws(SystemError) {
            running.token = try poller.add(
                running.pidfd.raw, for: .readable, as: Source.activation.name)
        } catch {
            // SIGCHLD tells of our child's end; for another's, the looks at the generations do.
            narrator.say(.error, "cannot watch pid \(running.process.pid): \(error)")
        }
    }

    /// Goes on watching what an earlier daemon has begun.
    func resumeWatch(_ process: ProcessIdentity, flight: Int, serial: Int) {
        if hold(process, serial) { return }
        if let found = findActivation(flight), hold(found, serial) { return }
        tellSwitch(.activationEnded(serial: serial, .unknown))
    }

    /// False: it has ended.
    private func hold(_ process: ProcessIdentity, _ serial: Int) -> Bool {
        guard let pidfd = try? PidFD(opening: process.pid),
            // Only now nobody else can have the number.
            let entry = ProcessTable.entry(process.pid), entry.startTicks == process.startTicks,
            entry.state != UInt8(ascii: "Z")
        else { return false }
        let isOurChild = entry.parent == ProcessTable.own
        follow(
            RunningActivation(
                serial: serial, process: process, pidfd: pidfd, isOurChild: isOurChild))
        return true
    }

    /// The process that carries this switch's mark. Anybody can write one, but only root's is looked
    /// at; what switch-to-configuration has left behind carries it too, and is another program.
    private func findActivation(_ flight: Int) -> ProcessIdentity? {
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
        guard let running = switching.activation else { return }
        let status: WaitStatus?
        if running.isOurChild {
            status = running.pidfd.reap()
            if status == nil { return }  // readable, but not ended
        } else {
            status = running.pidfd.foreignStatus()
        }
        if let token = running.token { poller.remove(token, running.pidfd.raw) }
        switching.activation = nil
        let end: ExitStatus =
            switch status {
            case .exited(let code): .code(code)
            case .signalled(let signal): .signal(signal, outOfMemory: false)
            case nil: .unknown
            }
        tellSwitch(.activationEnded(serial: running.serial, end))
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
        return path
    }
}
