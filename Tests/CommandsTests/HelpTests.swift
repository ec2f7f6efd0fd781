import Foundation
import Testing

@Suite("help, version and usage") struct HelpTests {
    /// The texts as they should be, one file for each command; with REGEN_WRITE_SNAPSHOTS set they
    /// are written anew, to be looked at in the diff.
    let snapshots = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Snapshots")

    @Test(
        "help texts are the ones that were agreed on",
        arguments: [
            "", "run", "check", "status", "start", "stop", "restart", "heal", "pause", "resume",
            "metrics", "probe", "notify", "reload", "log", "ledger",
            "ledger show", "ledger verify", "explain", "vet", "generations", "doctor", "rollback",
            "switch",
            "confirm", "boot-check",
        ])
    func help(command: String) throws {
        let outcome = try run(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(outcome.code == 0)
        #expect(outcome.error == "")
        let name = "regen \(command)".split(separator: " ").joined(separator: "-")
        let file = snapshots.appending(path: "\(name).txt")
        if ProcessInfo.processInfo.environment["REGEN_WRITE_SNAPSHOTS"] != nil {
            try outcome.output.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(outcome.output == (try String(contentsOf: file, encoding: .utf8)))
    }

    @Test("the version is one line") func version() throws {
        let outcome = try run(["--version"])
        #expect(outcome == Outcome(code: 0, output: "regen 0.1.0\n", error: ""))
    }

    @Test(
        "wrong usage ends with 2 and says so on standard error",
        arguments: [
            ["--nope"], ["nope"], ["check"], ["check", "a", "b"], ["run"], ["run", "--config"],
            ["run", "--config", "-"], ["check", "--json", "--canonical", "a"], ["heal"], ["pause"],
            ["pause", "web", "--for"], ["pause", "web", "--for", "999ms"],
            ["pause", "web", "--for", "31d"], ["pause", "web", "--for", "60"], ["resume"],
            ["metrics", "web"], ["metrics", "--textfile", "regen.txt"],
            ["metrics", "--every", "15s"],
            ["metrics", "--textfile", "a.prom", "--every", "2h"],
            ["probe"], ["probe", "a", "b"], ["notify"], ["notify", "a", "b"],
            ["vet"], ["explain"], ["explain", "x"], ["explain", "0"],
            ["rollback", "--to", "0"],
            ["rollback", "--to", "good"],
            ["rollback", "--json"], ["rollback", "41"], ["switch"],
            ["switch", "a", "--profile-generation", "1"], ["switch", "--profile-generation", "x"],
            ["switch", "a", "--confirm-within", "9s"], ["switch", "a", "--confirm-within", "25h"],
            ["generations", "41"], ["confirm", "3"],
            ["boot-check", "--wait", "16m"], ["boot-check", "--wait", "5"], ["boot-check", "now"],
            ["doctor", "now"],
            ["doctor", "--config", "-"],
        ])
    func usage(arguments: [String]) throws {
        let outcome = try run(arguments)
        #expect(outcome.code == 2)
        #expect(outcome.output == "")
        #expect(outcome.error.contains("Usage: regen"))
    }

    @Test("completion scripts come for each shell", arguments: ["bash", "zsh", "fish"])
    func completion(shell: String) throws {
        let outcome = try run(["--generate-completion-script", shell])
        #expect(outcome.code == 0)
        for word in [
            "canonical", "heal", "pause", "resume", "probe", "generations", "rollback", "switch",
            "confirm-within", "doctor",
        ] {
            #expect(outcome.output.contains(word))
        }
    }

    @Test("an answer that cannot be written is an error") func fullDisk() throws {
        let command = "exec '\(regen.path)' --help > /dev/full"
        let outcome = try run(["-c", command], by: URL(filePath: "/bin/sh"))
        #expect(outcome.code == 2)
        #expect(outcome.error == "regen: write to standard output: No space left on device\n")
    }
}
