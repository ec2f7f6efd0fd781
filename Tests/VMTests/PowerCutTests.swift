import Foundation
import JSON
import Testing

private let isSoak = ProcessInfo.processInfo.environment["REGEN_SOAK"] != nil

@Suite(
    "power cuts and clocks", .serialized,
    .enabled(if: VirtualMachine.obstacle == nil, "\(VirtualMachine.obstacle ?? "")"))
struct PowerCutTests {
    private static let yaml = """
        safeswitch: {}
        services:
          web: { unit: web.service }
          watched:
            command: [/bin/sleep, "100000"]
            user: root
            probes:
              - { command: [/bin/sh, -c, "cat /proc/uptime >> /srv/looks"], interval: \(Int(interval))s, timeout: 9s }
          one: { command: [/bin/sh, -c, "sleep 1; exit 1"], user: root, crash_loop: off, \(often) }
          two: { command: [/bin/sh, -c, "sleep 1.7; exit 1"], user: root, crash_loop: off, \(often) }

        """
    private static let often = "backoff: { quick: 100ms, first: 10ms, most: 20ms }"

    /// Between two looks, in seconds: long beside what an emulated machine takes for one.
    private static let interval = 10.0

    @Test(
        "a clock set a year forth and back, and the power cut at any moment: one rollback, a sound ledger"
    )
    func cuts() throws {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["REGEN_VM_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)
        let count = environment["REGEN_VM_CUTS"].flatMap { Int($0) } ?? (isSoak ? 100 : 3)
        print("power cuts: \(count), REGEN_VM_SEED=\(seed)")
        var random = SeededRandom(state: seed)
        let rollback = try Rollback(random: &random)
        // Two at a time: a machine has one processor, and who builds mostly has two.
        for first in stride(from: 0, to: count, by: 2) {
            let cuts = try (first..<min(first + 2, count)).map { number in
                // One in each part of the time, so that the rollback is met.
                try rollback.cut(part: number % 3, of: 3, "cut \(number) of seed \(seed)", &random)
            }
            DispatchQueue.concurrentPerform(iterations: cuts.count) { index in
                do { try rollback.boot(from: cuts[index]) } catch {
                    Issue.record(error, "\(cuts[index].name)")
                }
            }
        }
    }

    /// What is left of the disk.
    private struct Cut: Sendable {
        let name: String
        let disk: String
        /// What was known to be on it.
        let durable: Acknowledged?
    }

    /// A machine that has gone back from a bad generation while services crashed, and then lost its power. It is
    /// not changed once it is made.
    private struct Rollback: @unchecked Sendable {
        let machine: VirtualMachine
        let systems: NixOS
        let log: WriteLog
        /// What was seen to be durable, and how long QEMU's log was by then.
        let acknowledged: [Acknowledged]
        /// From the deployment to a while after the rollback.
        let begin: Int
        let end: Int

        init(random: inout SeededRandom) throws {
            var systems: NixOS?
            let machine = try VirtualMachine(.instructions, options: "unordered-ledger") { disk in
                systems = try NixOS(
                    on: disk, PowerCutTests.yaml, good: "exec sleep 1000", bad: "sleep 0.1; exit 1",
                    worse: "sleep 0.2; exit 1")
            }
            self.machine = machine
            let generations = try #require(systems)
            self.systems = generations
            try machine.untilRecorded("generation.change")
            try machine.untilRunning("web")
            // The ledger tells the next daemon, too, that it was well: a start alone says nothing of that.
            try machine.shell("systemctl kill -s KILL web")
            try machine.untilRecorded("incident.resolve", "web")
            let begun = Self.length(of: machine.writes)
            try generations.deploy(generations.bad, on: machine)
            var acknowledged: [Acknowledged] = []
            try machine.until("it has gone back", for: 2 * VirtualMachine.patience) {
                if let one = try Acknowledged(machine) { acknowledged.append(one) }
                return try !machine.records("switch.end").isEmpty
            }
            #expect(try machine.records("switch.end").first?["outcome"]?.string == "succeeded")
            #expect(try machine.records("switch.intent").count == 1)
            for _ in 0...Int.random(in: 0...20, using: &random) {
                if let one = try Acknowledged(machine) { acknowledged.append(one) }
            }
            let ended = Self.length(of: machine.writes)
            try ClockStep(machine, generations).play()
            machine.cut()
            let log = try WriteLog(machine.writes)
            self.log = log
            begin = log.count(atLength: begun)
            end = log.count(atLength: ended)
            self.acknowledged = acknowledged
            print("power cuts: among \(end - begin) writes and flushes")
        }

        static func length(of path: String) -> UInt64 {
            let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64
            return size ?? 0
        }

        /// Cuts at a random moment of that part of the time.
        func cut(
            part: Int, of parts: Int, _ name: String, _ random: inout SeededRandom
        ) throws -> Cut {
            let length = end - begin
            let from = begin + length * part / parts
            // Right after a write, which no flush has come after; every other time right before a flush, when
            // most is at stake.
            let writes = log.writes(in: from..<from + length / parts)
            var moment = try #require(writes.randomElement(using: &random))
            if Bool.random(using: &random) { moment = log.beforeFlush(after: moment) }
            let disk = "\(machine.directory)/cut-\(part)"
            try VirtualMachine.host(["cp", "--sparse=always", machine.initialState, disk])
            let toll = try log.cut(disk, after: moment, using: &random)
            print(
                "power cuts: \(name): after \(moment - begin) of \(length), \(toll.unflushed) not "
                    + "flushed, of these \(toll.lost) lost and \(toll.torn) torn")
            #expect(toll.lost + toll.torn > 0, "\(name)")
            let durable = acknowledged.last { log.count(atLength: $0.length) <= moment }
            return Cut(name: name, disk: disk, durable: durable)
        }

        /// What a boot finds must be what the cut had to leave.
        func boot(from cut: Cut) throws {
            let next = try VirtualMachine(disk: cut.disk, like: machine)
            let (name, good) = (cut.name, systems.good)
            try next.untilAnswered()
            // Nothing is lost of what was acknowledged.
            if let durable = cut.durable {
                let found = try next.run(
                    "cd /var/lib/regen/ledger; grep -h '\"seq\":\(durable.sequence),' *.jsonl | sha256sum"
                ).output.prefix(64)
                #expect(found == durable.hash, "\(name): record \(durable.sequence)")
            }
            // What was torn was told.
            let torn =
                try next.run(
                    """
                    cd /run/regen-before/ledger; last=$(ls *.jsonl | tail -n 1)
                    [ -s $last ] && [ "$(tail -c 1 $last | od -An -tx1)" != " 0a" ]
                    """
                ).status == 0
            let found = try next.run("regen ledger verify /run/regen-before/ledger")
            #expect(found.status == 0 && !torn || found.status == 3, "\(name): \(found.output)")
            let repairs =
                try found.status == 3
                ? next.untilRecorded("ledger.repair").count : next.records("ledger.repair").count
            #expect(repairs == (found.status == 3 ? 1 : 0), "\(name): \(found.output)")

            // It comes to rest on one generation, and has gone back at most once.
            try next.until("\(name): what was begun has ended, and web is as it will be") {
                let phase = (try? next.services())?["web"]?["phase"]?.string
                let steps = try next.run(
                    "grep -hoE '\"switch[.](intent|end)\"' /var/lib/regen/ledger/*.jsonl"
                ).output
                    .split(separator: "\n")
                guard steps.count.isMultiple(of: 2) else { return false }
                // A human has it once nothing more is to come.
                if phase == "handed-over" { return true }
                return try phase == "running" && next.current == good
            }
            #expect(try next.records("switch.intent").count <= 1, "\(name)")
            let current = try next.current
            let profile = try next.shell("readlink -f /nix/var/nix/profiles/system").dropLast()
            let story = try next.run(
                "cd /var/lib/regen/ledger; grep -hE '\"ev\":\"(switch|boot|generation|rollback|carry|ledger)' *.jsonl; "
                    + "cat /boot/loader/loader.conf"
            ).output
            #expect(current == profile, "\(name): \(story)")
            #expect([good, systems.bad].contains(current), "\(name)")
            try next.expectSoundLedger()
            let outcome = try next.records("switch.end").first?["outcome"]?.string ?? "none"
            print("power cuts: \(name): torn \(torn), switch \(outcome), on \(current.suffix(4))")
        }
    }

    /// A record that was on the disk: the line after it says that all before it was.
    private struct Acknowledged: Sendable {
        let sequence: Int64
        let hash: String
        /// So many bytes QEMU had noted when that was known: a cut after them must leave it.
        let length: UInt64

        init?(_ machine: VirtualMachine) throws {
            let line = try machine.run(
                """
                cd /var/lib/regen/ledger
                tail -qc 60000 *.jsonl | grep '^{"prev".*"synced":true.*}$' | tail -n 1
                """
            ).output
            guard !line.isEmpty else { return nil }
            length = Rollback.length(of: machine.writes)
            let record = try JSONValue.parse(Array(line.utf8.dropLast()), limit: 4096)
            hash = try #require(record["prev"]?.string)
            sequence = try #require(record["seq"]?.integer) - 1
        }
    }

    /// Somebody sets the clock a year forth and back.
    private struct ClockStep {
        let machine: VirtualMachine
        let systems: NixOS

        init(_ machine: VirtualMachine, _ systems: NixOS) {
            self.machine = machine
            self.systems = systems
        }

        func play() throws {
            try step("+1 year")
            // By the clock the rollback is long ago. It is not.
            try systems.deploy(systems.worse, on: machine)
            let plans = try machine.untilRecorded("rollback.plan", times: 2)
            #expect(plans.last?["outcome"]?.string == "refuse")
            try step("-1 year")
            #expect(try machine.records("switch.intent").count == 1)
            try machine.expectSoundLedger()
            let looks = try looks()
            let gaps = zip(looks, looks.dropFirst()).map { $1 - $0 }
            #expect(gaps.allSatisfy { $0 < 2 * PowerCutTests.interval }, "\(gaps)")
        }

        /// Sets the clock, and waits until it was looked twice from then on.
        private func step(_ change: String) throws {
            let before = try looks().count
            try machine.shell("date --set '\(change)'")
            try machine.until("it was looked again after \(change)") {
                try looks().count >= before + 2
            }
        }

        /// When it was looked, by the machine's own clock that nobody sets.
        private func looks() throws -> [Double] {
            try machine.run("cat /srv/looks").output.split(separator: "\n").compactMap {
                Double($0.prefix { $0 != " " })
            }
        }
    }
}
