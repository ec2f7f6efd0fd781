import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("regend dies or is stopped while it looks") struct ProbeAdoptionTests {
    /// `web` and `db` are servers, up and proven.
    private func pair(_ base: String, words: String = "") throws -> Installation {
        let (db, web) = (try Installation.freePort(), try Installation.freePort())
        let installation = try Installation(
            """
            \(base)
            services:
              db:
                command: [@DIR@/bin/serve, db, '\(db)']
                probes: [ { http: "http://127.0.0.1:\(db)/health" } ]
              web:
                command: [@DIR@/bin/serve, web, '\(web)'\(words)]
                probes: [ { http: "http://127.0.0.1:\(web)/health" } ]
            """)
        try installation.makeServer()
        try installation.start()
        try installation.untilProven("db")
        try installation.untilProven("web")
        return installation
    }

    private func expectUntouched(_ name: String, in installation: Installation) throws {
        try installation.expect(name, ["process.start", "daemon.adopt"])
    }

    @Test("the next one heals what hangs, by probes that passed in the old one's days")
    func duringStrikes() throws {
        let installation = try pair("\(Installation.brisk)  start: { timeout: 6s }")
        kill(try #require(try installation.pid(of: "web")), SIGSTOP)
        try installation.until("probe.strike", of: "web")
        installation.killDaemon()
        try installation.start()
        try installation.untilHealed("web")
        try installation.untilAsked("web", times: 3)
        // Whether by strikes or by the start time-out, which begins anew for what is adopted.
        try installation.expect(
            "web",
            [
                "process.start", "daemon.adopt", "incident.open", "restart.attempt",
                "process.start", "incident.resolve",
            ], without: ["probe.strike", "probe.clear", "process.exit"])
        #expect(Census(of: installation).mains.values.allSatisfy { $0.count == 1 })
        try expectUntouched("db", in: installation)
    }

    @Test("the next one goes on with the healing that was under way, and does nothing twice")
    func duringStop() throws {
        let installation = try pair(
            Installation.brisk.replacingOccurrences(of: "hung: 500ms", with: "hung: 2s"),
            words: ", deaf")
        installation.touch("web.mute")
        try installation.until("service.stop", of: "web")
        installation.killDaemon()
        try installation.start()
        try installation.untilHealed("web")
        try installation.untilAsked("web", times: 3)
        let tale = try installation.tale(of: "web")
        #expect(tale.count { $0 == "process.start" } == 2, "\(tale)")
        if try installation.incident(of: "web") != nil {
            #expect(tale.count { $0 == "incident.open" } == 1, "\(tale)")
            #expect(tale.count { $0 == "incident.resolve" } == 1, "\(tale)")
        }
        #expect(Census(of: installation).mains.values.allSatisfy { $0.count == 1 })
        try expectUntouched("db", in: installation)
    }

    @Test("a service that said READY=1 in the old one's days is not restarted, a silent one is")
    func notify() throws {
        let installation = try Installation(
            """
            \(Installation.brisk)  start: { timeout: 2s }
            services:
              ready:
                command: [@DIR@/bin/ready]
                probes: [ { notify: on }, { command: [@DIR@/bin/tick] } ]
              dog:
                command: [@DIR@/bin/ready, dog]
                probes: [ { notify: { watchdog: 3s } } ]
            """)
        try installation.script("tick", "echo >> @DIR@/ready.asked")
        try installation.make(
            "ready", Self.ready.replacingOccurrences(of: "@DIR@", with: installation.directory))
        try installation.start()
        try installation.untilProven("ready", probes: 2)
        try installation.untilProven("dog")
        installation.killDaemon()
        try installation.start()
        try installation.until("daemon.adopt", of: "ready")
        try installation.untilAsked("ready", times: 20)
        try expectUntouched("ready", in: installation)
        try expectUntouched("dog", in: installation)
        installation.touch("silence")
        try installation.untilHealed("dog")
        try installation.expect("dog", oneHealing, without: ["daemon.adopt"])
        try expectUntouched("ready", in: installation)
    }

    private static let ready = #"""
        #!/usr/bin/python3 -SE
        import os, socket, sys, time
        def say(text):
            speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try: speaker.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
            except OSError: pass
        say("READY=1")
        while "dog" in sys.argv:
            try:
                os.unlink("@DIR@/silence")
                break
            except FileNotFoundError: time.sleep(0.05)
            say("WATCHDOG=1")
        time.sleep(1000)
        """#

    @Test("stopped for seconds and continued, as a suspended machine: no strikes, no restarts")
    func suspended() throws {
        let installation = try Installation.serverBesideTicks(
            """
            echo >> @DIR@/other.asked
            while [ -e @DIR@/web.slow ]; do touch @DIR@/other.held; sleep 0.01; done
            """,
            defaults: Installation.brisk.replacingOccurrences(
                of: "timeout: 2s", with: "timeout: 4s"))
        try installation.start()
        try installation.untilProven("web")
        try installation.untilProven("other")
        installation.touch("web.slow")
        // Their answers are kept back: a look of each is under way when regend stops.
        try installation.until("both hold back") {
            ["web.held", "other.held"].allSatisfy {
                access("\(installation.directory)/\($0)", F_OK) == 0
            }
        }
        installation.signal(SIGSTOP)
        // There is no event to wait for: nothing happens. The looks' time-outs pass, and more.
        sleep(6)
        installation.untouch("web.slow")
        installation.signal(SIGCONT)
        try installation.untilAsked("web", times: 8)
        try installation.untilAsked("other", times: 8)
        try installation.expect("web", ["process.start"])
        try installation.expect("other", ["process.start"])
        #expect(try installation.phase("web") == "running")
    }
}
