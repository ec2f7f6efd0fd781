import Ledger
import Linux
import Systemd

/// The bus in the loop: turned when it is ready or due, and its events handed to whom they concern.
extension Daemon {
    func serveBus() {
        guard units.isOpen, units.isReady || (units.due ?? .max) <= now.boot else { return }
        units.isReady = false
        units.bus.turn(at: now.boot)
        for event in units.bus.takeEvents() { take(event) }
    }

    private func take(_ event: SystemBus.Event) {
        switch event {
        case .connected:
            narrator.say(.info, "systemd answers")
            tendActivation()
        case .lost(let failure):
            narrator.say(.warning, "systemd cannot be reached: \(failure); trying again")
        case .unit(ActivationUnit.name, let state): activationSeen(state)
        case .unit, .unreadable, .instances, .reloading: break
        case .finished(let call, let outcome):
            switch units.calls.removeValue(forKey: call) {
            case .activation: activationAnswered(outcome)
            case nil: break
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
