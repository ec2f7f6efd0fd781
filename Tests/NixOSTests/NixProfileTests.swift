import Foundation
import Glibc
import Linux
import NixOS
import SafeSwitch
import Testing

/// A machine whose store and profiles are Nix's own, in a directory of its own.
private struct NixMachine {
    let machine: StandIns
    var deeds: Deeds { machine.deeds }
    let environment: [String: String]

    init() throws {
        machine = try StandIns()
        try machine.write("/conf/nix.conf", "sandbox = false\nbuild-users-group =\n")
        try machine.write("/home/empty")
        environment = [
            "NIX_CONF_DIR": machine.root + "/conf", "HOME": machine.root + "/home",
        ]
    }

    /// Adds a system to the store; its path.
    func system(_ name: String) throws -> String {
        try machine.write("/new/\(name)/nixos-version", name)
        try machine.write("/new/\(name)/bin/switch-to-configuration", "#!/bin/sh\n", mode: 0o755)
        return try nix("nix-store", "--add", "\(machine.root)/new/\(name)")
    }

    /// What a command of Nix's printed, on this store.
    @discardableResult
    func nix(_ program: String, _ arguments: String...) throws -> String {
        try machine.run([program, "--store", machine.root] + arguments, environment)
    }

    /// What nix-env printed, on a profile of this machine.
    @discardableResult
    func profile(_ name: String = "system", _ arguments: String...) throws -> String {
        try machine.run(
            ["nix-env", "--store", machine.root, "-p", "\(machine.profiles)/\(name)"] + arguments,
            environment)
    }

    /// As nix-env tells them: numbers, and which of them is the current one.
    func generations(_ name: String = "system") throws -> [String] {
        try profile(name, "--list-generations").split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            return words[0] + (words.last == "(current)" ? "*" : "")
        }
    }
}

@Suite("beside Nix itself", .enabled(if: hasNix, "needs nix-bin")) struct NixProfileTests {
    private let nix: NixMachine
    private let first: String
    private let second: String

    init() throws {
        nix = try NixMachine()
        (first, second) = (try nix.system("one"), try nix.system("two"))
        try nix.profile("system", "--set", first)
        try nix.profile("system", "--set", second)
    }

    private func back() -> DeedOutcome {
        nix.deeds.perform(.setProfile(generation: 1, path: first))
    }

    @Test("nix-env agrees with what was done, and goes on from there")
    func agrees() throws {
        #expect(back() == .done)
        #expect(try nix.generations() == ["1*", "2"])
        try nix.profile("system", "--set", first)
        #expect(try nix.generations() == ["1", "2", "3*"], "Nix compares with the highest only")
        try nix.profile("system", "--rollback")
        #expect(try nix.generations() == ["1", "2*", "3"])
    }

    @Test("a new generation has the number that nix-env would have given it")
    func numbersAlike() throws {
        let systems = [first, second, second, first, first, second]
        for system in systems {
            #expect(nix.deeds.perform(.addGeneration(path: system)) == .done)
            try nix.profile("twin", "--set", system)
        }
        // The profile began with two of its own; the twin with none.
        #expect(try nix.generations("twin") == ["1", "2", "3", "4*"])
        #expect(try nix.generations() == ["1", "2", "3", "4", "5", "6*"])
    }

    @Test("known good survives a garbage collection that nothing else does")
    func survives() throws {
        #expect(nix.deeds.perform(.markKnownGood(path: first)) == .done)
        let lost = try nix.system("lost")
        try nix.profile("system", "--delete-generations", "old")
        try nix.nix("nix-store", "--gc")
        #expect(nix.machine.exists("\(first)/nixos-version"))
        #expect(nix.machine.exists("\(second)/nixos-version"))
        #expect(!nix.machine.exists(lost))
        #expect(try nix.generations("system-profiles/last-known-good") == ["1*"])
        #expect(fails(back(), isTransient: false, "generation 1 is not there any more"))
    }

    @Test("what was collected after the plan is refused, though nix-env would switch to it")
    func collected() throws {
        try nix.machine.run(["chmod", "-R", "u+w", nix.machine.root + first])
        try nix.machine.remove(first)
        #expect(fails(back(), isTransient: false, "garbage-collected"))
        #expect(try nix.generations() == ["1", "2*"])
        try nix.profile("system", "--switch-generation", "1")
        #expect(try nix.generations() == ["1*", "2"])
    }

    @Test("a broken database is no obstacle")
    func brokenDatabase() throws {
        try nix.machine.write("/nix/var/nix/db/db.sqlite", "no database\n")
        #expect(throws: StandIns.Failed.self) { try nix.profile("system", "--set", first) }
        #expect(back() == .done)
        #expect(nix.machine.profile == "system-1-link")
        #expect(nix.deeds.perform(.markKnownGood(path: first)) == .done)
    }

    @Test("nor is a garbage collection that holds its lock")
    func collecting() throws {
        let lock = try #require(RootLock(nix.machine.root + "/nix/var/nix/gc.lock"))
        #expect(back() == .done)
        #expect(nix.deeds.perform(.addGeneration(path: first)) == .done)
        #expect(try nix.machine.names().contains("system-3-link"))
        withExtendedLifetime(lock) {}
    }

    @Test("nix-env waits for our lock, and we for its")
    func concurrent() throws {
        let (deeds, systems, rounds) = (nix.deeds, (first, second), 25)
        let swings = try nix.machine.start(
            [
                "sh", "-c",
                """
                i=0
                while [ $i -lt \(rounds) ]; do
                    nix-env --store dummy:// -p "$0" --switch-generation 1 &&
                        nix-env --store dummy:// -p "$0" --switch-generation 2 || exit 1
                    i=$((i + 1))
                done
                """, nix.machine.profiles + "/system",
            ], nix.environment)
        var count = 0
        while swings.isRunning {
            #expect(deeds.perform(.setProfile(generation: 1, path: systems.0)) == .done)
            #expect(deeds.perform(.setProfile(generation: 2, path: systems.1)) == .done)
            count += 1
        }
        #expect(swings.terminationStatus == 0)
        #expect(count > rounds)
        let names = try nix.machine.names().filter { $0.hasPrefix("system") || $0.hasPrefix(".") }
        #expect(names == ["system", "system-1-link", "system-2-link"])
        #expect(try nix.generations().count == 2)
    }
}
