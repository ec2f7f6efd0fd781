import Foundation
import Glibc
import Linux
import NixOS
import SafeSwitch
import Testing

@Suite("deeds") struct DeedsTests {
    let machine: StandIns
    let first: String
    let second: String

    init() throws {
        machine = try StandIns()
        (first, second) = try machine.twoGenerations()
    }

    private func back() -> DeedOutcome {
        machine.deeds.perform(.setProfile(generation: 1, path: first))
    }

    private let lock = "/nix/var/nix/profiles/system.lock"

    @Test("the profile leads to the generation, by a relative link, and nothing else is left")
    func sets() throws {
        #expect(back() == .done)
        #expect(machine.profile == "system-1-link")
        #expect(back() == .done, "doing it again does no harm")
        #expect(try machine.names() == ["system", "system-1-link", "system-2-link"])
    }

    @Test("of several numbers on one path it is the one that was asked for")
    func numbers() throws {
        let third = try machine.generation(first)
        #expect(third == 3)
        #expect(machine.deeds.perform(.setProfile(generation: 3, path: first)) == .done)
        #expect(machine.profile == "system-3-link")
        #expect(back() == .done)
        #expect(machine.profile == "system-1-link")
    }

    @Test("a specialisation's path stands for the generation that has it, and for no other")
    func specialisation() throws {
        let parent = try machine.system("parent", "--specialisation", "quiet=\(first)")
        let number = try machine.generation(parent)
        #expect(machine.deeds.perform(.setProfile(generation: number, path: first)) == .done)
        #expect(machine.profile == "system-\(number)-link")
        let wrong = machine.deeds.perform(.setProfile(generation: number, path: second))
        #expect(fails(wrong, isTransient: false, "leads to \(parent) now, not to \(second)"))
    }

    @Test("a lock that somebody holds is waited for, but not for ever")
    func held() throws {
        let file = try #require(RootLock(machine.root + lock))
        #expect(fails(back(), isTransient: true, "lslocks"))
        #expect(machine.profile == "system-2-link")
        withExtendedLifetime(file) {}
    }

    @Test("a lock that its holder deletes as Nix does is taken anew")
    func deleted() throws {
        for _ in 0..<20 {
            let file = try #require(RootLock(machine.root + lock))
            try file.watch()
            let deed = Process()
            deed.executableURL = URL(filePath: DeedProcess.program)
            deed.arguments = [machine.root, "set", "1", first, "2", second]
            try deed.run()
            try file.waitUntilOpened()
            file.releaseAsNix()
            deed.waitUntilExit()
            #expect(deed.terminationStatus == 0)
            #expect(try machine.names() == ["system", "system-1-link", "system-2-link"])
        }
    }

    @Test("a lock file that is not empty although nobody holds it is taken away")
    func stale() throws {
        try machine.write(lock, "d")
        #expect(back() == .done)
        #expect(try machine.names() == ["system", "system-1-link", "system-2-link"])
    }

    @Test("an empty lock file that a killed process left is nobody's")
    func left() throws {
        try machine.write(lock)
        #expect(back() == .done)
    }

    @Test("the link that a killed run had prepared is gone after the next")
    func litter() throws {
        try machine.run(["ln", "-s", "system-2-link", machine.profiles + "/.system-regen-link"])
        #expect(back() == .done)
        #expect(try machine.names() == ["system", "system-1-link", "system-2-link"])
    }

    @Test("a generation that was deleted meanwhile is refused, and the profile is as it was")
    func generationGone() throws {
        try machine.remove("/nix/var/nix/profiles/system-1-link")
        #expect(fails(back(), isTransient: false, "generation 1 is not there any more"))
        #expect(machine.profile == "system-2-link")
    }

    @Test("a generation whose store path was collected is refused")
    func pathGone() throws {
        try machine.remove(first)
        #expect(fails(back(), isTransient: false, "garbage-collected"))
        #expect(machine.profile == "system-2-link")
    }

    @Test("a number that leads to another system by now is refused")
    func elsewhere() throws {
        try machine.remove("/nix/var/nix/profiles/system-1-link")
        try machine.generation(second, "--number", "1")
        #expect(fails(back(), isTransient: false, "generation 1 leads to \(second) now"))
    }

    @Test(
        "what is no whole system is refused",
        arguments: [
            ("nixos-version", "no NixOS system"),
            ("bin/switch-to-configuration", "system.switch.enable"),
        ])
    func incomplete(part: String, words: String) throws {
        try machine.remove("\(first)/\(part)")
        #expect(fails(back(), isTransient: false, words))
        #expect(
            fails(machine.deeds.perform(.addGeneration(path: first)), isTransient: false, words))
        #expect(
            fails(machine.deeds.perform(.markKnownGood(path: first)), isTransient: false, words))
        #expect(try machine.names() == ["system", "system-1-link", "system-2-link"])
    }

    @Test(
        "what is no store path is refused",
        arguments: ["", "/etc", "/nix/store", "/nix/store/", "/nix/store/..", "/nix/store/a/b"])
    func noStorePath(path: String) {
        let outcome = machine.deeds.perform(.addGeneration(path: path))
        #expect(fails(outcome, isTransient: false, "is no path of the Nix store"))
    }

    @Test("a machine without a system profile is told so")
    func noProfile() throws {
        try machine.remove("/nix/var/nix/profiles")
        #expect(fails(back(), isTransient: false, "open /nix/var/nix/profiles: No such file"))
    }

    @Test("links above the profile lead within the root")
    func rooted() throws {
        try machine.run(["mv", "\(machine.root)/nix/var", "\(machine.root)/moved"])
        try machine.run(["ln", "-s", "/moved", "\(machine.root)/nix/var"])
        #expect(back() == .done)
        #expect(machine.link("/moved/nix/profiles/system") == "system-1-link")
    }

    @Test("a new generation has the next number, or is the highest one where that leads there")
    func adds() throws {
        let third = try machine.system("three")
        #expect(machine.deeds.perform(.addGeneration(path: third)) == .done)
        #expect(machine.profile == "system-3-link")
        #expect(machine.link("/nix/var/nix/profiles/system-3-link") == third)
        #expect(back() == .done)
        #expect(machine.deeds.perform(.addGeneration(path: third)) == .done)
        #expect(machine.profile == "system-3-link")
        #expect(machine.deeds.perform(.addGeneration(path: first)) == .done)
        #expect(machine.profile == "system-4-link", "an old path comes on top again")
    }

    @Test("known good is a profile of its own that keeps the one before")
    func marks() throws {
        let directory = "/nix/var/nix/profiles/system-profiles"
        let third = try machine.system("three")
        for (number, system) in [(1, first), (1, first), (2, second), (3, third)] {
            #expect(machine.deeds.perform(.markKnownGood(path: system)) == .done)
            let name = "last-known-good-\(number)-link"
            #expect(machine.link("\(directory)/last-known-good") == name)
            #expect(machine.link("\(directory)/\(name)") == system)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: machine.root + directory)
        #expect(
            names.sorted()
                == ["last-known-good", "last-known-good-2-link", "last-known-good-3-link"])
        #expect(machine.profile == "system-2-link", "the boot default is not touched")
    }

    @Test("the reboot is the configured command, and what it says is told")
    func reboots() throws {
        let mark = machine.root + "/rebooted"
        #expect(machine.deeds.perform(.reboot(command: ["touch", mark])) == .done)
        #expect(machine.exists("/rebooted"))
        let command = ["/bin/sh", "-c", "echo no way; echo at all; exit 3"]
        let refused = machine.deeds.perform(.reboot(command: command))
        #expect(fails(refused, isTransient: true, "/bin/sh exited with 3: no way; at all"))
        let missing = machine.deeds.perform(.reboot(command: ["/nowhere/reboot"]))
        #expect(fails(missing, isTransient: false, "start /nowhere/reboot"))
        #expect(
            fails(machine.deeds.perform(.reboot(command: [])), isTransient: false, "no command"))
    }

    @Test(
        "on a full disk nothing is changed, and with room it is done",
        .enabled(if: isRoot, "needs root"))
    func full() throws {
        let disk = try Disk(at: machine.profiles, options: "nr_inodes=16")
        defer { disk.unmount() }
        try machine.generation(first)
        try machine.generation(second, "--set")
        var fill = 0
        while FileManager.default.createFile(atPath: "\(machine.profiles)/\(fill)", contents: nil) {
            fill += 1
        }
        #expect(fails(back(), isTransient: true, "No space left on device; make room"))
        #expect(machine.profile == "system-2-link")
        // Room for the lock alone: it is the link that there is no room for.
        try machine.remove("/nix/var/nix/profiles/0")
        #expect(fails(back(), isTransient: true, "No space left on device; make room"))
        #expect(machine.profile == "system-2-link")
        #expect(!(try machine.names().contains("system.lock")))
        try machine.remove("/nix/var/nix/profiles/1")
        #expect(back() == .done)
        #expect(machine.profile == "system-1-link")
    }

    @Test("on a read-only disk nothing is tried twice", .enabled(if: isRoot, "needs root"))
    func readOnly() throws {
        let disk = try Disk(at: machine.profiles, options: "mode=0755")
        defer { disk.unmount() }
        try machine.generation(first)
        try machine.generation(second, "--set")
        try disk.remountReadOnly()
        #expect(fails(back(), isTransient: false, "Read-only file system; mount it for writing"))
        let marked = machine.deeds.perform(.markKnownGood(path: first))
        #expect(fails(marked, isTransient: false, "Read-only file system"))
        #expect(machine.profile == "system-2-link")
    }

    @Test("killed at any moment, the profile leads to one of the two, and litter does not grow")
    func killed() throws {
        let rounds = ProcessInfo.processInfo.environment["REGEN_KILL_ROUNDS"].flatMap { Int($0) }
        var seen: Set<String> = []
        for _ in 0..<(rounds ?? 100) {
            let swing = try DeedProcess([machine.root, "swing", "1", first, "2", second])
            try swing.waitForOutput()
            usleep(.random(in: 0..<2000))
            swing.kill()
            let target = try #require(machine.profile)
            #expect(["system-1-link", "system-2-link"].contains(target))
            let litter = Set(try machine.names())
                .subtracting(["system", "system-1-link", "system-2-link"])
            #expect(litter.isSubset(of: ["system.lock", ".system-regen-link"]))
            seen.insert(target)
        }
        #expect(seen.count == 2, "killed at moments of either kind: \(seen)")
        #expect(back() == .done)
        #expect(try machine.names() == ["system", "system-1-link", "system-2-link"])
    }

    @Test(
        "where our own way does not work on this disk, nix-env is asked",
        .enabled(if: hasNix, "needs nix-bin"))
    func fallback() throws {
        // A lock that is a link is one that we do not follow, and Nix does.
        try machine.run(["ln", "-s", "elsewhere", machine.root + lock])
        #expect(back() == .done)
        #expect(machine.profile == "system-1-link")
    }
}
