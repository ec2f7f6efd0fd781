public import Systemd

/// What is seen of a service that systemd keeps.
public struct UnitFacts: Equatable, Sendable {
    /// The service's name in the configuration.
    public var name: String
    /// The unit, or the pattern of its instances.
    public var unit: String
    /// Who the configuration wants to restart it.
    public var restarts = Restarts.unsaid
    /// What PID 1 says.
    public var sight = Sight.notAsked

    /// The configuration's `restarts:`.
    public enum Restarts: Equatable, Sendable {
        /// It says nothing: as the unit's own `Restart=` has it.
        case unsaid
        /// systemd.
        case systemd
        /// Regen.
        case regen
    }

    /// What PID 1 says.
    public enum Sight: Equatable, Sendable {
        /// It was not asked, or did not answer.
        case notAsked
        /// The unit's state.
        case state(UnitState)
        /// A template's loaded instances.
        case instances([String])
        /// It refused, in words.
        case refused(String)
    }

    /// A unit of which nothing was seen yet.
    public init(name: String, unit: String) {
        self.name = name
        self.unit = unit
    }
}

extension UnitFacts {
    /// What it comes to: one finding that all is well, or one for each thing that is not.
    public func judge() -> [Finding] {
        switch sight {
        case .notAsked: return []  // that the bus is away has been said
        case .refused(let why):
            return [finding(.warning(fix: "systemctl status \(unit.pasted)"), "\(unit): \(why)")]
        case .instances([]):
            return [
                finding(
                    .warning(fix: "systemctl start \(example.pasted)"),
                    "\(unit): no instance is loaded: nothing is watched")
            ]
        case .instances(let names):
            return [
                finding(.fine, "\(unit): \(names.count) instance\(names.count == 1 ? "" : "s")")
            ]
        case .state(let state):
            if let obstacle = obstacle(state) { return [obstacle] }
            let troubles = troubles(state)
            guard troubles.isEmpty else { return troubles }
            return [
                finding(
                    .fine, "\(unit) is \(state.activeState) (\(state.subState))\(keeper(state))")
            ]
        }
    }

    private func finding(_ verdict: Finding.Verdict, _ found: String) -> Finding {
        Finding(.services, name, verdict, found)
    }

    /// `worker@*.service` has `worker@1.service`.
    private var example: String {
        unit.split(separator: "*", omittingEmptySubsequences: false).joined(separator: "1")
    }

    private func keeper(_ state: UnitState) -> String {
        isRestarted(state) ? ", restarted by systemd" : ", started again by regend"
    }

    private func isRestarted(_ state: UnitState) -> Bool {
        !state.restart.isEmpty && state.restart != "no"
    }

    /// There is no unit that could be healed.
    private func obstacle(_ state: UnitState) -> Finding? {
        switch state.loadState {
        case "loaded": nil
        case "not-found":
            finding(
                .fault(
                    fix:
                        "systemctl list-unit-files '*\(stem)*'  # and correct unit: in the configuration"
                ),
                "\(unit) does not exist")
        case "masked":
            finding(
                .fault(fix: "systemctl unmask \(unit.pasted)"),
                "\(unit) is masked: nobody can start it")
        default:
            finding(
                .fault(fix: "systemd-analyze verify \(unit.pasted)"),
                "\(unit) cannot be loaded (\(state.loadState))")
        }
    }

    private var stem: Substring { unit.prefix { $0 != "." && $0 != "@" } }

    private func troubles(_ state: UnitState) -> [Finding] {
        [restarts(state), action(state), nature(state), condition(state)].compactMap { $0 }
    }

    /// Two who restart, or none.
    private func restarts(_ state: UnitState) -> Finding? {
        switch (restarts, isRestarted(state)) {
        case (.systemd, false):
            return finding(
                .fault(
                    fix: "restarts: regen  # or Restart=on-failure: systemctl edit \(unit.pasted)"),
                "\(unit) has Restart=no, and the configuration leaves restarts to systemd: nobody "
                    + "restarts it")
        case (.regen, true):
            return finding(
                .warning(fix: "restarts: systemd  # or Restart=no: systemctl edit \(unit.pasted)"),
                "\(unit) has Restart=\(state.restart): systemd is faster than regend, whose back-off "
                    + "counts for nothing")
        default: return nil
        }
    }

    private func action(_ state: UnitState) -> Finding? {
        let actions = [
            ("StartLimitAction", state.startLimitAction), ("FailureAction", state.failureAction),
        ].filter { !$0.1.isEmpty && $0.1 != "none" }
        guard let (name, value) = actions.first else { return nil }
        return finding(
            .warning(fix: "\(name)=none  # in [Unit]: systemctl edit \(unit.pasted)"),
            "\(unit) has \(name)=\(value): regend never starts it, a failure is handed over")
    }

    /// What regend never starts by itself.
    private func nature(_ state: UnitState) -> Finding? {
        if state.type == "oneshot" {
            return finding(
                .warning(
                    fix:
                        "systemctl cat \(unit.pasted)  # watch a service that stays, or leave it out"
                ),
                "\(unit) is Type=oneshot: regend tells of its failure and never starts it")
        }
        if state.type == "dbus", !isRestarted(state), restarts == .unsaid {
            return finding(
                .warning(fix: "restarts: regen  # in the configuration, if nobody calls it awake"),
                "\(unit) is Type=dbus with Restart=no: the bus starts it when it is called, regend "
                    + "never does")
        }
        if let trigger = state.triggeredBy.first {
            return finding(
                .warning(fix: "systemctl status \(trigger.pasted)  # what must be well"),
                "\(unit) is started by \(trigger): regend tells of its failure and never starts it")
        }
        return nil
    }

    private func condition(_ state: UnitState) -> Finding? {
        if state.activeState == "failed" {
            return finding(
                .warning(
                    fix: "systemctl status \(unit.pasted); journalctl -u \(unit.pasted) -n 50"),
                "\(unit) has failed (\(state.result))")
        }
        if state.activeState == "active", state.unitFileState == "disabled" {
            return finding(
                .warning(fix: "systemctl enable \(unit.pasted)"),
                "\(unit) runs, and will not after a reboot: it is disabled")
        }
        return nil
    }
}
