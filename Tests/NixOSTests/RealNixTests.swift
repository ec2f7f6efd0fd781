import Foundation
import Glibc
import NixOS
import SafeSwitch
import Testing

/// Why Nix itself cannot be asked; `nil`: it can.
private let obstacle: String? =
    FileManager.default.isExecutableFile(atPath: "/usr/bin/nix-env")
    ? nil : "nix-env is missing: apt-get install nix-bin, or make test-packages"

/// Profiles that nix-env made, in a store of its own below the machine's root.
@Suite("profiles of the real nix-env", .enabled(if: obstacle == nil, "\(obstacle ?? "")"))
struct RealNixTests {
    let machine: Machine

    init() throws { machine = try Machine() }

    private func start(_ arguments: [String]) throws -> (Process, Pipe) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["HOME=\(machine.root)/home", "NIX_CONFIG=sandbox = false"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return (process, output)
    }

    @discardableResult
    private func run(_ arguments: [String]) throws -> String {
        let (process, output) = try start(arguments)
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(arguments)")
        return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    private var profile: [String] {
        ["--store", machine.root, "--profile", "\(machine.root)\(Machine.profiles)/system"]
    }

    /// A system of which Nix knows.
    private func add(_ name: String) throws -> String {
        try machine.write("/build/\(name)/nixos-version", "26.05.\(name)")
        try machine.link("/build/\(name)/kernel", "/nix/store/none")
        return try run([
            "nix-store", "--store", machine.root, "--add", "\(machine.root)/build/\(name)",
        ])
    }

    private func numbers() throws -> [Int] { try machine.landscape().generations.map(\.number) }

    @Test("generations are set, switched, rolled back and deleted, and seen each time")
    func generations() throws {
        let systems = try ["one", "two", "three"].map { try add($0) }
        for system in systems { try run(["nix-env"] + profile + ["--set", system]) }
        var landscape = try machine.landscape()
        #expect(landscape.generations.map(\.number) == [1, 2, 3])
        #expect(landscape.generations.map(\.path) == systems)
        #expect(landscape.defaultGeneration == 3)
        #expect(landscape.system(systems[1])?.version == "26.05.two")
        let now = Int64(time(nil))
        #expect(landscape.generations.allSatisfy { (now - 600...now).contains($0.date) })

        try run(["nix-env"] + profile + ["--set", systems[2]])
        #expect(try numbers() == [1, 2, 3])  // the same path as the last one is no new generation
        try run(["nix-env"] + profile + ["--set", systems[0]])
        landscape = try machine.landscape()
        #expect(landscape.generations(of: systems[0]).map(\.number) == [1, 4])
        try run(["nix-env"] + profile + ["--switch-generation", "2"])
        #expect(try machine.landscape().defaultGeneration == 2)
        try run(["nix-env"] + profile + ["--rollback"])
        #expect(try machine.landscape().defaultGeneration == 1)
        try run(["nix-env"] + profile + ["--delete-generations", "old"])
        #expect(try numbers() == [1])
    }

    // Seen on the way: `nix-env --set`, and so nixos-rebuild, makes its generation without this lock.
    @Test("the lock that nix-env waits for is the one whose holder is told")
    func lock() throws {
        for name in ["one", "two"] { try run(["nix-env"] + profile + ["--set", try add(name)]) }
        let path = machine.root + Machine.profiles + "/system.lock"
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
        let (nix, _) = try start(["nix-env"] + profile + ["--switch-generation", "1"])
        try waitForWaiter(nix)
        #expect(try machine.landscape().profileHolder == getpid())
        #expect(try machine.landscape().defaultGeneration == 2)
        close(file)
        nix.waitUntilExit()
        #expect(nix.terminationStatus == 0)
        #expect(try machine.landscape().defaultGeneration == 1)
        #expect(try machine.landscape().profileHolder == nil)
    }

    /// Until the kernel says that this very process waits for a lock.
    private func waitForWaiter(_ process: Process) throws {
        for _ in 0..<3000 {
            let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
            let waiters = locks.split(separator: "\n").filter { $0.contains("->") }
            if waiters.contains(where: { $0.contains(" \(process.processIdentifier) ") }) { return }
            try #require(process.isRunning, "nix-env did not wait for the lock")
            usleep(10_000)
        }
        Issue.record("nix-env never came to the lock")
    }
}
