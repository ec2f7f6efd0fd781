extension ServiceConfiguration {
    /// Checks that the probes are not too many, and that they suit what is run.
    func checkProbes(_ service: Section, _ findings: inout Findings) {
        let most = Probe.mostProbes
        if probes.count > most, let place = service.place("healthcheck") {
            findings.error(place, Complaint("it is one more than the \(most) probes allowed"))
        }
        guard let launch else { return checkUnit(service, &findings) }
        if probes.contains(where: \.kind.isNotify) {
            checkNotifyVariables(service, launch, &findings)
        }
        guard sequence != nil else { return }
        if probes.isEmpty, service.place("probes") == nil {
            findings.warning(
                service.place,
                Complaint(
                    "nobody will know whether what 'start' leaves behind lives",
                    "add 'healthcheck:' or 'probes:'"))
        }
        checkOwnership(service, &findings)
    }

    private func checkNotifyVariables(
        _ service: Section, _ launch: Launch, _ findings: inout Findings
    ) {
        guard let place = service.place("environment") else { return }
        for name in NotifyProbe.variables
        where launch.environment.contains(where: { $0.name == name }) {
            findings.error(
                place.child(name),
                Complaint("regend sets it for the 'notify' probe", "leave it out"))
        }
    }

    /// With `run`, the daemons that the commands leave behind are not Regen's.
    private func checkOwnership(_ service: Section, _ findings: inout Findings) {
        for word in Probe.Word.allCases where word.needsProcess {
            refuse(word, service, &findings) {
                Complaint(
                    "'\($0)' needs a process that Regen owns, and what 'run' starts is not",
                    "use tcp, http or command, or start it by 'command:'")
            }
        }
    }

    /// A unit says to systemd how it is.
    private func checkUnit(_ service: Section, _ findings: inout Findings) {
        refuse(.notify, service, &findings) { _ in
            Complaint(
                "a unit tells systemd how it is, not Regen",
                "set Type=notify and WatchdogSec= in the unit's own file")
        }
    }

    /// Tells of each probe that begins with this word.
    private func refuse(
        _ word: Probe.Word, _ service: Section, _ findings: inout Findings,
        _ complaint: (String) -> Complaint
    ) {
        guard let place = service.place("probes"), case .sequence(let list) = place.tree.content
        else { return }
        for (index, tree) in list.enumerated() {
            let element = place.element(index, tree)
            guard let probe = element.membersByKey[word.rawValue] else { continue }
            findings.error(probe, complaint(word.rawValue))
        }
    }
}

extension Probe.Word {
    /// Whether it looks at the service's own processes.
    fileprivate var needsProcess: Bool {
        switch self {
        case .listening, .memory, .cpu, .notify: true
        case .http, .tls, .tcp, .unix, .command, .progress, .file: false
        }
    }
}
