import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("what looks is itself in trouble") struct ProbeWorkerTests {
    private func installation() throws -> Installation {
        try Installation.serverBesideTicks("echo >> @DIR@/other.asked")
    }

    private func untilProven(_ installation: Installation) throws {
        try installation.untilProven("web")
        try installation.untilProven("other")
    }

    /// Nothing has happened to the services but their start.
    private func expectCalm(_ installation: Installation) throws {
        try installation.expect("web", ["process.start"])
        try installation.expect("other", ["process.start"])
    }

    @Test(
        "regen-net stopped or killed is replaced, looks go on, and nobody gets a strike",
        arguments: [SIGSTOP, SIGKILL])
    func network(_ signal: Int32) throws {
        let installation = try installation()
        try installation.start()
        try untilProven(installation)
        let worker = try #require(try installation.worker("probe"))
        kill(worker, signal)
        try installation.until("worker.fail")
        try installation.untilAsked("web", times: 5)
        let failure = try #require(try installation.records("worker.fail").first)
        #expect(failure["pid"]?.integer == Int64(worker))
        #expect(failure["role"]?.string == "probe")
        #expect(failure["reason"]?.string?.isEmpty == false)
        #expect(try installation.records("worker.fail").count == 1)
        try installation.until("the old one has ended") { !lives(worker) }
        let successor = try #require(try installation.worker("probe"))
        #expect(successor != worker)
        try expectCalm(installation)
    }

    @Test("a looker killed is replaced, looks go on, and nobody gets a strike")
    func looker() throws {
        let installation = try installation()
        try installation.start()
        try untilProven(installation)
        for _ in 1...5 {
            let looker = try #require(try installation.worker("look"))
            kill(looker, SIGKILL)
            try installation.until("the looker has gone") { !lives(looker) }
            try installation.untilAsked("other", times: 2)
        }
        try expectCalm(installation)
    }

    @Test(
        "a regen-net that talks nonsense or ends at once is started anew with pauses, no strikes",
        arguments: ["exec cat /dev/zero >&3", "exit 0"])
    func broken(_ script: String) throws {
        let installation = try installation()
        try installation.makeOwnPrograms()
        try installation.start()
        try untilProven(installation)
        let worker = try #require(try installation.worker("probe"))
        try installation.replaceOwn("regen-net", by: script)
        kill(worker, SIGKILL)
        try installation.until("worker.fail", count: 2)
        // Whatever the old one had asked has arrived by then.
        try installation.untilAsked("other", times: 2)
        let asked = installation.asked("web")
        // About as long as the pauses so far, and all the others are still looked at.
        try installation.untilAsked("other", times: 10)
        #expect(installation.asked("web") == asked)
        #expect(try installation.records("worker.fail").count <= 5)
        #expect(try installation.probe(of: "web")?["outcome"]?.string == "unknown")
        try installation.restoreOwn("regen-net")
        try installation.untilAsked("web", times: 5)
        try expectCalm(installation)
        #expect(try installation.probe(of: "web")?["outcome"]?.string == "passed")
    }

    @Test("a FIFO that nobody writes into fails its probe, with a reason, and delays no other")
    func fifo() throws {
        let installation = try Installation(
            """
            \(Installation.brisk)
            services:
              stuck:
                command: [@DIR@/bin/count]
                probes: [ { progress: { number: @DIR@/number } } ]
              other:
                command: [/bin/sleep, '1000']
                probes: [ { command: [@DIR@/bin/tick] } ]
            """)
        try installation.script("tick", "echo >> @DIR@/other.asked")
        try installation.script(
            "count",
            """
            while [ ! -e @DIR@/halt ]; do
                i=$((i + 1)); echo $i > @DIR@/next; mv @DIR@/next @DIR@/number; sleep 0.05
            done
            touch @DIR@/halted
            exec sleep 1000
            """)
        try installation.start()
        try installation.untilProven("stuck")
        try installation.untilProven("other")
        installation.touch("halt")
        try installation.until("it counts no more") {
            access("\(installation.directory)/halted", F_OK) == 0
        }
        let number = "\(installation.directory)/number"
        try #require(mkfifo("\(number).fifo", 0o644) == 0 && rename("\(number).fifo", number) == 0)
        try installation.until("probe.strike", of: "stuck")
        let strike = try #require(try installation.records("probe.strike", of: "stuck").first)
        #expect(strike["reason"]?.string?.contains("hangs") == true, "\(strike)")
        try installation.untilAsked("other", times: 5)
        try installation.expect("other", ["process.start"])
    }

    @Test(
        "a file system that never answers fails its probes, with a reason, and delays no other",
        .enabled(if: DeadFileSystem.canBe, "a FUSE file system cannot be mounted here"))
    func fileSystem() throws {
        let installation = try Installation(
            """
            \(Installation.brisk)
            services:
              stuck:
                command: [/bin/sleep, '1000']
                probes: [ { file: @DIR@/place/file } ]
              other:
                command: [/bin/sleep, '1000']
                probes: [ { command: [@DIR@/bin/tick] } ]
            """)
        try installation.script("tick", "echo >> @DIR@/other.asked")
        try FileManager.default.createDirectory(
            atPath: "\(installation.directory)/place", withIntermediateDirectories: true)
        installation.touch("place/file")
        try installation.start()
        try installation.untilProven("stuck")
        try installation.untilProven("other")
        let dead = try DeadFileSystem(at: "\(installation.directory)/place")
        try installation.until("service.stop", of: "stuck")
        let strikes = try installation.records("probe.strike", of: "stuck")
        #expect(strikes.count == 3)
        #expect(
            strikes.allSatisfy { $0["reason"]?.string?.contains("hangs") == true }, "\(strikes)")
        try installation.untilAsked("other", times: 10)
        try installation.expect("other", ["process.start"])
        dead.unmount()
        try installation.untilHealed("stuck")
    }
}

/// A FUSE file system whose server never says anything: whoever touches it hangs.
private final class DeadFileSystem {
    private let place: String
    private let server: Int32
    private var isMounted = true

    static let canBe: Bool = {
        let place = "/tmp/regen-test-fuse-\(getpid())"
        guard mkdir(place, 0o755) == 0 else { return false }
        defer { rmdir(place) }
        guard let trial = try? DeadFileSystem(at: place) else { return false }
        trial.unmount()
        return true
    }()

    init(at place: String) throws {
        self.place = place
        server = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        let options = "fd=\(server),rootmode=40000,user_id=0,group_id=0,allow_other"
        guard server >= 0, mount("regen-test", place, "fuse.regen-test", 0, options) == 0 else {
            if server >= 0 { close(server) }
            throw POSIXError(.ENODEV)
        }
    }

    deinit { unmount() }

    func unmount() {
        guard isMounted else { return }
        isMounted = false
        umount2(place, Int32(MNT_DETACH))
        close(server)
    }
}
