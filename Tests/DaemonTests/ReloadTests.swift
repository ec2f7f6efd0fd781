import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("the configuration is read again") struct ReloadTests {
    /// How a reload is asked for.
    enum Way: CaseIterable {
        case command
        case signal
    }

    private static let before = """
        cgroup: off
        services:
          kept: { command: [/bin/sleep, '1000'] }
          gone: { command: [/bin/sleep, '1000'] }
          changed: { command: [/bin/sleep, '1000'] }
        """

    @Test(
        "unchanged is untouched, removed stopped, changed restarted, added started",
        arguments: Way.allCases)
    func takesChanges(_ way: Way) throws {
        let installation = try Installation(Self.before)
        try installation.start()
        let pids = try installation.whenRunning("kept", "gone", "changed")
        try installation.configure(
            """
            cgroup: off
            services:
              kept: { command: [/bin/sleep, '1000'] }
              changed: { command: [/bin/sleep, '1001'] }
              added: { command: [/bin/sleep, '1000'] }
            """)
        switch way {
        case .command:
            let reload = try installation.regen("reload")
            #expect(reload.status == 0)
            #expect(reload.output == "reloaded: added added; changed changed; removed gone\n")
        case .signal: installation.signal(SIGHUP)
        }
        try installation.until("gone and the old changed have ended") {
            !lives(pids["gone"]!) && !lives(pids["changed"]!)
        }
        let now = try installation.whenRunning("kept", "changed", "added")
        #expect(now["kept"] == pids["kept"])
        try installation.until("gone is forgotten") { try installation.instance("gone") == nil }
        try installation.until("it is recorded") {
            try installation.records("config.load").count == 2
        }
        #expect(try installation.records("process.start", of: "kept").count == 1)
        #expect(try installation.records("incident.open").isEmpty)
    }

    @Test("a policy that changes restarts nothing, and holds at once")
    func policyOnly() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              web: { command: [/bin/sleep, '1000'] }
              db: { command: [/bin/sleep, '1000'] }
            """)
        try installation.start()
        let pids = try installation.whenRunning("web", "db")
        try installation.configure(
            """
            cgroup: off
            defaults: { stop: { grace: 3s }, crash_loop: { crashes: 2, within: 10s } }
            services:
              web: { command: [/bin/sleep, '1000'], restart: never, critical: true, after: [db] }
              db: { command: [/bin/sleep, '1000'], backoff: { first: 1s, most: 2s } }
            """)
        #expect(try installation.regen("reload").output == "reloaded: nothing changed\n")
        #expect(try installation.whenRunning("web", "db") == pids)
        kill(pids["web"]!, SIGKILL)
        try installation.until("restart: never holds") {
            try installation.phase("web") == "stopped"
        }
        #expect(try installation.pid(of: "db") == pids["db"])
    }

    @Test("a broken file is refused whole, and the old one stays in force")
    func refusesBroken() throws {
        let installation = try Installation(Self.before)
        try installation.start()
        let pids = try installation.whenRunning("kept", "gone", "changed")
        try installation.configure(
            """
            services:
              kept: { command: [/bin/sleep, '1000'] }
              added: { command: [/bin/sleep, '1000'] }
              changed: { comand: [/bin/sleep, '1001'] }
            """)
        let reload = try installation.regen("reload")
        #expect(reload.status == 2)
        #expect(reload.errors.contains("comand"))
        #expect(reload.errors.contains("\(installation.configuration):6:"))
        try installation.until("the refusal is recorded") {
            try installation.records("config.refuse").count == 1
        }
        installation.signal(SIGHUP)
        try installation.until("the second refusal is recorded") {
            try installation.records("config.refuse").count == 2
        }
        #expect(try installation.whenRunning("kept", "gone", "changed") == pids)
        #expect(try installation.instance("added") == nil)

        try installation.configure(Self.before)
        #expect(try installation.regen("reload").status == 0)
        #expect(try installation.whenRunning("kept", "gone", "changed") == pids)
    }

    @Test("a file that has vanished is refused like a broken one")
    func refusesVanished() throws {
        let installation = try Installation(Self.before)
        try installation.start()
        let pids = try installation.whenRunning("kept", "gone", "changed")
        unlink(installation.configuration)
        let reload = try installation.regen("reload")
        #expect(reload.status == 2)
        #expect(reload.errors.contains(installation.configuration))
        try installation.until("the refusal is recorded") {
            try installation.records("config.refuse").count == 1
        }
        #expect(try installation.whenRunning("kept", "gone", "changed") == pids)
    }

    @Test("the directories cannot change under a running regend")
    func refusesOtherDirectories() throws {
        let installation = try Installation(Self.before)
        try installation.start()
        let pids = try installation.whenRunning("kept", "gone", "changed")
        let text = try String(contentsOfFile: installation.configuration, encoding: .utf8)
        try text.replacingOccurrences(of: installation.state, with: "\(installation.state)2")
            .write(toFile: installation.configuration, atomically: false, encoding: .utf8)
        let reload = try installation.regen("reload")
        #expect(reload.status == 2)
        #expect(reload.errors.contains("state_directory"))
        #expect(try installation.whenRunning("kept", "gone", "changed") == pids)
    }

    @Test("instances: fewer stops the last, more starts new ones, the others are untouched")
    func instances() throws {
        func yaml(_ instances: Int) -> String {
            "cgroup: off\n"
                + "services: { web: { instances: \(instances), command: [/bin/sleep, '1000'] } }"
        }
        let installation = try Installation(yaml(3))
        try installation.start()
        let three = try installation.whenRunning("web@1", "web@2", "web@3")
        try installation.configure(yaml(2))
        #expect(try installation.regen("reload").status == 0)
        try installation.until("web@3 has ended") { !lives(three["web@3"]!) }
        try installation.until("web@3 is gone") { try installation.instance("web@3") == nil }
        try installation.configure(yaml(4))
        #expect(try installation.regen("reload").status == 0)
        let four = try installation.whenRunning("web@1", "web@2", "web@3", "web@4")
        #expect(four["web@1"] == three["web@1"])
        #expect(four["web@2"] == three["web@2"])
        #expect(four["web@3"] != three["web@3"])
        #expect(Census(of: installation).mains.values.allSatisfy { $0.count == 1 })
    }

    @Test("what an operator stopped stays stopped when its configuration changes")
    func staysStopped() throws {
        let installation = try Installation(Self.before)
        try installation.start()
        _ = try installation.whenRunning("kept", "gone", "changed")
        #expect(try installation.regen("stop", "changed").status == 0)
        try installation.configure(
            Self.before.replacingOccurrences(
                of: "changed: { command: [/bin/sleep, '1000']",
                with: "changed: { command: [/bin/sleep, '1001']"))
        #expect(try installation.regen("reload").status == 0)
        #expect(try installation.phase("changed") == "stopped")
        #expect(try installation.regen("start", "changed").status == 0)
        _ = try installation.whenRunning("changed")
    }

    @Test("who asks while a reload runs is answered for the file as it was when they asked")
    func duringAnother() throws {
        let installation = try Installation(Self.before)
        try installation.start()
        let pids = try installation.whenRunning("kept", "gone", "changed")
        // Its child is frozen in its middle: what it has read by then is the old file or the new.
        let (first, child) = try installation.frozenReload()
        try installation.configure(
            Self.before + "\n  late: { command: [/bin/sleep, '1000'] }")
        let second = try installation.begin("reload", "--json")
        let third = try installation.begin("reload", "--json")
        try installation.until("they have asked") {
            try installation.status()["daemon"] != nil
                && installation.messages.components(separatedBy: "asked: Reload").count >= 4
        }
        installation.signal(SIGHUP)
        kill(child, SIGCONT)
        for reload in [second, third] {
            reload.waitUntilExit()
            #expect(reload.terminationStatus == 0)
            #expect(try installation.instance("late") != nil)
        }
        first.waitUntilExit()
        #expect(first.terminationStatus == 0)
        let now = try installation.whenRunning("kept", "gone", "changed", "late")
        #expect(now.filter { $0.key != "late" } == pids)
    }

    @Test("a storm of reloads, by command and signal, ends with the last file in force")
    func storm() throws {
        let installation = try Installation(Self.before)
        try installation.start()
        let pids = try installation.whenRunning("kept", "gone", "changed")
        var reloads: [Process] = []
        for number in 1...8 {
            // Whole at every instant: a reader sees the one or the other.
            try installation.configureAtOnce(
                Self.before + "\n  late\(number): { command: [/bin/sleep, '1000'] }")
            installation.signal(SIGHUP)
            reloads.append(try installation.begin("reload"))
        }
        for reload in reloads {
            reload.waitUntilExit()
            #expect(reload.terminationStatus == 0)
        }
        let now = try installation.whenRunning("kept", "gone", "changed", "late8")
        #expect(now.filter { $0.key != "late8" } == pids)
        try installation.until("the others have gone") {
            Census(of: installation).mains.keys.sorted() == ["changed", "gone", "kept", "late8"]
        }
    }
}

extension Installation {
    /// Writes another configuration in one step.
    fileprivate func configureAtOnce(_ yaml: String) throws {
        let other = "\(directory)/other.yaml"
        try """
        state_directory: \(state)
        runtime_directory: \(runtime)
        \(yaml)

        """.write(toFile: other, atomically: false, encoding: .utf8)
        rename(other, configuration)
    }

    /// Asks for a reload and stops the child that reads the file, by SIGSTOP, before it has ended.
    fileprivate func frozenReload() throws -> (Process, child: Int32) {
        for _ in 1...200 {
            let reload = try begin("reload")
            while reload.isRunning {
                guard let child = children().first(where: { isReading($0) }) else { continue }
                kill(child, SIGSTOP)
                // Caught, unless it had written everything and was ending.
                if ProcessTable.entry(child)?.state == UInt8(ascii: "T") { return (reload, child) }
                kill(child, SIGCONT)
            }
        }
        throw Overdue(what: "a reload could be frozen", messages: messages)
    }

    private func children() -> [Int32] {
        ProcessTable.text("/proc/\(pid)/task/\(pid)/children")?
            .split(separator: " ").compactMap { Int32($0) } ?? []
    }

    private func isReading(_ pid: Int32) -> Bool {
        ProcessTable.text("/proc/\(pid)/cmdline")?.contains("--canonical") == true
    }
}
