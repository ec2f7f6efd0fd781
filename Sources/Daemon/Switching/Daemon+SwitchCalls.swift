import Control
import JSON
import Ledger
import Linux
import Records
import SafeSwitch
import Supervision

/// Operators' calls that are SafeSwitch's matter.
extension Daemon {
    /// Calls that wait for SafeSwitch's answer; one more is told to come later.
    static let mostSwitchCalls = 64

    /// Whoever may read may ask what there is and what would be done.
    func serveSwitch(_ call: Call) {
        guard state == .ready else {
            return server.fail(
                call.id, with: .notNow(reason: "regend is ending"), at: now.boot)
        }
        guard switching.isActive, switching.policy?.mode ?? .off != .off else {
            return server.fail(call.id, with: .notNow(reason: SwitchReport.isOff), at: now.boot)
        }
        guard switching.calls.count < Self.mostSwitchCalls else {
            return server.fail(
                call.id, with: .notNow(reason: "too many ask at once; ask again"), at: now.boot)
        }
        if let fault = fault(in: call) { return server.fail(call.id, with: fault, at: now.boot) }
        guard let (request, method) = request(call) else {
            return server.fail(
                call.id,
                with: .notNow(reason: "there is no such generation; see: regen generations"),
                at: now.boot)
        }
        if let method {
            write(.asked(method: method, services: [], uid: call.peer.uid, pid: call.peer.pid))
        }
        let number = switching.nextRequest
        switching.nextRequest += 1
        switching.calls[number] = call.id
        tellSwitch(.asked(request: number, request))
    }

    /// A program of the path is run as root. Anybody can put one into the store: so only root names
    /// paths, and whoever else may act has the choice of the generations.
    private func fault(in call: Call) -> ControlError? {
        guard case .switch(.path(let path), _) = call.request else { return nil }
        guard [0, ProcessTable.effectiveUser].contains(call.peer.uid) else {
            return .permissionDenied
        }
        if mayBeSystem(options.within(path)) { return nil }
        return .notNow(reason: "\(path.prefix(256)) is no system: name a path right in /nix/store")
    }

    /// What is asked; the method's name where it is to be written down.
    private func request(_ call: Call) -> (SwitchRequest, StaticString?)? {
        let uid = call.peer.uid
        switch call.request {
        case .generations: return (.generations, nil)
        case .planRollback(let wish): return (.plan(PlanFacts.Wish(wish)), nil)
        case .rollback(let wish, let expected):
            return (
                .rollback(PlanFacts.Wish(wish), expected: expected.map(options.within), uid: uid),
                "Rollback"
            )
        case .switch(let target, let milliseconds):
            let confirm = milliseconds.map { Interval(nanoseconds: $0 * 1_000_000) }
            switch target {
            case .path(let path):
                return (
                    .trial(path: options.within(path), generation: nil, confirm: confirm, uid: uid),
                    "Switch"
                )
            case .generation(let number):
                let link = options.below("/nix/var/nix/profiles/system-\(number)-link")
                guard let path = Directory.linkTarget(link),
                    mayBeSystem(options.within(path))
                else { return nil }
                return (
                    .trial(
                        path: options.within(path), generation: Int(number), confirm: confirm,
                        uid: uid),
                    "Switch"
                )
            }
        case .confirmSwitch: return (.confirm(uid: uid), "ConfirmSwitch")
        default: return nil
        }
    }

    func answer(_ request: Int, _ answer: SwitchAnswer) {
        guard let call = switching.calls.removeValue(forKey: request) else { return }
        switch answer {
        case .planned(let facts, let outcome):
            reply(call, PlanReport(facts, outcome).write)
        case .began(let flight, _), .confirmed(let flight):
            reply(call, SwitchReply.flight(Int64(flight)).write)
        case .generations(let landscape, let standings):
            reply(call, GenerationsReply(landscape, standings).write)
        case .refused(let refusal):
            reply(call, SwitchReply.refused(RefusalReport(refusal)).write)
        case .unable(let sentence):
            server.fail(call, with: .notNow(reason: sentence), at: now.boot)
        }
    }

    private func reply(_ call: Call.ID, _ write: (inout JSONWriter) -> Void) {
        server.reply(to: call, at: now.boot) { write(&$0) }
    }

    /// How SafeSwitch stands; `nil`: it is off.
    var switchReport: SwitchReport? {
        guard let policy = switching.policy, policy.mode != .off else { return nil }
        let story = switching.story
        let landscape = story.landscape ?? Landscape()
        func system(_ path: String) -> SystemReport { SystemReport(path, in: landscape) }
        var report = SwitchReport(policy: policy.mode.rawValue)
        report.running = landscape.current.map(system)
        report.probationUntilUnixMilliseconds = story.probationEnds.map(unixMilliseconds)
        report.knownGood = story.knownGood.map(system)
        report.flight = story.flight.map { flight in
            var told = FlightReport(
                number: Int64(flight.id), purpose: flight.purpose.word, to: system(flight.to),
                mode: flight.mode.rawValue, step: flight.step.rawValue,
                beganUnixMilliseconds: unixMilliseconds(flight.began))
            if case .trial(_, let confirm?) = flight.purpose, !story.isConfirmed {
                told.confirmUntilUnixMilliseconds = unixMilliseconds(flight.began + confirm)
            }
            return told
        }
        report.foreignSwitch = story.foreign.map { Int64($0) }
        report.isDegraded = story.isDegraded
        report.ended = story.ended.map { ended in
            FlightEndReport(
                number: Int64(ended.flight.id), purpose: ended.flight.purpose.word,
                to: system(ended.flight.to), outcome: ended.outcome.word,
                text: ended.outcome.sentence, atUnixMilliseconds: ended.at / 1_000_000)
        }
        report.lastRollbackUnixMilliseconds = story.lastRollback.map(unixMilliseconds)
        return report
    }

    private func unixMilliseconds(_ instant: Instant) -> Int64 {
        (now.wall + instant.nanoseconds - now.boot) / 1_000_000
    }
}

extension PlanFacts.Wish {
    fileprivate init(_ wish: RollbackWish) {
        switch wish {
        case .anywhere: self = .anywhere
        case .generation(let number): self = .generation(Int(number))
        case .knownGood: self = .knownGood
        }
    }
}
