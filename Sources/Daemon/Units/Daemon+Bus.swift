import Ledger
import Linux
import Records
import Systemd

/// The bus in the loop: turned when it is ready or due, and its events handed to whom they concern.
extension Daemon {
    func serveBus() {
        guard units.isOpen, units.isReady || (units.due ?? .max) <= now.boot else { return }
        units.isReady = false
        units.setClock()
        units.bus.turn(at: now.boot)
        for event in units.bus.takeEvents() { take(event) }
    }

    private func take(_ event: SystemBus.Event) {
        switch event {
        case .connected:
            if units.isLost { write(.systemdFound) }
            units.isLost = false
            tendActivation()
        case .lost(let failure):
            // Nothing that is known of a unit changes by this.
            if !units.isLost { write(.systemdLost(reason: failure.reason)) }
            units.isLost = true
        case .unit(ActivationUnit.name, let state): activationSeen(state)
        case .unit(let unit, let state): saw(unit, state)
        case .unreadable(let unit, let refusal):
            narrator.say(.warning, "systemd does not tell of \(unit): \(refusal)")
        case .instances(let pattern, let names, let isWhole):
            saw(pattern, names, isWhole: isWhole)
        case .reloading: break
        case .finished(let call, let outcome):
            switch units.calls.removeValue(forKey: call) {
            case .activation: activationAnswered(outcome)
            case .job(let place, let name): jobEnded(place, name, outcome)
            case .reset, nil: break
            }
        }
    }

    /// What the bus wants of the poller, just before the loop waits.
    func drainBus() {
        guard units.isOpen else { return }
        do throws(SystemError) {
            try units.bus.drainPollChanges { change throws(SystemError) in
                switch change {
                case .add(let descriptor, let readiness):
                    units.token = try poller.add(
                        descriptor, for: readiness, as: Source.bus.name)
                case .modify(let descriptor, let readiness):
                    guard let token = units.token else { return }
                    try poller.change(token, descriptor, for: readiness)
                case .remove(let descriptor):
                    if let token = units.token { poller.remove(token, descriptor) }
                    units.token = nil
                }
            }
        } catch {
            // ENOSPC or ENOMEM: the bus's own deadlines go on turning it.
            narrator.say(.error, "cannot wait for systemd: \(error)")
        }
    }
}
