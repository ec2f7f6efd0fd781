import Ledger
import Linux
import NixOS
import SafeSwitch
import Supervision
import Systemd

/// switch-to-configuration in the transient unit that nixos-rebuild uses: nothing of ours is in its
/// cgroup, PID 1 is its parent, and nobody else can begin one meanwhile.
extension Daemon {
    func activateInUnit(_ command: ActivationCommand, flight: Int, serial: Int) {
        units.open()
        let until = now.boot + ActivationUnit.busPatience
        let unit = ActivationUnit(
            serial: serial, flight: flight, stage: .connecting(command, until: until))
        switching.activation = .unit(unit)
        tendActivation()
    }

    /// What is due, or waited for the bus.
    func tendActivation() {
        guard case .unit(let unit) = switching.activation else { return }
        let isDue = unit.deadline.map { $0 <= now.boot } ?? false
        switch unit.stage {
        case .connecting(let command, _):
            if units.bus.isConnected {
                start(unit, command)
            } else if isDue {
                doWithoutUnit(unit, command, because: "systemd cannot be reached over D-Bus")
            }
        case .begun where isDue:
            // systemd does not say how it stands. The kernel may.
            if let found = findActivation(unit.flight) {
                run(unit, found.pid)
            } else {
                finish(unit, .unknown)
            }
        case .ended where isDue: finish(unit, unit.status ?? .unknown)
        case .asked, .begun, .running, .ended: break
        }
    }

    private func start(_ unit: ActivationUnit, _ command: ActivationCommand) {
        let transient = TransientUnit(
            name: ActivationUnit.name,
            description: "switch-to-configuration of Regen's switch \(unit.flight)",
            command: command.command, environment: environment(of: command),
            journalFields: [ActivationCommand.mark(of: unit.flight)])
        // First, so that systemd does not forget it before its end was read.
        _ = units.bus.watch(ActivationUnit.name)
        do throws(SystemBus.Unsent) {
            let call = try units.bus.start(
                transient, within: ActivationUnit.startPatience, at: now.boot)
            units.calls[call] = .activation
            unit.stage = .asked(command)
        } catch {
            doWithoutUnit(unit, command, because: "\(error)")
        }
    }

    /// PID 1 has answered, or will not.
    func activationAnswered(_ outcome: SystemBus.Outcome) {
        guard case .unit(let unit) = switching.activation, case .asked(let command) = unit.stage
        else { return }
        switch outcome {
        case .done, .lost, .timedOut: awaitState(unit)
        case .refused(let refusal) where refusal.leavesDoubt: awaitState(unit)
        case .refused(let refusal) where refusal.name == "org.freedesktop.systemd1.UnitExists":
            forget(unit)
            activationFailed(
                unit.serial,
                "the unit \(ActivationCommand.unit) is there already: nixos-rebuild is switching, "
                    + "and nothing is done until it has ended",
                isTransient: true)
        case .refused(let refusal):
            doWithoutUnit(unit, command, because: "systemd refuses the unit: \(refusal)")
        case .ended(let result):
            forget(unit)
            activationFailed(
                unit.serial,
                "\(command.command[0]) could not be run: the job ended as \(result); see "
                    + "journalctl -u \(ActivationCommand.unit)",
                isTransient: result != "failed")
        }
    }

    private func awaitState(_ unit: ActivationUnit) {
        unit.stage = .begun(until: now.boot + ActivationUnit.statePatience)
        units.bus.refresh(ActivationUnit.name)
    }

    private func doWithoutUnit(
        _ unit: ActivationUnit, _ command: ActivationCommand, because why: String
    ) {
        forget(unit)
        narrator.say(
            .warning,
            "switch \(unit.flight): \(why); switch-to-configuration is run in a session of its own")
        activateInSession(command, flight: unit.flight, serial: unit.serial)
    }

    // MARK: - While it runs

    /// Whether a process is in the unit.
    func isInUnit(_ process: ProcessIdentity) -> Bool {
        Cgroup.path(of: process.pid)?.hasSuffix("/" + ActivationCommand.unit) == true
    }

    /// What an earlier daemon has begun.
    func holdUnit(
        _ process: ProcessIdentity, _ pidfd: consuming PidFD, flight: Int, serial: Int
    ) {
        units.open()
        _ = units.bus.watch(ActivationUnit.name)
        let running = ActivationProcess(process, pidfd)
        switching.activation = .unit(
            ActivationUnit(serial: serial, flight: flight, stage: .running(running)))
        running.token = watchActivation(process, running.pidfd)
    }

    private func run(_ unit: ActivationUnit, _ pid: Int32) {
        let pidfd = try? PidFD(opening: pid)
        let identity = ProcessIdentity(
            pid: pid, startTicks: ProcessTable.entry(pid)?.startTicks ?? 0)
        tellSwitch(.activationBegan(serial: unit.serial, identity, in: .unit))
        guard let pidfd else { return end(unit, nil) }
        let process = ActivationProcess(identity, pidfd)
        unit.stage = .running(process)
        process.token = watchActivation(identity, process.pidfd)
    }

    /// How the unit stands.
    func activationSeen(_ state: UnitState) {
        guard case .unit(let unit) = switching.activation else { return }
        switch unit.stage {
        case .connecting, .asked: break
        case .begun:
            if state.mainPID != 0 {
                run(unit, Int32(clamping: state.mainPID))
            } else if state.mainEnd != nil {
                let pid = Int32(clamping: state.lastMainPID)
                tellSwitch(
                    .activationBegan(
                        serial: unit.serial, ProcessIdentity(pid: pid, startTicks: 0), in: .unit))
                sawEnd(unit, state)
            }
        case .running(let process):
            guard let status = state.mainEnd else { return }
            leave(process)
            end(unit, status)
            sawEnd(unit, state)
        case .ended: sawEnd(unit, state)
        }
    }

    private func sawEnd(_ unit: ActivationUnit, _ state: UnitState) {
        if ["inactive", "failed"].contains(state.activeState) {
            finish(unit, state.mainEnd ?? unit.status ?? .unknown)
        } else if let status = state.mainEnd {
            end(unit, status)
        }
    }

    /// The kernel says that its process has ended.
    func unitReady(_ unit: ActivationUnit) {
        guard case .running(let process) = unit.stage else { return }
        leave(process)
        end(unit, nil)
        units.bus.refresh(ActivationUnit.name)
    }

    private func leave(_ process: ActivationProcess) {
        if let token = process.token { poller.remove(token, process.pidfd.raw) }
        process.token = nil
    }

    private func end(_ unit: ActivationUnit, _ status: ExitStatus?) {
        if case .ended(_, let until) = unit.stage {
            unit.stage = .ended(status, until: until)
        } else {
            unit.stage = .ended(status, until: now.boot + ActivationUnit.statePatience)
        }
    }

    private func finish(_ unit: ActivationUnit, _ status: ExitStatus) {
        forget(unit)
        tellSwitch(.activationEnded(serial: unit.serial, status))
    }

    private func forget(_ unit: ActivationUnit) {
        units.bus.unwatch(ActivationUnit.name)
        switching.activation = nil
    }
}

extension UnitState {
    /// How its main process has ended; `nil`: it has not, or there was none.
    fileprivate var mainEnd: ExitStatus? {
        guard mainPID == 0, exitedAt > 0 else { return nil }
        let exited: Int32 = 1  // CLD_EXITED
        return exitCode == exited
            ? .code(exitStatus) : .signal(exitStatus, outOfMemory: result == "oom-kill")
    }
}

extension BusRefusal {
    /// Whether PID 1 may have done it all the same: it has left the bus before it answered.
    fileprivate var leavesDoubt: Bool {
        ["NoReply", "Disconnected", "TimedOut", "Timeout"].contains {
            name == "org.freedesktop.DBus.Error.\($0)"
        }
    }
}
