import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("regend comes back") struct AdoptionTests {
    @Test("it takes over what runs, untouched, and says so")
    func adopts() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              web: { instances: 2, command: [/bin/sleep, '1000'] }
              db: { command: [/bin/sleep, '1000'] }
            """)
        try installation.start()
        let pids = try installation.whenRunning("web@1", "web@2", "db")
        installation.killDaemon()
        try installation.start()
        #expect(try installation.whenRunning("web@1", "web@2", "db") == pids)
        try installation.until("the adoptions are recorded") {
            try installation.records("daemon.adopt").count == 3
        }
        for (name, pid) in pids {
            let adopted = try #require(try installation.records("daemon.adopt", of: name).first)
            #expect(adopted["pid"]?.integer == Int64(pid))
            #expect(adopted["attempt"]?.integer == 1)
            #expect(try installation.records("process.start", of: name).count == 1)
        }
        #expect(try installation.records("process.exit").isEmpty)
    }

    @Test("an incident that was open is resolved by the next regend, under its old number")
    func finishesIncident() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              web:
                command: [/bin/sh, -c, 'test -e @DIR@/ok || exit 3; exec sleep 1000']
                crash_loop: off
                backoff: { quick: 100ms, first: 20ms, most: 50ms }
            """)
        try installation.start()
        try installation.until("the incident is open") {
            try installation.records("restart.attempt", of: "web").count > 2
        }
        installation.killDaemon()
        installation.touch("ok")
        try installation.start()
        try installation.until("the incident is resolved") {
            try installation.records("incident.resolve", of: "web").count == 1
        }
        let opened = try installation.records("incident.open", of: "web")
        #expect(opened.count == 1)
        #expect(
            try installation.records("incident.resolve", of: "web")[0]["incident"]?.integer
                == opened.first?["incident"]?.integer)
    }

    @Test("an adopted service that dies is started again, with the status that can be known")
    func restartsAdopted() throws {
        let installation = try Installation(
            "cgroup: off\nservices: { web: { command: [/bin/sleep, '1000'] } }")
        try installation.start()
        let first = try #require(try installation.whenRunning("web")["web"])
        installation.killDaemon()
        try installation.start()
        kill(first, SIGKILL)
        try installation.until("web has another pid") {
            let pid = try installation.pid(of: "web")
            return pid != nil && pid != first
        }
        try installation.until("the exit and the incident are recorded") {
            try installation.records("incident.open", of: "web").count == 1
        }
        let exit = try #require(try installation.records("process.exit", of: "web").first)
        #expect(exit["pid"]?.integer == Int64(first))
        #expect(exit["asked"]?.bool == false)
        // Linux 6.15 tells a stranger's status, once its parent has asked for it.
        #expect(exit["signal"]?.integer == 9 || exit["status"]?.string == "unknown")
        #expect(try installation.records("process.start", of: "web").count == 2)
    }

    @Test("what died while nobody looked is started again, and counts as a crash")
    func findsTheDead() throws {
        let installation = try Installation(
            "cgroup: off\nservices: { web: { command: [/bin/sleep, '1000'] } }")
        try installation.start()
        let first = try #require(try installation.whenRunning("web")["web"])
        installation.killDaemon()
        kill(first, SIGKILL)
        try installation.until("it is dead") { !lives(first) }
        try installation.start()
        let second = try #require(try installation.whenRunning("web")["web"])
        #expect(second != first)
        try installation.until("the incident is over") {
            try installation.records("incident.resolve", of: "web").count == 1
        }
        let exit = try #require(try installation.records("process.exit", of: "web").first)
        #expect(exit["status"]?.string == "unknown")
        #expect(exit["asked"]?.bool == false)
    }

    @Test("a service that the file lost in the meantime is stopped; a changed one is restarted")
    func followsTheFile() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              kept: { command: [/bin/sleep, '1000'] }
              gone: { command: [/bin/sleep, '1000'] }
              changed: { command: [/bin/sleep, '1000'] }
            """)
        try installation.start()
        let pids = try installation.whenRunning("kept", "gone", "changed")
        installation.killDaemon()
        try installation.configure(
            """
            cgroup: off
            services:
              kept: { command: [/bin/sleep, '1000'] }
              changed: { command: [/bin/sleep, '1000'], environment: { NEW: "1" } }
              added: { command: [/bin/sleep, '1000'] }
            """)
        try installation.start()
        try installation.until("gone is gone") { !lives(pids["gone"]!) }
        try installation.until("changed has another pid") { !lives(pids["changed"]!) }
        let now = try installation.whenRunning("kept", "changed", "added")
        #expect(now["kept"] == pids["kept"])
        #expect(now["changed"] != pids["changed"])
        try installation.until("gone is forgotten") { try installation.instance("gone") == nil }
        let stops = try installation.records("service.stop", of: "gone")
        #expect(stops.count == 1)
        #expect(stops.first?["then"]?.string == "remove")
        #expect(try installation.records("service.stop", of: "kept").isEmpty)
    }

    @Test("what an operator stopped stays stopped, through two deaths of regend")
    func staysStopped() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              web: { command: [/bin/sleep, '1000'] }
              other: { command: [/bin/sleep, '1000'] }
            """)
        try installation.start()
        _ = try installation.whenRunning("web", "other")
        #expect(try installation.regen("stop", "web").status == 0)
        for _ in 1...2 {
            installation.killDaemon()
            try installation.start()
            #expect(try installation.phase("web") == "stopped")
            #expect(Census(of: installation).mains["web"] == nil)
        }
        #expect(try installation.regen("start", "web").status == 0)
        installation.killDaemon()
        try installation.start()
        _ = try installation.whenRunning("web", "other")
    }

    @Test("a stop in whose middle regend died is finished by the next one")
    func finishesStop() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              deaf:
                command: [/bin/sh, -c, 'trap "" TERM; echo $$ > @DIR@/pid; while :; do sleep 1; done']
                stop: { grace: 1m }
            """)
        try installation.start()
        try installation.until("it is deaf") { installation.number(in: "pid") != nil }
        _ = try installation.whenRunning("deaf")
        let stop = try installation.begin("stop", "deaf")
        try installation.until("the stop has begun") {
            try installation.records("service.stop", of: "deaf").count == 1
        }
        installation.killDaemon()
        stop.waitUntilExit()
        #expect(stop.terminationStatus == 2)
        kill(installation.number(in: "pid")!, SIGKILL)
        try installation.start()
        try installation.until("it rests") { try installation.phase("deaf") == "stopped" }
        try installation.until("that is recorded") {
            try installation.records("service.rest", of: "deaf").last?["why"]?.string == "asked"
        }
        #expect(try installation.records("process.start", of: "deaf").count == 1)
    }

    @Test("what a main process left behind while regend was down is ended")
    func endsLeftovers() throws { try endLeftovers("off") }

    @Test(
        "what a main process left behind is ended, in cgroup leaves (root and cgroup v2 only)",
        .enabled(if: ScratchCgroup.obstacle == nil, "\(ScratchCgroup.obstacle ?? "")"))
    func endsLeftoversInLeaves() throws {
        let leaves = try ScratchCgroup()
        try endLeftovers(leaves.path)
        #expect(leaves.leaves.count <= 1)
    }

    @Test(
        "a leaf that an earlier regend killed bears no process (root and cgroup v2 only)",
        .enabled(if: ScratchCgroup.obstacle == nil, "\(ScratchCgroup.obstacle ?? "")"))
    func replacesKilledLeaves() throws {
        let leaves = try ScratchCgroup()
        let installation = try Installation(
            """
            cgroup: \(leaves.path)
            services:
              deaf:
                command: [/bin/sh, -c, 'trap "" TERM; echo $$ > @DIR@/pid; while :; do sleep 1; done']
                stop: { grace: 0ms }
            """)
        try installation.start()
        for lives in 1...3 {
            _ = try installation.whenRunning("deaf")
            try installation.until("it is deaf") { installation.number(in: "pid") != nil }
            installation.untouch("pid")
            #expect(try installation.regen("stop", "deaf").status == 0)
            #expect(try installation.records("service.kill", of: "deaf").count == lives)
            installation.killDaemon()
            try installation.start()
            #expect(try installation.regen("start", "deaf").status == 0)
        }
        // Linux 6.15 kills at once whatever is born in a cgroup that was ever killed.
        #expect(try installation.records("incident.open").isEmpty)
        #expect(try installation.records("process.start", of: "deaf").count == 4)
    }

    private func endLeftovers(_ cgroup: String) throws {
        let installation = try Installation(
            """
            cgroup: \(cgroup)
            services:
              web:
                command:
                  - /bin/sh
                  - -c
                  - 'sleep 1000 & echo $! > @DIR@/near; setsid sleep 1000 & echo $! > @DIR@/far;
                     exec sleep 1000'
            """)
        try installation.start()
        let first = try #require(try installation.whenRunning("web")["web"])
        try installation.until("the children run") { installation.number(in: "far") != nil }
        let children = [installation.number(in: "near")!, installation.number(in: "far")!]
        installation.killDaemon()
        kill(first, SIGKILL)
        try installation.until("the main process is dead") { !lives(first) }
        #expect(children.allSatisfy(lives))
        try installation.start()
        try installation.until("the children are ended") { !children.contains(where: lives) }
        let second = try #require(try installation.whenRunning("web")["web"])
        #expect(second != first)
        #expect(try installation.records("process.start", of: "web").count == 2)
        #expect(try installation.end() == 0)
        #expect(installation.survivors().isEmpty)
    }

    @Test("a second regend in the same directories is refused and touches nothing")
    func refusesSecond() throws {
        let installation = try Installation(
            "cgroup: off\nservices: { web: { command: [/bin/sleep, '1000'] } }")
        try installation.start()
        let pids = try installation.whenRunning("web")
        let second = try installation.regen("run", "--config", installation.configuration)
        #expect(second.status == 1)
        #expect(second.errors.contains("another regend (pid \(installation.pid))"))
        #expect(try installation.whenRunning("web") == pids)
    }
}
