import Control
import SafeSwitch

extension NixOSFacts {
    /// What it comes to. Where nobody counts on a rollback, nothing of it is a fault.
    public func judge() -> [Finding] {
        let findings: [Finding]
        switch landscape {
        case .none: return absent
        case .unseen(let why):
            findings = [
                finding(
                    "generations",
                    .fault(fix: "ls -l /nix/var/nix/profiles  # as root"),
                    "cannot be looked at: \(why)")
            ]
        case .seen(let landscape):
            findings =
                [profile(landscape), current(landscape), booted(landscape), foreign(landscape)]
                .compactMap { $0 } + rollback(landscape) + rooms(landscape) + [nix]
        }
        return [policyFinding].compactMap { $0 }
            + (wantsRollback ? findings : findings.map(\.softened))
    }

    private func finding(_ check: String, _ verdict: Finding.Verdict, _ found: String) -> Finding {
        Finding(.nixos, check, verdict, found)
    }

    private var absent: [Finding] {
        guard wantsRollback else {
            return [finding("generations", .fine, "this is no NixOS, and SafeSwitch is off")]
        }
        return [
            finding(
                "generations",
                .fault(fix: "safeswitch: { policy: off }  # where there is no system profile"),
                "there is no system profile and no running generation: SafeSwitch can do nothing")
        ]
    }

    private var policyFinding: Finding? {
        guard isConfigured else { return nil }
        guard let policy, policy.mode != .off else {
            return finding(
                "safeswitch", .warning(fix: "safeswitch: { policy: automatic }"),
                "off: a generation that breaks services stays")
        }
        let fence = policy.fence.map { ", never below generation \($0)" } ?? ""
        return finding("safeswitch", .fine, policy.mode.rawValue + fence)
    }

    private func profile(_ landscape: Landscape) -> Finding {
        guard let number = landscape.defaultGeneration else {
            return finding(
                "profile", .fault(fix: "nixos-rebuild switch  # makes it lead to a generation"),
                "/nix/var/nix/profiles/system leads to no generation: it cannot be set back")
        }
        return finding("profile", .fine, "generation \(number) is the boot default")
    }

    private func current(_ landscape: Landscape) -> Finding {
        guard let current = landscape.current else {
            return finding(
                "running", .fault(fix: "nixos-rebuild switch"),
                "/run/current-system leads nowhere: nobody knows what runs")
        }
        guard let running = landscape.generations(of: current).last else {
            return finding(
                "running", .warning(fix: "nixos-rebuild switch  # or: nixos-rebuild boot"),
                "\(current) is in no generation: a reboot ends it")
        }
        if let number = landscape.defaultGeneration,
            !landscape.generations(of: current).contains(where: { $0.number == number })
        {
            return finding(
                "running", .warning(fix: "nixos-rebuild switch  # or reboot into it"),
                "generation \(running.number) runs, \(number) is the boot default")
        }
        let version = landscape.system(running.path)?.version.map { " (\($0))" } ?? ""
        return finding("running", .fine, "generation \(running.number)\(version)")
    }

    private func booted(_ landscape: Landscape) -> Finding? {
        guard let booted = landscape.booted, let current = landscape.current,
            let old = landscape.system(booted), let new = landscape.system(current),
            old.kernel != new.kernel
        else { return nil }
        return finding(
            "booted", .warning(fix: "reboot"),
            "another kernel runs than that of the running system")
    }

    private func foreign(_ landscape: Landscape) -> Finding? {
        guard let pid = landscape.switchHolder else { return nil }
        let who = pid > 0 ? " (pid \(pid))" : ""
        return finding(
            "switch", .warning(fix: "regen doctor  # again, when it is over"),
            "a switch is running\(who): meanwhile nothing is rolled back")
    }

    private var nix: Finding {
        hasNix
            ? finding("nix", .fine, "nix-env is there, should setting the profile need it")
            : finding(
                "nix", .warning(fix: "nix.enable = true;"),
                "no nix-env: the profile is set without it, and there is nothing to fall back on")
    }

    // MARK: Where to

    private func rollback(_ landscape: Landscape) -> [Finding] {
        let reports = reports ?? landscape.reports(policy: policy)
        let plan = plan ?? landscape.plan(policy: policy)
        return [target(plan), ready(reports), knownGood(landscape, reports)]
            + [quarantined(reports)].compactMap { $0 }
    }

    private func target(_ plan: PlanReport) -> Finding {
        guard let target = plan.to else {
            let why = plan.refused?.text ?? "refused"
            return finding("rollback", .fault(fix: fix(for: plan.refused)), why)
        }
        let choice = plan.choice.flatMap { Plan.Choice(rawValue: $0)?.sentence }
        let because = choice.map { ": \($0)" } ?? ""
        let name = target.generation.map { "generation \($0)" } ?? target.path
        return finding(
            "rollback", .fine, "would go to \(name) (\(plan.mode ?? "live"))\(because)")
    }

    private func fix(for refusal: RefusalReport?) -> String {
        switch refusal?.reason {
        case "no-target":
            "regen generations  # one must pass a probation: keep regend running for "
                + "safeswitch.probation after a switch"
        case "needs-reboot", "never-booted": "safeswitch: { allow_reboot: true }"
        case "boot-full": "nix-collect-garbage --delete-older-than 30d && nixos-rebuild boot"
        case "no-ledger": "regen ledger verify"
        case "switching": "regen doctor  # again, when it is over"
        case "off": "safeswitch: { policy: automatic }"
        default: "regen rollback --dry-run"
        }
    }

    /// How many could be gone back to, and why the others cannot.
    private func ready(_ reports: [GenerationReport]) -> Finding {
        let others = reports.filter { !$0.isRunning }
        let ready = others.count { $0.rollback == .live || $0.rollback == .reboot }
        let refused = others.compactMap { report -> String? in
            guard case .refused(let refusal) = report.rollback else { return nil }
            let own = refusal.rejected.first { $0.generation == report.number }?.text
            return "\(report.number) \(own ?? refusal.text)"
        }
        var found = "\(ready) of \(others.count) others could be gone back to"
        if !refused.isEmpty {
            let more = refused.count > Self.mostNamed ? "; …" : ""
            found += ": " + refused.suffix(Self.mostNamed).joined(separator: "; ") + more
        }
        guard ready == 0 else { return finding("generations", .fine, found) }
        return finding(
            "generations",
            others.isEmpty
                ? .fault(fix: "nixos-rebuild switch  # makes a second generation")
                : .fault(fix: "regen generations"), found)
    }

    private func knownGood(_ landscape: Landscape, _ reports: [GenerationReport]) -> Finding {
        let good = reports.filter(\.isKnownGood).map { "\($0.number)" }
        guard !good.isEmpty else {
            return finding(
                "known good",
                .warning(fix: "regen status  # tells when the probation ends"),
                "no generation has passed a probation yet")
        }
        let profile =
            landscape.knownGoodProfile == nil
            ? "; the profile last-known-good is not there, garbage collection may take it" : ""
        let found = good.suffix(Self.mostNamed).joined(separator: ", ") + profile
        return profile.isEmpty
            ? finding("known good", .fine, found)
            : finding("known good", .warning(fix: "regen status"), found)
    }

    private func quarantined(_ reports: [GenerationReport]) -> Finding? {
        let bad = reports.filter(\.isQuarantined)
        guard !bad.isEmpty else { return nil }
        let numbers = bad.suffix(Self.mostNamed).map { "\($0.number)" }.joined(separator: ", ")
        return finding(
            "quarantined",
            .warning(fix: "nixos-rebuild switch  # of a configuration that mends them"), numbers)
    }

    /// So many generations are named in a line.
    private static let mostNamed = 8

    // MARK: Room

    private func rooms(_ landscape: Landscape) -> [Finding] {
        var findings: [Finding] = []
        let collect = "nix-collect-garbage --delete-older-than 30d"
        if let store, let space = store.sight.facts?.space {
            findings.append(
                Room(
                    group: .nixos, check: "store's room", path: store.path, least: Room.leastStore,
                    comfortable: Room.comfortableStore, effect: "the profile cannot be set",
                    fix: collect
                ).judge(space))
        } else if let store, let trouble = store.sight.trouble {
            findings.append(
                finding(
                    "store's room",
                    store.sight == .silent
                        ? .fault(fix: "findmnt -T \(store.path)")
                        : .warning(fix: "sudo regen doctor"), "\(store.path) \(trouble)"))
        }
        if let free = landscape.bootSpace {
            findings.append(
                Room(
                    group: .nixos, check: "boot's room", path: bootPath ?? "/boot",
                    least: Room.leastBoot, comfortable: Room.comfortableBoot,
                    effect: "a boot entry might be cut short, nothing is rolled back",
                    fix: "\(collect) && nixos-rebuild boot"
                ).judge(PathFacts.Space(free: free)))
        }
        return findings
    }
}

extension Finding {
    /// The same where it stops nothing.
    fileprivate var softened: Finding {
        guard case .fault(let fix) = verdict else { return self }
        return Finding(group, check, .warning(fix: fix), found)
    }
}

extension Landscape {
    /// What can be said without regend: the ledger's word on what is known good or quarantined is
    /// missing, and only the profile tells of the last known good one.
    fileprivate func reports(policy: SafeSwitchPolicy?) -> [GenerationReport] {
        let candidates = candidates(for: context(policy))
        return generations.map { generation in
            var report = GenerationReport(
                number: Int64(generation.number), dateUnixMilliseconds: generation.date * 1000,
                path: generation.path)
            let candidate = candidates.first { $0.path == generation.path }
            report.isRunning = candidate?.isRunning ?? false
            report.isKnownGood = candidate?.isKnownGood ?? false
            report.isDefault = generation.number == defaultGeneration
            report.isFenced = candidate?.isFenced ?? false
            report.rollback =
                switch facts(.generation(candidate?.generation ?? generation.number), policy)
                    .outcome()
                {
                case .go(let plan), .propose(let plan): plan.mode == .reboot ? .reboot : .live
                case .refuse(let refusal): .refused(refusal.told)
                }
            return report
        }
    }

    fileprivate func plan(policy: SafeSwitchPolicy?) -> PlanReport {
        switch facts(.anywhere, policy).outcome() {
        case .go(let plan), .propose(let plan):
            PlanReport(
                from: nil,
                to: SystemReport(
                    path: plan.target.activated, generation: Int64(plan.target.generation)),
                mode: plan.mode.rawValue, choice: plan.choice.rawValue)
        case .refuse(let refusal): PlanReport(from: nil, refused: refusal.told)
        }
    }

    private func context(_ policy: SafeSwitchPolicy?) -> PlanningContext {
        PlanningContext(fence: policy?.fence)
    }

    private func facts(_ wish: PlanFacts.Wish, _ policy: SafeSwitchPolicy?) -> PlanFacts {
        PlanFacts(
            wish: wish, mode: policy?.mode ?? .automatic,
            allowReboot: policy?.allowReboot ?? false, hasLedger: true, sinceRollback: nil,
            incidentHadRollback: false, isSwitching: switchHolder != nil, bootSpace: bootSpace,
            candidates: candidates(for: context(policy)))
    }
}

extension Refusal {
    /// As the socket tells it.
    fileprivate var told: RefusalReport {
        guard case .noTarget(let rejections) = self else {
            return RefusalReport(reason: word, text: sentence)
        }
        return RefusalReport(
            reason: word, text: sentence,
            rejected: rejections.map {
                .init(
                    generation: Int64($0.generation), reason: $0.reason.word, text: $0.reason.phrase
                )
            })
    }
}
