import Foundation
import Glibc
import JSON
import Testing

@Suite("services go down, wait, and come up in order") struct StopTests {
    private static let chain = """
        cgroup: off
        defaults: { backoff: { quick: 50ms } }
        services:
          top: { after: [middle], command: [/bin/sleep, '1000'] }
          middle: { after: [bottom], command: [/bin/sleep, '1000'] }
          bottom: { command: [/bin/sleep, '1000'] }
        """

    /// The sequence number of a service's only record of that event.
    private func place(
        _ event: String, _ service: String, _ installation: Installation
    ) throws -> Int64 {
        let records = try installation.records(event, of: service)
        #expect(records.count == 1, "\(event) of \(service)")
        return try #require(records.first?["seq"]?.integer)
    }

    @Test("after: what is depended on is up before what depends on it is started")
    func startsInOrder() throws {
        let installation = try Installation(Self.chain)
        try installation.start()
        _ = try installation.whenRunning("top", "middle", "bottom")
        try installation.until("the starts are recorded") {
            try installation.records("process.start").count == 3
        }
        let starts = try installation.records("process.start")
        #expect(starts.compactMap { $0["service"]?.string } == ["bottom", "middle", "top"])
        let times = starts.compactMap { $0["bt"]?.string.flatMap { Int64($0) } }
        #expect(times.count == 3)
        for (earlier, later) in zip(times, times.dropFirst()) {
            #expect(later - earlier >= 40_000_000, "it was up for backoff.quick before")
        }
    }

    @Test(
        "SIGTERM and SIGINT in the foreground stop dependents first, each down before the next",
        arguments: [SIGTERM, SIGINT])
    func stopsInReverse(_ signal: Int32) throws {
        let installation = try Installation(Self.chain)
        try installation.start()
        let pids = try installation.whenRunning("top", "middle", "bottom")
        installation.signal(signal)
        let daemon = try #require(installation.daemon)
        try installation.until("it ends") { !daemon.isRunning }
        #expect(daemon.terminationStatus == 0)
        #expect(pids.values.allSatisfy { !lives($0) })
        for (dependent, dependency) in [("top", "middle"), ("middle", "bottom")] {
            let exit = try place("process.exit", dependent, installation)
            let stop = try place("service.stop", dependency, installation)
            #expect(exit < stop, "\(dependent) was down before \(dependency) was told to end")
        }
        for exit in try installation.records("process.exit") {
            #expect(exit["asked"]?.bool == true)
            #expect(exit["signal"]?.integer == 15)
        }
        let stop = try #require(try installation.records("daemon.stop").first)
        #expect(stop["left_running"]?.integer == 0)
        #expect(try installation.records("incident.open").isEmpty)
    }

    @Test("on_exit: leave leaves a service running, and the next regend takes it over")
    func leaves() throws {
        let installation = try Installation(
            """
            cgroup: off
            on_exit: stop
            services:
              left: { command: [/bin/sleep, '1000'], on_exit: leave }
              ended: { command: [/bin/sleep, '1000'] }
            """)
        try installation.start()
        let pids = try installation.whenRunning("left", "ended")
        #expect(try installation.end() == 0)
        #expect(installation.survivors() == [pids["left"]!])
        let stop = try #require(try installation.records("daemon.stop").first)
        #expect(stop["left_running"]?.integer == 1)
        try installation.start()
        let now = try installation.whenRunning("left", "ended")
        #expect(now["left"] == pids["left"])
        #expect(now["ended"] != pids["ended"])
        try installation.until("the adoption is recorded") {
            try installation.records("daemon.adopt", of: "left").count == 1
        }
        #expect(try installation.records("incident.open").isEmpty)
    }

    @Test(
        "stop --all ends every service, dependents first; regend stays, and start brings them back")
    func stopsAll() throws {
        let installation = try Installation(Self.chain)
        try installation.start()
        let pids = try installation.whenRunning("top", "middle", "bottom")
        #expect(try installation.regen("stop", "--all").status == 0)
        #expect(pids.values.allSatisfy { !lives($0) })
        for name in pids.keys { #expect(try installation.phase(name) == "stopped") }
        try installation.until("it is recorded") {
            try installation.records("service.rest").count == 3
        }
        for (dependent, dependency) in [("top", "middle"), ("middle", "bottom")] {
            let exit = try place("process.exit", dependent, installation)
            #expect(try exit < place("service.stop", dependency, installation))
        }
        #expect(try installation.regen("start", "top", "middle", "bottom").status == 0)
        _ = try installation.whenRunning("top", "middle", "bottom")
    }

    @Test("stop NAME answers when the whole tree is down, a slow end included")
    func waitsForTheEnd() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              slow:
                command:
                  - /bin/sh
                  - -c
                  - 'trap "sleep 0.3; exit 0" TERM; (trap "sleep 0.6; exit 0" TERM;
                     echo $$ > @DIR@/ready; while :; do sleep 0.05; done) &
                     while :; do sleep 0.05; done'
            """)
        try installation.start()
        _ = try installation.whenRunning("slow")
        try installation.until("it is ready") { installation.number(in: "ready") != nil }
        #expect(installation.survivors().count >= 2)
        #expect(try installation.regen("stop", "slow").status == 0)
        #expect(installation.survivors().isEmpty)
        try installation.until("the rest is recorded") {
            try installation.records("service.rest", of: "slow").count == 1
        }
        #expect(try installation.records("service.kill").isEmpty)
        let exit = try #require(try installation.records("process.exit", of: "slow").first)
        #expect(exit["code"]?.integer == 0)
        #expect(exit["asked"]?.bool == true)
    }

    @Test("who ignores SIGTERM gets SIGKILL when the grace period is over, children included")
    func kills() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              deaf:
                command: [/bin/sh, -c, 'trap "" TERM; echo $$ > @DIR@/pid; while :; do sleep 1; done']
                stop: { grace: 200ms }
            """)
        try installation.start()
        _ = try installation.whenRunning("deaf")
        try installation.until("it is deaf") { installation.number(in: "pid") != nil }
        #expect(try installation.regen("stop", "deaf").status == 0)
        #expect(installation.survivors().isEmpty)
        try installation.until("the rest is recorded") {
            try installation.records("service.rest", of: "deaf").count == 1
        }
        #expect(try installation.records("service.kill", of: "deaf").count == 1)
        let exit = try #require(try installation.records("process.exit", of: "deaf").first)
        #expect(exit["signal"]?.integer == 9)
        #expect(exit["asked"]?.bool == true)
        #expect(try installation.records("incident.open").isEmpty)
    }

    @Test("a dependent is parked while what it needs is down, and comes up when that recovers")
    func parks() throws {
        let installation = try Installation(
            """
            cgroup: off
            defaults: { crash_loop: off, backoff: { quick: 100ms, first: 20ms, most: 50ms } }
            services:
              web: { after: [db], command: [/bin/sleep, '1000'] }
              db: { command: [/bin/sh, -c, 'test -e @DIR@/ok || exit 1; exec sleep 1000'] }
            """)
        try installation.start()
        try installation.until("db fails") {
            try installation.records("process.exit", of: "db").count > 1
        }
        let parked = try #require(try installation.instance("web"))
        #expect(parked["phase"]?.string == "starting")
        #expect(parked["waiting_for"]?.string == "db")
        #expect(parked["pid"]?.integer == nil)
        installation.touch("ok")
        let first = try installation.whenRunning("web", "db")

        // A dependent that runs is left alone when its dependency dies; once it dies too, it waits.
        installation.untouch("ok")
        kill(first["db"]!, SIGKILL)
        try installation.until("db fails again") {
            let exits = try installation.records("process.exit", of: "db")
            return exits.contains { $0["signal"]?.integer == 9 }
                && exits.last?["code"]?.integer == 1
        }
        #expect(lives(first["web"]!))
        kill(first["web"]!, SIGKILL)
        try installation.until("web is parked again") {
            let web = try installation.instance("web")
            return web?["phase"]?.string == "starting" && web?["waiting_for"]?.string == "db"
        }
        installation.touch("ok")
        let second = try installation.whenRunning("web", "db")
        #expect(second["web"] != first["web"])
        try installation.until("process.start", of: "web", count: 2)
        #expect(try installation.records("process.start", of: "web").count == 2)
    }

    @Test("restart: never takes a clean end for the end, and hands a failure over")
    func never() throws {
        let installation = try Installation(
            """
            cgroup: off
            defaults: { restart: never }
            services:
              done: { command: [/bin/true] }
              failed: { command: [/bin/false] }
            """)
        try installation.start()
        try installation.until("both have ended") {
            try installation.phase("done") == "stopped" && installation.phase("failed") == "stopped"
        }
        try installation.until("that is recorded") {
            try installation.records("service.rest").count == 2
        }
        #expect(
            try installation.records("service.rest", of: "done")[0]["why"]?.string == "finished")
        #expect(
            try installation.records("service.rest", of: "failed")[0]["why"]?.string == "failed")
        let handover = try installation.records("incident.handover", of: "failed")
        #expect(handover.map { $0["reason"]?.string } == ["restart-never"])
        #expect(try installation.records("process.start").count == 2)
        #expect(try installation.regen("status", "done").status == 0)
        #expect(try installation.regen("status", "failed").status == 1)

        // Killed and started again, regend does not try what it was told not to.
        installation.killDaemon()
        try installation.start()
        #expect(try installation.phase("done") == "stopped")
        #expect(try installation.phase("failed") == "stopped")
        #expect(try installation.records("process.start").count == 2)
    }

    @Test("restart: on-failure restarts failures, and takes a clean end for the end")
    func onFailure() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              job:
                restart: on-failure
                crash_loop: off
                backoff: { first: 20ms, most: 50ms }
                command: [/bin/sh, -c, 'test -e @DIR@/ok || exit 7']
            """)
        try installation.start()
        try installation.until("it is restarted") {
            try installation.records("process.start", of: "job").count > 2
        }
        installation.touch("ok")
        try installation.until("it has finished") {
            try installation.records("service.rest", of: "job").last?["why"]?.string == "finished"
        }
        #expect(try installation.phase("job") == "stopped")
        #expect(try installation.regen("status").status == 0)
        #expect(try installation.records("incident.resolve", of: "job").count == 1)
    }

    @Test("a crash loop is handed over, and regen start gives a new chance")
    func handsOver() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              web:
                command: [/bin/sh, -c, 'test -e @DIR@/ok || exit 1; exec sleep 1000']
                crash_loop: { crashes: 3, within: 60s }
                backoff: { quick: 100ms, first: 10ms, most: 10m }
            """)
        try installation.start()
        try installation.until("it is handed over") {
            try installation.phase("web") == "handed-over"
        }
        try installation.until("that is recorded") {
            try installation.records("incident.handover", of: "web").count == 1
        }
        #expect(try installation.records("process.exit", of: "web").count == 3)
        #expect(try installation.records("crashloop.detected", of: "web")[0]["count"]?.integer == 3)
        #expect(try installation.regen("status").status == 1)

        // A regend that is killed does not forget it.
        installation.killDaemon()
        installation.touch("ok")
        try installation.start()
        #expect(try installation.instance("web")?["note"]?.string?.contains("human") == true)

        let start = try installation.regen("start", "web")
        #expect(start.status == 0)
        #expect(start.output.contains("running"))
        #expect(try installation.phase("web") == "running")
        #expect(try installation.regen("status").status == 0)
    }

    @Test("regen status: 0 all is well, 1 something should run and does not, 2 nobody to ask")
    func statusCodes() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              web: { command: [/bin/sleep, '1000'] }
              broken:
                command: [/does/not/exist]
                autostart: false
                backoff: { first: 10m, most: 10m }
            """)
        #expect(try installation.regen("status").status == 2)
        try installation.start()
        _ = try installation.whenRunning("web")
        #expect(try installation.regen("status").status == 0)
        #expect(try installation.regen("status", "web").status == 0)
        #expect(try installation.regen("status", "nobody").status == 2)
        #expect(try installation.regen("start", "broken").status == 1)
        #expect(try installation.regen("status").status == 1)
        #expect(try installation.regen("status", "web").status == 0)
        #expect(try installation.regen("stop", "broken", "web").status == 0)
        // Down as asked is as it should be.
        #expect(try installation.regen("status").status == 0)
        #expect(try installation.end() == 0)
        #expect(try installation.regen("status").status == 2)
    }
}
