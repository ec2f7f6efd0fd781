import Control

extension RegenFacts {
    /// What it comes to.
    public func judge() -> [Finding] {
        let report = self.report
        return [daemonFinding] + (report.map(judge) ?? []) + configurationFindings + programs
            + users.compactMap(finding) + actors + directories + secrets.map(finding)
    }

    private var report: DaemonReport? {
        if case .answers(let report) = daemon { report } else { nil }
    }

    private func finding(_ check: String, _ verdict: Finding.Verdict, _ found: String) -> Finding {
        Finding(.regen, check, verdict, found)
    }

    private var start: String {
        hasUnit
            ? "systemctl start regen" : "regen run --config \((configurationPath ?? "FILE").pasted)"
    }

    private var restart: String {
        hasUnit ? "systemctl restart regen  # services go on meanwhile" : start
    }

    // MARK: The daemon

    private var daemonFinding: Finding {
        switch daemon {
        case .answers(let report):
            let found = "regend \(report.version) is \(report.state), pid \(report.pid)"
            return report.state == "ready"
                ? finding("daemon", .fine, found)
                : finding("daemon", .warning(fix: "regen status  # in a while"), found)
        case .absent(let path):
            return finding(
                "daemon", .fault(fix: start), "no regend answers at \(path): nothing is healed")
        case .shut(let path):
            return finding(
                "daemon", .warning(fix: "sudo regen doctor  # or become a member of group regen"),
                "\(path) is not open to this user: what regend knows is left out")
        case .silent(let why):
            return finding("daemon", .fault(fix: restart), "\(why): nothing is healed")
        }
    }

    private func judge(_ report: DaemonReport) -> [Finding] {
        var findings: [Finding] = []
        if report.version != version {
            findings.append(
                finding(
                    "version", .warning(fix: restart),
                    "regend is \(report.version), this regen is \(version)"))
        }
        findings.append(ledger(report.ledger))
        let handedOver = report.services.handedOver
        if handedOver > 0 {
            findings.append(
                finding(
                    "hand-over", .warning(fix: "regen status  # then: regen start NAME"),
                    "\(handedOver) of \(report.services.total) services need a human"))
        }
        findings += report.workers.filter { $0.state == "down" }.map(down)
        return findings
    }

    private func ledger(_ ledger: LedgerCondition) -> Finding {
        if ledger.state == "sound" {
            let count = ledger.records.map { ", \($0) records" } ?? ""
            return finding("ledger", .fine, "sound\(count)")
        }
        let why = ledger.detail.map { ": \($0)" } ?? ""
        return finding(
            "ledger", .fault(fix: "regen ledger verify  # and look at the disk below it"),
            "\(ledger.state)\(why); without a sound ledger nothing is rolled back")
    }

    private func down(_ worker: WorkerReport) -> Finding {
        let why = worker.reason.map { ": \($0)" } ?? ""
        let found = "worker \(worker.role) is down\(why)"
        let fix = "regen status  # tells more; so does what regend says on standard error"
        return worker.role == "probe"
            ? finding("workers", .fault(fix: fix), "\(found); hangs are not seen")
            : finding("workers", .warning(fix: fix), "\(found); one of the routes tells nobody")
    }

    // MARK: The configuration

    private var configurationFindings: [Finding] {
        [configurationFinding] + (differs.map { [$0] } ?? [])
    }

    private var configurationFinding: Finding {
        let path = configurationPath ?? "-"
        switch configuration {
        case .none:
            return finding(
                "configuration", .warning(fix: "regen doctor --config FILE"),
                "none is known: what it names is not looked at")
        case .fine(0): return finding("configuration", .fine, "\(path) is fine")
        case .fine(let warnings):
            return finding(
                "configuration", .warning(fix: "regen check \(path.pasted)"),
                "\(path) is fine, with \(warnings) warning\(warnings == 1 ? "" : "s")")
        case .wrong(let errors, let first):
            let more = errors > 1 ? " (and \(errors - 1) more)" : ""
            return finding(
                "configuration", .fault(fix: "regen check \(path.pasted)"),
                "\(path): \(first)\(more); regend would not start with it")
        case .unreadable(.forbidden):
            return finding(
                "configuration", .warning(fix: "sudo regen doctor"),
                "\(path) may not be read by this user: what it names is not looked at")
        case .unreadable(.unseen(let why)):
            return finding(
                "configuration", .warning(fix: "regen check \(path.pasted)"),
                "\(path) was not looked at (\(why))")
        case .unreadable(let sight):
            return finding(
                "configuration", .fault(fix: "ls -l \(path.pasted)"),
                "\(path) \(sight.trouble ?? "is no file"); regend would not start with it")
        }
    }

    /// The daemon may have been started with another file.
    private var differs: Finding? {
        guard let running = report?.configFile, let configurationPath,
            running != configurationPath
        else { return nil }
        return finding(
            "in force", .warning(fix: "regen doctor --config \(running.pasted)"),
            "regend was started with \(running)")
    }

    // MARK: What it needs

    private var programs: [Finding] {
        let fix =
            "ls -l $(dirname $(command -v regen))  # regen, regend and regen-net belong together"
        if missingPrograms.isEmpty {
            return [finding("programs", .fine, "regend and regen-net are installed")]
        }
        return missingPrograms.map { program in
            let found = "there is no \(program) beside this regen"
            return program == "regend"
                ? finding("programs", .fault(fix: fix), "\(found): nothing can be started")
                : finding(
                    "programs", .warning(fix: fix),
                    "\(found): servers are not probed, people not told")
        }
    }

    private func finding(_ user: WorkerUser) -> Finding? {
        switch (user.exists, user.purpose) {
        case (true?, _): return finding(user.name, .fine, "is a user")
        case (_, nil): return nil
        case (false?, let purpose?):
            return finding(
                user.name, .warning(fix: "useradd --system \(user.name)"),
                "is no user: \(purpose) as nobody, who may have files and other processes")
        case (nil, _?):
            return finding(
                user.name, .warning(fix: "getent passwd \(user.name)"),
                "whether it is a user, nobody answered in time")
        }
    }

    private var actors: [Finding] {
        unknownActors.map {
            finding(
                "control.allow",
                .warning(fix: "useradd \($0.pasted)  # or take it out of control.allow"),
                "there is no user \($0): nobody may act by that name")
        }
    }

    private var directories: [Finding] {
        let state = state.map { directory($0, "state") + [room($0)].compactMap { $0 } } ?? []
        return state + (runtime.map { directory($0, "runtime") } ?? [])
    }

    private func directory(_ place: Place, _ name: String) -> [Finding] {
        guard let facts = place.sight.facts else {
            switch place.sight {
            case .missing:
                return [finding(name, .fine, "\(place.path) is not there yet: regend makes it")]
            case .forbidden, .unseen:
                return [
                    finding(
                        name, .warning(fix: "sudo regen doctor"),
                        "\(place.path) \(place.sight.trouble ?? "")")
                ]
            case .failed, .silent, .found:
                return [
                    finding(
                        name, .fault(fix: "findmnt -T \(place.path.pasted)"),
                        "\(place.path) \(place.sight.trouble ?? ""): regend could not start")
                ]
            }
        }
        if facts.kind != .directory {
            return [
                finding(
                    name, .fault(fix: "ls -ld \(place.path.pasted)"),
                    "\(place.path) is no directory: regend could not start")
            ]
        }
        if let defect = facts.defect {
            return [
                finding(
                    name,
                    .fault(
                        fix:
                            "namei -l \(place.path.pasted)  # only root may be able to write any of these"
                    ),
                    "\(defect): as root regend does not use it")
            ]
        }
        return [finding(name, .fine, place.path)]
    }

    private func room(_ place: Place) -> Finding? {
        guard let space = place.sight.facts?.space else { return nil }
        return Room(
            group: .regen, check: "state's room", path: place.path, least: Room.leastState,
            comfortable: Room.comfortableState,
            effect: "the ledger takes no records, and without it nothing is rolled back",
            fix: "du -xsh \(place.path.pasted)/* | sort -h"
        ).judge(space)
    }

    private func finding(_ secret: Secret) -> Finding {
        let check = "notices.\(secret.route)"
        let effect = "nobody is told by it"
        guard let facts = secret.sight.facts else {
            let fix =
                secret.sight == .forbidden ? "sudo regen doctor" : "ls -l \(secret.path.pasted)"
            return finding(
                check, .warning(fix: fix), "\(secret.path) \(secret.sight.trouble ?? ""): \(effect)"
            )
        }
        if facts.kind != .file {
            return finding(
                check, .warning(fix: "ls -l \(secret.path.pasted)"),
                "\(secret.path) is not a regular file: \(effect)")
        }
        if facts.mode & 0o006 != 0 {
            return finding(
                check, .warning(fix: "chmod o-rwx \(secret.path.pasted)  # and change the secret"),
                "\(secret.path) is open to everybody: \(effect)")
        }
        if let defect = facts.defect {
            return finding(
                check,
                .warning(
                    fix: "namei -l \(secret.path.pasted)  # only root may be able to write these"),
                "\(defect): \(effect)")
        }
        return finding(check, .fine, secret.path)
    }
}

extension PathSight {
    /// What is in the way, as the end of a sentence about the path; `nil`: nothing.
    var trouble: String? {
        switch self {
        case .found: nil
        case .missing: "is not there"
        case .forbidden: "may not be reached by this user"
        case .failed(let why): "cannot be looked at (\(why))"
        case .silent: "does not answer: is a file server away?"
        case .unseen(let why): "was not looked at (\(why))"
        }
    }
}
