import Supervision

/// A switch of Regen's that is under way, with what need not outlive the daemon.
struct Aloft: Sendable {
    var flight: Flight
    var awaits: Awaits
    /// What is being done began.
    var stepBegan: Instant
    /// For whose sake, and who was accused since: all of them wait for its outcome.
    var accused: [Case] = []
    /// Who was healthy when it began.
    var healthyBefore: [InstanceID] = []
    /// Whom to tell that it began, and by which plan.
    var request: (number: Int, plan: Plan?)?
    /// So many looks have failed in a row.
    var failedLooks = 0
    /// The deed of this step has failed, and that is recorded.
    var hasFailed = false
    /// How switch-to-configuration ended.
    var status = ExitStatus.unknown
    /// A human was told that it lasts.
    var isTold = false
    /// The human's word of a trial has come.
    var isConfirmed = false
    /// The target was booted.
    var wasRebooted = false
    /// Who was not ill when it began is watched until then at least.
    var leastUntil: Instant?

    /// What it waits for.
    enum Awaits: Equatable, Sendable {
        /// The record with this serial to be on the disk.
        case disk(Int, until: Instant)
        /// A look.
        case look
        /// Time to pass, before another look.
        case pause(until: Instant)
        /// The deed with this serial.
        case deed(Int)
        /// The end of switch-to-configuration.
        case activation(Int)
        /// The machine to go down.
        case reboot(Int, until: Instant)
        /// The probes.
        case probes(until: Instant)
    }

    init(_ flight: Flight, _ awaits: Awaits, at now: Instant) {
        self.flight = flight
        self.awaits = awaits
        stepBegan = now
    }

    /// switch-to-configuration runs.
    var isActivating: Bool { if case .activation = awaits { true } else { false } }

    var isTrial: Bool { if case .trial = flight.purpose { true } else { false } }

    var isConfirmingTrial: Bool { isTrial && flight.step == .confirm }

    /// The incident for whose sake it is.
    var incident: Int? {
        if case .rollback(let incident) = flight.purpose { incident } else { nil }
    }

    func concerns(_ one: Case) -> Bool {
        incident == one.incident || accused.contains { $0.service == one.service }
    }
}

/// The table of steps.
extension Flight {
    /// What a switch does, in this order. `verify` follows each activation; what comes after it is
    /// decided by what it sees.
    var steps: [Step] {
        switch (purpose, mode) {
        case (.settle, _): [.intent, .profile, .activate, .verify]
        case (.retreat, _): [.intent, .activate, .verify]
        case (.trial, _): [.intent, .activate, .verify, .confirm]
        case (_, .live): [.intent, .profile, .activate, .verify, .confirm]
        case (_, .reboot): [.intent, .profile, .activate, .verify, .reboot, .confirm]
        case (_, .trial): [.intent, .activate, .verify, .confirm]
        }
    }

    /// What undoes the profile's step, if switch-to-configuration has refused and nobody else has done
    /// anything since. `nil`: nothing is to be undone, or cannot be.
    func undoing(in landscape: Landscape) -> Deed? {
        guard steps.contains(.profile), activation == .switch, landscape.current == from,
            landscape.generations(of: to).contains(where: {
                $0.number == landscape.defaultGeneration
            }), formerDefault != landscape.defaultGeneration
        else { return nil }
        return landscape.generations.first { $0.number == formerDefault }.map {
            .setProfile(generation: $0.number, path: $0.path)
        }
    }

    /// The step after the present one.
    var next: Step? {
        let following = steps.drop { $0 != step }.dropFirst()
        return following.first
    }

    /// What switch-to-configuration is told.
    var activation: Activation {
        switch (purpose, mode) {
        case (.settle, _): .boot
        case (.retreat, _), (.trial, _): .test
        case (_, .live): .switch
        case (_, .reboot): .boot
        case (_, .trial): .test
        }
    }

    /// Whether it is the second half of a trial: it has been promised.
    var isTrialsEnd: Bool {
        switch purpose {
        case .retreat, .settle: true
        case .rollback, .asked, .trial: false
        }
    }

    /// Whether what it wants is so, as far as it can be seen.
    func isReached(in landscape: Landscape) -> Bool {
        switch activation {
        case .switch, .test: landscape.current == to
        case .boot:
            landscape.generations(of: to).contains { $0.number == landscape.defaultGeneration }
        }
    }

    /// What makes it wrong to go on, before anything was activated.
    func obstacle(in landscape: Landscape) -> Refusal? {
        let chosen = landscape.defaultGeneration
        if let formerDefault, formerDefault != chosen,
            !landscape.generations(of: to).contains(where: { $0.number == chosen })
        {
            return .switching
        }
        if landscape.switchHolder != nil || landscape.current != from { return .switching }
        guard landscape.system(to)?.defects.isEmpty == true else {
            return .gone(generation: generation ?? 0)
        }
        guard let generation else { return nil }
        let isNumbered = landscape.generations(of: to).contains { $0.number == generation }
        return isNumbered ? nil : .gone(generation: generation)
    }

    /// The profile's link for its generation, or for what is in no profile yet.
    func profileDeed(in landscape: Landscape?) -> Deed {
        let entry = landscape?.generations.first { $0.number == generation }
        return entry.map { .setProfile(generation: $0.number, path: $0.path) }
            ?? .addGeneration(path: to)
    }

    /// Whether what was set is still so: nobody else has switched in between.
    func isUndisturbed(in landscape: Landscape) -> Bool {
        let runs = landscape.current == from || landscape.current == to
        guard steps.contains(.profile) else { return runs }
        let chosen = landscape.defaultGeneration
        return runs && landscape.generations(of: to).contains { $0.number == chosen }
    }
}
