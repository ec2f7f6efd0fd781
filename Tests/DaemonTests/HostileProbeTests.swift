import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("what probes, remedies and sequences must not do to the daemon") struct HostileProbeTests {
    @Test("more looks at once than lookers of an account are made one after the other")
    func manyLooks() throws {
        let installation = try Installation(
            """
            services:
              web:
                command: [/bin/sleep, '1000']
                instances: 8
                probes: [ { command: { command: sleep 0.2, interval: 1s } } ]
            """)
        try installation.start()
        let daemon = installation.pid
        for number in 1...8 {
            try installation.until("web@\(number) was looked at") {
                try installation.records("probe.proven", of: "web@\(number)").count == 1
            }
        }
        #expect(installation.pid == daemon)
        #expect(installation.daemon?.isRunning == true)
        #expect(try installation.records("probe.strike").isEmpty)
    }

    @Test("looks that hang are no strikes for those that wait behind them")
    func hangingNeighbours() throws {
        let hanging = (1...6).map { number in
            """
              stuck\(number):
                command: [/bin/sleep, '1000']
                probes: [ { progress: { number: @DIR@/fifo, interval: 1s, timeout: 500ms } } ]
            """
        }
        let installation = try Installation(
            """
            services:
              web:
                command: [/bin/sleep, '1000']
                probes: [ { command: { command: "echo >> @DIR@/asked", interval: 200ms } } ]
            \(hanging.joined(separator: "\n"))
            """)
        try #require(mkfifo("\(installation.directory)/fifo", 0o644) == 0)
        try installation.start()
        try installation.until("web was looked at thirty times") {
            installation.text("asked").count >= 30
        }
        try installation.until("one is known to hang") {
            try installation.probe(of: "stuck1")["reason"]?.string?.contains("hangs") == true
        }
        #expect(try installation.records("probe.strike", of: "web").isEmpty)
    }

    @Test("what a check prints moves no cursor, and passes for no line of ours")
    func printedControls() throws {
        let installation = try Installation(
            """
            services:
              web:
                command: [/bin/sh, -c, 'exit 3']
                remedies:
                  - validate_config: "printf '\\\\033[2J\\\\rregend: forged\\\\n'; exit 1"
                  - restart
            """)
        try installation.start()
        try installation.untilSaid("[2J")
        #expect(installation.messages.utf8.allSatisfy { $0 == 10 || $0 >= 0x20 })
    }
}

@Suite("sequences in hostile hands") struct HostileSequenceTests {
    @Test("a postflight that stays does not lend its end to the next start's preflight")
    func mixedSteps() throws {
        let installation = try Installation(
            """
            services:
              web:
                run:
                  preflight: [ "test ! -e @DIR@/broken" ]
                  start: [ "echo >> @DIR@/started" ]
                  postflight: [ "sleep 1000" ]
            """)
        try installation.start()
        try installation.until("it was started") { installation.text("started").count == 1 }
        _ = FileManager.default.createFile(
            atPath: "\(installation.directory)/broken", contents: nil)
        try installation.regen("restart", "web")
        try installation.until("its preflight has failed") {
            try installation.steps("preflight").contains { $0["code"]?.integer == 1 }
        }
        try installation.until("its postflight has ended") {
            try !installation.steps("postflight").isEmpty
        }
        #expect(installation.text("started").count == 1)
    }

    @Test("after a start that failed there is no postflight")
    func failedStart() throws {
        let installation = try Installation(
            """
            services:
              web:
                run: { start: [ "exit 7" ], postflight: [ "echo >> @DIR@/after" ] }
                backoff: { first: 20s, most: 20s }
            """)
        try installation.start()
        try installation.until("it has failed") {
            try !installation.records("process.exit", of: "web").isEmpty
        }
        // As long as a start command that stays is waited for, and a little more.
        usleep(6_000_000)
        #expect(installation.text("after").isEmpty)
        try installation.expectIdle()
    }

    @Test("a service that is taken away while its start is waited for leaves nothing due")
    func removedWhileStarting() throws {
        let installation = try Installation(
            """
            services:
              web: { run: { start: [ "sleep 1000" ], postflight: [ "true" ] } }
            """)
        try installation.start()
        try installation.until("it was started") {
            try !installation.records("process.start", of: "web").isEmpty
        }
        try installation.configure("services: { other: { command: [/bin/sleep, '1000'] } }")
        try installation.regen("reload")
        // As long as a start command that stays is waited for, and a little more.
        usleep(6_000_000)
        try installation.expectIdle()
    }
}

extension Installation {
    /// What status says of an instance's only probe.
    fileprivate func probe(of name: String) throws -> JSONValue {
        try #require(try instance(name)?["probes"]?.array?.first)
    }

    fileprivate func steps(_ kind: String) throws -> [JSONValue] {
        try records("step.end").filter { $0["step"]?.string == kind }
    }

    /// The daemon does next to nothing: over half a second less than half of that.
    fileprivate func expectIdle() throws {
        let before = try #require(ProcessTable.processorTime(of: pid))
        usleep(500_000)
        let used = try #require(ProcessTable.processorTime(of: pid)) - before
        #expect(used < 250_000_000)
    }
}
