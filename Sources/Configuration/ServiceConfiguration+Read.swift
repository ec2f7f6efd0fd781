import Supervision

extension ServiceConfiguration {
    private static let keys =
        [
            "command", "run", "user", "group", "groups", "directory", "environment", "umask",
            "limits", "oom_score_adjust", "nice", "autostart", "critical", "after", "instances",
            "probes", "healthcheck", "remedies", "clusters", "blame_paths", "unit",
        ] + UnitService.ownKeys + ServiceDefaults.keys

    init(
        _ name: String, _ place: Place, _ defaults: ServiceDefaults, _ findings: inout Findings
    ) {
        let section = Section(place, keys: ServiceConfiguration.keys, &findings)
        var own = defaults
        own.read(section, &findings)
        own.policy.autostart = section.read(
            "autostart", or: own.policy.autostart, &findings, boolean)
        own.policy.critical = section.read("critical", or: own.policy.critical, &findings, boolean)
        own.policy.after = section.after(name, &findings)
        if let unit = UnitService(section, &findings) {
            self.init(name: name, unit: unit, policy: own.policyOfUnit)
        } else {
            let sequence = StartSequence(section, &findings)
            self.init(
                name: name, instances: section.instances(&findings),
                launch: Launch(section, sequence, &findings), policy: own.policy, log: own.log)
            self.sequence = sequence
        }
        probes = Probe.list(section, defaults.probe, &findings)
        if unit == nil, let probe = Probe(healthcheck: section, defaults.probe, &findings) {
            probes.append(probe)
        }
        remedies = Remedy.list(section, &findings) ?? remedies
        blamePaths =
            section.list(
                "blame_paths", counts: 0...Self.mostBlamePaths, &findings, absolutePath) ?? []
        checkProbes(section, &findings)
    }
}

extension Section {
    /// How many processes of it run. What a deploy tool starts, it multiplies itself.
    fileprivate func instances(_ findings: inout Findings) -> Int {
        if let place = place("clusters") {
            findings.warning(
                place,
                Complaint(
                    "'clusters' is ignored: a deploy tool spreads requests over them, "
                        + "and Regen does not balance"))
        }
        if place("run") != nil, let place = place("instances") {
            findings.warning(
                place,
                Complaint(
                    "'instances' is ignored beside 'run': its commands start as many as they want, "
                        + "and Regen does not balance"))
            return 1
        }
        return read("instances", or: 1, &findings, integer(1...ServiceConfiguration.mostInstances))
    }

    /// The names in `after`. Whether there are such services is checked when all are read.
    fileprivate func after(_ own: String, _ findings: inout Findings) -> [String] {
        let most = Configuration.mostInstances
        var names =
            list("after", counts: 0...most, &findings) { tree throws(Complaint) in
                try serviceName(try text(tree))
            } ?? []
        guard let place = place("after") else { return names }
        if names.contains(own) {
            findings.warning(place, Complaint("a service is always after itself", "leave it out"))
            names.removeAll { $0 == own }
        }
        var seen = Set<String>()
        for name in names where !seen.insert(name).inserted {
            findings.error(place, Complaint("'\(name)' is there twice", "keep one of them"))
        }
        return names
    }
}
