/// What a landscape does not know and a plan needs to.
public struct PlanningContext: Equatable, Sendable {
    /// The system that ran before the change.
    public var previous: String?
    /// Whether the failing service was healthy on that one.
    public var wasHealthyOnPrevious: Bool
    /// Systems that passed a whole probation.
    public var knownGood: [String]
    /// Systems never to go back to.
    public var quarantined: [String]
    /// Systems that this machine has booted.
    public var booted: [String]
    /// See `SafeSwitchPolicy.fence`.
    public var fence: Int?

    /// A context.
    public init(
        previous: String? = nil, wasHealthyOnPrevious: Bool = false, knownGood: [String] = [],
        quarantined: [String] = [], booted: [String] = [], fence: Int? = nil
    ) {
        self.previous = previous
        self.wasHealthyOnPrevious = wasHealthyOnPrevious
        self.knownGood = knownGood
        self.quarantined = quarantined
        self.booted = booted
        self.fence = fence
    }
}

extension Landscape {
    /// Each system that a generation leads to, as a place to go back to, the newest first. Where
    /// several numbers lead to one system it stands once, by its highest.
    public func candidates(for context: PlanningContext) -> [Candidate] {
        let name = runningSpecialisation
        var seen: [String] = []
        return generations.reversed().compactMap { generation in
            if seen.contains(generation.path) { return nil }
            seen.append(generation.path)
            return candidate(generation, specialisation: name, context)
        }
    }

    /// The name of the specialisation that runs.
    public var runningSpecialisation: String? {
        guard let current else { return nil }
        for generation in generations.reversed() {
            let all = system(generation.path)?.specialisations ?? []
            if let running = all.first(where: { $0.path == current }) { return running.name }
        }
        return nil
    }

    private func candidate(
        _ generation: Generation, specialisation name: String?, _ context: PlanningContext
    ) -> Candidate {
        var candidate = Candidate(generation: generation.number, path: generation.path)
        let own = system(generation.path)
        candidate.specialisation = own?.specialisations.first { $0.name == name }
        let paths = [generation.path, candidate.activated]
        candidate.isPrevious = context.previous.map(isPart(of: generation.path)) ?? false
        candidate.isKnownGood =
            paths.contains { context.knownGood.contains($0) || $0 == knownGoodProfile }
        candidate.wasHealthy = candidate.isPrevious && context.wasHealthyOnPrevious
        candidate.isQuarantined = paths.contains(where: context.quarantined.contains)
        candidate.isFenced = context.fence.map { generation.number < $0 } ?? false
        candidate.isRunning = current.map(isPart(of: generation.path)) ?? false
        candidate.defects = own?.defects ?? [.missing]
        candidate.wasBooted = paths.contains { context.booted.contains($0) || $0 == booted }
        guard let target = system(candidate.activated) else { return candidate }
        if candidate.specialisation != nil, candidate.defects.isEmpty {
            candidate.defects = target.defects
        }
        compare(target, into: &candidate)
        return candidate
    }

    /// Whether a system is this one or one of its specialisations.
    private func isPart(of path: String) -> (String) -> Bool {
        let parts = [path] + (system(path)?.specialisations.map(\.path) ?? [])
        return { parts.contains($0) }
    }

    private func compare(_ target: NixSystem, into candidate: inout Candidate) {
        if let running = current.flatMap(system) {
            candidate.inhibitors = running.inhibitors(against: target)
            candidate.initDiffers = running.initInterface != target.initInterface
        }
        let reference = booted.flatMap(system) ?? current.flatMap(system)
        candidate.kernelDiffers = reference.map { $0.kernel != target.kernel } ?? false
    }
}

extension NixSystem {
    /// The keys that forbid to go live from this system to that one: switch-to-configuration looks at
    /// those that both have.
    func inhibitors(against target: NixSystem) -> [String] {
        inhibitors.filter { mine in
            target.inhibitors.contains { $0.key == mine.key && $0.value != mine.value }
        }.map(\.key)
    }
}
