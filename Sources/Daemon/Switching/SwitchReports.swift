import Control
import SafeSwitch
import Supervision

/// What SafeSwitch says, as the control socket tells it.
extension RefusalReport {
    init(_ refusal: Refusal) {
        self.init(reason: refusal.word, text: refusal.sentence)
        if case .noTarget(let rejections) = refusal { rejected = rejections.map(Rejected.init) }
    }
}

extension RefusalReport.Rejected {
    init(_ rejection: Rejection) {
        self.init(
            generation: Int64(rejection.generation), reason: rejection.reason.word,
            text: rejection.reason.phrase)
    }
}

extension SystemReport {
    /// What the landscape knows of the system with this path.
    init(_ path: String, in landscape: Landscape) {
        let generation = landscape.generations(of: path).last
        self.init(
            path: path, generation: generation.map { Int64($0.number) },
            version: landscape.system(path)?.version)
        guard let base = generation?.path, base != path else { return }
        specialisation =
            landscape.system(base)?.specialisations.first { $0.path == path }?.name
    }

    init(_ candidate: Candidate) {
        self.init(
            path: candidate.activated, generation: Int64(candidate.generation),
            specialisation: candidate.specialisation?.name)
    }
}

extension PlanReport {
    init(_ facts: PlanFacts, _ outcome: PlanOutcome) {
        let running = facts.candidates.first(where: \.isRunning).map(SystemReport.init)
        switch outcome {
        case .refuse(let refusal): self.init(from: running, refused: RefusalReport(refusal))
        case .go(let plan), .propose(let plan):
            self.init(
                from: running, to: SystemReport(plan.target), mode: plan.mode.rawValue,
                choice: plan.choice.rawValue)
            isDegraded = plan.isDegraded
            risks = plan.risks
        }
    }
}

extension Plan {
    /// What may go wrong, a sentence each.
    fileprivate var risks: [String] {
        var risks: [String] = []
        if !target.isKnownGood {
            risks.append("generation \(target.generation) has never passed a probation here")
        }
        if isDegraded {
            risks.append(
                "the kernel stays the one that runs, which is not the target's: modules may fail to "
                    + "load until a reboot")
        }
        if mode == .reboot {
            risks.append("the machine is rebooted: all of its services stop for that long")
        } else if !target.wasBooted {
            risks.append(
                "this machine has never booted generation \(target.generation): whether it does is "
                    + "seen at the next boot")
        }
        return risks
    }
}

extension GenerationsReply {
    init(_ landscape: Landscape, _ standings: [GenerationStanding]) {
        let reports = landscape.generations.map { generation in
            GenerationReport(
                generation, in: landscape, standings.first { $0.generation == generation.number })
        }
        self.init(
            generations: reports,
            running: landscape.current.map { SystemReport($0, in: landscape) },
            booted: landscape.booted.map { SystemReport($0, in: landscape) })
    }
}

extension GenerationReport {
    init(
        _ generation: Generation, in landscape: Landscape, _ standing: GenerationStanding?
    ) {
        self.init(
            number: Int64(generation.number), dateUnixMilliseconds: generation.date * 1000,
            path: generation.path)
        if let system = landscape.system(generation.path) {
            version = system.version
            kernel = system.kernelVersion
            revision = system.revision
            specialisations = system.specialisations.map(\.name)
        }
        isRunning = landscape.current.map { generation.leads(to: $0, in: landscape) } ?? false
        isBooted = landscape.booted.map { generation.leads(to: $0, in: landscape) } ?? false
        isDefault = landscape.defaultGeneration == generation.number
        guard let standing else { return }
        isKnownGood = standing.isKnownGood
        isQuarantined = standing.isQuarantined
        isFenced = standing.isFenced
        rollback = Rollback(standing.rollback)
    }
}

extension Generation {
    /// Whether it or a specialisation of it is the system with this path.
    fileprivate func leads(to path: String, in landscape: Landscape) -> Bool {
        landscape.generations(of: path).contains(self)
    }
}

extension GenerationReport.Rollback {
    fileprivate init(_ outcome: PlanOutcome) {
        switch outcome {
        case .go(let plan), .propose(let plan): self = plan.mode == .reboot ? .reboot : .live
        case .refuse(let refusal): self = .refused(RefusalReport(refusal))
        }
    }
}
