import Configuration
import Control
import JSON
import Linux
import SafeSwitch

extension Examination {
    private static let profiles = "/nix/var/nix/profiles"

    mutating func lookAtNixOS() -> NixOSFacts {
        var facts = NixOSFacts()
        facts.isConfigured = configuration != nil
        facts.policy = configuration?.safeSwitch
        facts.landscape = landscape()
        guard facts.landscape != .none else { return facts }
        let store = looking.path(root + Self.profiles)
        facts.store = RegenFacts.Place(path: root + Self.profiles, sight: store)
        facts.hasNix = hasNix()
        facts.reports = ask(.generations).flatMap { GenerationsReply($0)?.generations }
        facts.plan = ask(.planRollback).flatMap { PlanReport($0) }
        return facts
    }

    private mutating func landscape() -> NixOSFacts.Sight {
        switch looking.landscape(root: root) {
        case .success(let seen):
            seen.generations.isEmpty && seen.current == nil && seen.defaultGeneration == nil
                ? .none : .seen(seen)
        case .failure(let why): .unseen(why.why)
        }
    }

    private mutating func hasNix() -> Bool {
        let folders = [
            "/run/current-system/sw/bin", "/nix/var/nix/profiles/default/bin", "/usr/bin",
        ]
        return looking.paths(folders.map { "\($0)/nix-env" }).contains {
            $0.facts?.isExecutable == true
        }
    }

    /// regend's word; `nil`: it gives none.
    private func ask(_ method: ControlMethod) -> JSONValue? {
        guard daemon.report?.safeSwitch != nil,
            var client = try? ControlClient(runtimeDirectory: daemon.directory),
            (try? client.begin(method)) != nil
        else { return nil }
        return (try? client.answer(milliseconds: Self.surveyPatience)) ?? nil
    }
}
