import Glibc
import JSON
import Linux
import Testing

/// How a service's processes are held together.
enum Holding {
    case session
    case cgroup(ScratchCgroup)

    var yaml: String {
        switch self {
        case .session: "cgroup: off"
        case .cgroup(let scratch): "cgroup: \(scratch.path)"
        }
    }
}

@Suite("a whole tree goes: by session, group, descent and mark") struct SessionTreeTests {
    @Test("a fork bomb that ignores SIGTERM, on stop")
    func bombStopped() throws { try Trees.bombStopped(.session) }

    @Test("a fork bomb, after its service was killed")
    func bombOrphaned() throws { try Trees.bombOrphaned(.session) }

    @Test("double forks in sessions of their own, on stop")
    func doubleForks() throws { try Trees.doubleForksStopped(.session) }

    @Test("what is left behind by a crash")
    func leftovers() throws { try Trees.leftovers(.session) }

    @Test("double forks of a service that a new daemon has taken over, on stop")
    func adoptedStopped() throws { try Trees.adoptedStopped(.session) }

    @Test("what an adopted service leaves behind by a crash")
    func adoptedLeftovers() throws { try Trees.adoptedLeftovers(.session) }

    @Test("whoever sheds session, parent and environment is out of reach, as documented")
    func outOfReach() throws {
        let installation = try Trees.start(.session, Trees.unmarked)
        defer { installation.clear() }
        try installation.until("the stranger runs") { installation.scene("nap").count == 1 }
        #expect(try installation.regen("stop", "web").status == 0)
        #expect(installation.scene("nap").count == 1)
        #expect(installation.survivors().isEmpty)
    }

    @Test("without its mark a process is still found in the session, and below one that is found")
    func unmarkedButNear() throws {
        let installation = try Trees.start(
            .session,
            """
            (env -i @DIR@/bin/nap 1000 &)
            setsid sh -c 'env -i @DIR@/bin/nap 2000 & wait' &
            wait
            """)
        defer { installation.clear() }
        try installation.until("both run") { installation.scene("nap").count == 2 }
        #expect(try installation.regen("stop", "web").status == 0)
        #expect(installation.scene().isEmpty)
    }

    @Test("fifty killed at once take their groups along, marked or not")
    func groups() throws {
        let installation = try Installation(
            """
            cgroup: off
            defaults: { log: none, restart: never }
            services: { web: { command: [@DIR@/bin/web], instances: 50 } }
            """)
        defer { installation.clear() }
        try installation.makeNap()
        try installation.script("web", "env -i @DIR@/bin/nap 1000 & exec @DIR@/bin/nap 2000\n")
        try installation.start()
        try installation.until("all hundred run") { installation.scene("nap").count == 100 }
        let mains = try installation.status()["services"]?.array?.compactMap { $0["pid"]?.integer }
        for pid in try #require(mains) { kill(Int32(pid), SIGKILL) }
        try installation.until("all are gone") { installation.scene("nap").isEmpty }
    }
}

@Suite(
    "a whole tree goes: by control group",
    .enabled(
        if: ScratchCgroup.obstacle == nil, "control groups: \(ScratchCgroup.obstacle ?? "")"))
struct CgroupTreeTests {
    @Test("a fork bomb that ignores SIGTERM, on stop")
    func bombStopped() throws { try Trees.bombStopped(.cgroup(ScratchCgroup())) }

    @Test("a fork bomb, after its service was killed")
    func bombOrphaned() throws { try Trees.bombOrphaned(.cgroup(ScratchCgroup())) }

    @Test("double forks in sessions of their own, on stop")
    func doubleForks() throws { try Trees.doubleForksStopped(.cgroup(ScratchCgroup())) }

    @Test("what is left behind by a crash")
    func leftovers() throws { try Trees.leftovers(.cgroup(ScratchCgroup())) }

    @Test("double forks of a service that a new daemon has taken over, on stop")
    func adoptedStopped() throws { try Trees.adoptedStopped(.cgroup(ScratchCgroup())) }

    @Test("what an adopted service leaves behind by a crash")
    func adoptedLeftovers() throws { try Trees.adoptedLeftovers(.cgroup(ScratchCgroup())) }

    @Test("whoever sheds session, parent and environment goes too, on stop")
    func unmarkedStopped() throws {
        let scratch = try ScratchCgroup()
        let installation = try Trees.start(.cgroup(scratch), Trees.unmarked)
        defer { installation.clear() }
        try installation.until("the stranger runs") { installation.scene("nap").count == 1 }
        #expect(try installation.regen("stop", "web").status == 0)
        #expect(installation.scene().isEmpty)
    }

    @Test("a leaf for each instance, another after each sweep, none left at the end")
    func leaves() throws {
        let scratch = try ScratchCgroup()
        let installation = try Trees.start(
            .cgroup(scratch), "@DIR@/bin/nap 1000 & echo $$ >> @DIR@/pids; wait")
        defer { installation.clear() }
        for round in 1...5 {
            try installation.until("it runs") { installation.scene("nap").count == 1 }
            let pid = try #require(try installation.pid(of: "web"))
            #expect(Linux.Cgroup.path(of: pid)?.hasPrefix("\(scratch.path)/regen-web") == true)
            kill(pid, SIGKILL)
            try installation.until("attempt \(round + 1)") {
                try installation.records("process.start").count == round + 1
            }
        }
        #expect(scratch.leaves.count <= 2)
        #expect(try installation.end() == 0)
        #expect(installation.scene().isEmpty)
    }
}

/// Bodies that both suites share.
enum Trees {
    /// A stranger that nothing but a control group can hold.
    static let unmarked = "(env -i setsid sh -c '@DIR@/bin/nap 1000 &' &) \n exec sleep 1000"

    /// The service `web` runs that shell script; its stop is forced after that grace.
    static func start(
        _ holding: Holding, _ web: String, grace: String = "500ms"
    ) throws -> Installation {
        let installation = try Installation(
            """
            \(holding.yaml)
            services:
              web:
                command: [@DIR@/bin/web]
                crash_loop: off
                backoff: { quick: 1ms, first: 1ms, most: 10ms }
                stop: { grace: \(grace) }
            """)
        try installation.makeNap()
        try installation.script(
            "bomb",
            """
            trap '' TERM
            [ "$1" -gt 0 ] || exec @DIR@/bin/nap 1000
            "$0" $(($1 - 1)) &
            "$0" $(($1 - 1)) &
            wait
            """)
        try installation.script("web", web)
        try installation.start()
        return installation
    }

    /// Only the first attempt does what the script says; later ones sleep.
    static func startOnce(_ holding: Holding, _ web: String) throws -> Installation {
        try start(
            holding,
            """
            [ -e @DIR@/once ] && exec @DIR@/bin/nap 3000
            touch @DIR@/once
            \(web)
            """)
    }

    private static let bombed = 255

    static func bombStopped(_ holding: Holding) throws {
        let installation = try start(holding, "setsid @DIR@/bin/bomb 7 & wait")
        defer { installation.clear() }
        try installation.until("the bomb has gone off") {
            installation.scene().count >= bombed
        }
        #expect(try installation.regen("stop", "web").status == 0)
        #expect(installation.scene().isEmpty)
        #expect(try installation.records("service.kill", of: "web").count == 1)
        #expect(installation.messages.contains("web: did not end in time, SIGKILL sent"))
        #expect(try installation.phase("web") == "stopped")
    }

    static func bombOrphaned(_ holding: Holding) throws {
        let installation = try startOnce(holding, "setsid @DIR@/bin/bomb 7 & wait")
        defer { installation.clear() }
        try installation.until("the bomb has gone off") { installation.scene().count >= bombed }
        try expectOnlySuccessor(of: installation)
    }

    /// Children, one in a session of its own, double forks of both kinds.
    private static let family = """
        @DIR@/bin/nap 1000 &
        setsid @DIR@/bin/nap 1001 &
        (@DIR@/bin/nap 1002 &)
        (setsid sh -c 'setsid @DIR@/bin/nap 1003 & setsid @DIR@/bin/nap 1004 &' &)
        wait
        """

    static func doubleForksStopped(_ holding: Holding) throws {
        let installation = try start(holding, family, grace: "10s")
        defer { installation.clear() }
        try installation.until("all five run") { installation.scene("nap").count == 5 }
        #expect(try installation.regen("stop", "web").status == 0)
        #expect(installation.scene().isEmpty)
        // They had their SIGTERM and took it.
        #expect(try installation.records("service.kill", of: "web").isEmpty)
    }

    static func leftovers(_ holding: Holding) throws {
        let installation = try startOnce(holding, family)
        defer { installation.clear() }
        try installation.until("all five run") { installation.scene("nap").count == 5 }
        try expectOnlySuccessor(of: installation)
    }

    static func adoptedStopped(_ holding: Holding) throws {
        let installation = try adopted(holding)
        defer { installation.clear() }
        #expect(try installation.regen("stop", "web").status == 0)
        #expect(installation.scene().isEmpty)
    }

    static func adoptedLeftovers(_ holding: Holding) throws {
        let installation = try adopted(holding)
        defer { installation.clear() }
        try expectOnlySuccessor(of: installation)
    }

    /// The family, under a second daemon.
    private static func adopted(_ holding: Holding) throws -> Installation {
        let installation = try startOnce(holding, family)
        try installation.until("all five run") { installation.scene("nap").count == 5 }
        let main = try #require(try installation.pid(of: "web"))
        installation.killDaemon()
        try installation.start()
        #expect(try installation.pid(of: "web") == main)
        #expect(installation.scene("nap").count == 5)
        return installation
    }

    /// Kills the main process: in the end only the next one runs.
    private static func expectOnlySuccessor(of installation: Installation) throws {
        let first = try #require(try installation.pid(of: "web"))
        kill(first, SIGKILL)
        try installation.until("only the successor runs") {
            guard let pid = try installation.pid(of: "web"), pid != first else { return false }
            return installation.scene() == [pid]
        }
    }
}
