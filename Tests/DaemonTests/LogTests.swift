import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("a service's output") struct LogTests {
    private static let counter = """
        i=0
        while [ $i -lt 400 ]; do
            echo "$i the quick brown fox jumps over the lazy dog"
            i=$((i + 1))
            sleep 0.01
        done
        echo done
        exec sleep 1000
        """

    private func size(_ path: String) -> Int64 { LogFile.size(path) ?? -1 }

    @Test("a file for each instance, appended over restarts, only for its owner and group")
    func appended() throws {
        let installation = try Installation(
            "services: { web: { command: [/bin/sh, -c, 'echo hello; exec sleep 1000'], instances: 2 } }"
        )
        try installation.start()
        let path = "\(installation.state)/logs/web@1.log"
        try installation.until("both have spoken") {
            ["state/logs/web@1.log", "state/logs/web@2.log"].allSatisfy {
                installation.text($0) == "hello\n"
            }
        }
        let answer = try installation.regen("restart", "web@1")
        #expect(answer.status == 0)
        try installation.until("it has spoken again") {
            installation.text("state/logs/web@1.log") == "hello\nhello\n"
        }
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o640)
        #expect(installation.text("state/logs/web@2.log") == "hello\n")
        #expect(try installation.instance("web@1")?["log"]?.string == path)
        #expect(try installation.end() == 0)
    }

    @Test("over its bound a log is copied to .1 and cut, while the service goes on writing")
    func cut() throws {
        let installation = try Installation(
            "services: { web: { command: [@DIR@/bin/web], log: { size: 4KiB } } }")
        try installation.script("web", Self.counter)
        try installation.start()
        let pid = try installation.pid(of: "web")
        let log = "state/logs/web.log"
        try installation.until("the log was cut twice") {
            try installation.records("log.rotate", of: "web").count >= 2
        }
        try installation.until("the service is through") {
            installation.text(log).hasSuffix("done\n")
                || installation.text("\(log).1").hasSuffix("done\n")
        }
        #expect(try installation.pid(of: "web") == pid, "the service was not touched")
        let bytes = try installation.records("log.rotate").compactMap { $0["bytes"]?.integer }
        #expect(bytes.allSatisfy { $0 > 4096 })
        // Both halves are whole lines in order: nothing was torn.
        for name in [log, "\(log).1"] {
            let numbers = installation.text(name).split(separator: "\n").compactMap {
                $0.split(separator: " ").first.flatMap { Int($0) }
            }
            #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
        }
        #expect(installation.messages.contains("web: log cut, "))
        #expect(try installation.end() == 0)
    }

    @Test(
        "a log that somebody removed or renamed is bounded again once the service has another",
        arguments: ["rm", "mv"])
    func removed(by tool: String) throws {
        let installation = try Installation(
            "services: { web: { command: [@DIR@/bin/web], log: { size: 4KiB } } }")
        try installation.script(
            "web",
            """
            [ -e @DIR@/loud ] && while sleep 0.01; do echo 'the quick brown fox jumps'; done
            exec sleep 1000
            """)
        try installation.start()
        try installation.until("web", is: "running")
        let watched = "/proc/\(installation.pid)/fdinfo"
        func watches() -> Int {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: watched)) ?? []
            return names.count {
                ProcessTable.text("\(watched)/\($0)")?.contains("inotify wd") == true
            }
        }
        try installation.until("the log is watched") { watches() == 1 }
        let path = "\(installation.state)/logs/web.log"
        #expect((tool == "rm" ? unlink(path) : rename(path, "\(path).old")) == 0)
        _ = FileManager.default.createFile(atPath: "\(installation.directory)/loud", contents: nil)
        #expect(try installation.regen("restart", "web").status == 0)
        try installation.until("the new log is cut") {
            try installation.records("log.rotate", of: "web").count >= 1
        }
        #expect(try installation.end() == 0)
    }

    @Test("a log that cannot be written is told, and the service runs")
    func unwritable() throws {
        let installation = try Installation(
            """
            services:
              web: { command: [/bin/sh, -c, 'echo lost; exec sleep 1000'], log: { path: /no/such/log } }
              dir: { command: [/bin/sleep, '1000'], log: { path: /usr } }
            """)
        try installation.start()
        try installation.until("web", is: "running")
        try installation.until("dir", is: "running")
        try installation.until("both are recorded") {
            try installation.records("log.unavailable").count == 2
        }
        #expect(
            try installation.records("log.unavailable", of: "web").first?["errno"]?.integer
                == Int64(ENOENT))
        try installation.untilSaid(
            "web: its log cannot be written (No such file or directory); what it prints is lost")
        try installation.untilSaid("dir: its log cannot be written (Is a directory)")
        #expect(try installation.end() == 0)
    }

    @Test("inherited output goes where the daemon's goes, none goes nowhere")
    func inherited() throws {
        let installation = try Installation(
            """
            services:
              loud: { command: [/bin/sh, -c, 'echo I am inherited; exec sleep 1000'], log: inherit }
              mute: { command: [/bin/sh, -c, 'echo I am mute; readlink /proc/self/fd/1 > @DIR@/where; exec sleep 1000'], log: none }
            """)
        try installation.start()
        try installation.untilSaid("\nI am inherited\n")
        try installation.until("the other has spoken") {
            installation.text("where").hasSuffix("\n")
        }
        #expect(!installation.messages.contains("I am mute"))
        let answer = try installation.regen("log", "mute")
        #expect(answer.status == 1)
        #expect(answer.errors.contains("mute has no log of its own"), "\(answer.errors)")
        #expect(try installation.end() == 0)
    }

    @Test("fifty idle services, each with a log, cost no wake-up in three seconds")
    func quiet() throws {
        let installation = try Installation(
            "services: { web: { command: [/bin/sleep, '1000'], instances: 50 } }")
        try installation.start()
        try installation.until("all fifty run") {
            try installation.status()["services"]?.array?
                .allSatisfy { $0["phase"]?.string == "running" } == true
        }
        // At first the logs are watched one by one; and a busy machine, of which the kernel tells,
        // wakes it, too.
        try installation.until("three seconds without a wake-up", seconds: 90) {
            let before = switches(installation.pid)
            sleep(3)
            return switches(installation.pid) == before
        }
        #expect(try installation.end() == 0)
    }

    /// Voluntary context switches of all threads.
    private func switches(_ pid: Int32) -> [String] {
        let folder = "/proc/\(pid)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return threads.sorted().map { thread in
            let status = ProcessTable.text("\(folder)/\(thread)/status") ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt") }
            return String(line ?? "")
        }
    }
}
