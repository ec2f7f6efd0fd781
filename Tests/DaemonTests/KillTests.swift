import Control
import Foundation
import Glibc
import JSON
import Linux
import Testing

/// The promise that everything else stands on: regend may be killed at any instant.
///
/// REGEN_KILL_ROUNDS says how often in all (100), REGEN_KILL_SEED repeats a run's decisions; what
/// the kernel makes of them is its own.
@Suite("regend is killed, again and again") struct KillTests {
    @Test("under load nothing healthy is touched and nothing recorded is lost")
    func underLoad() throws { try Ordeal(Ordeal.load).run() }

    @Test(
        "under load, in cgroup leaves (root and cgroup v2 only)",
        .enabled(if: ScratchCgroup.obstacle == nil, "\(ScratchCgroup.obstacle ?? "")"))
    func underLoadInLeaves() throws { try Ordeal(Ordeal.load, leaves: ScratchCgroup()).run() }

    @Test("in the middle of many starts nothing is started twice")
    func duringStarts() throws { try Ordeal(Ordeal.starts).run() }

    @Test(
        "in the middle of many starts, in cgroup leaves (root and cgroup v2 only)",
        .enabled(if: ScratchCgroup.obstacle == nil, "\(ScratchCgroup.obstacle ?? "")"))
    func duringStartsInLeaves() throws { try Ordeal(Ordeal.starts, leaves: ScratchCgroup()).run() }

    @Test("what an operator was told is stopped stays so, though regend dies in the next instant")
    func keepsItsWord() throws {
        let installation = try Installation(
            """
            cgroup: off
            defaults: { backoff: { quick: 10ms } }
            services: { web: { command: [/bin/sleep, '100007'] } }
            """)
        try installation.start()
        for _ in 1...10 {
            try #require(try installation.regen("start", "web").status == 0)
            var client = try ControlClient(runtimeDirectory: installation.runtime)
            _ = try client.call(.stop) { json in
                json.object {
                    $0.key("services")
                    $0.beginArray()
                    $0.string("web")
                    $0.endArray()
                }
            }
            installation.killDaemon()
            try installation.start()
            #expect(try installation.phase("web") == "stopped")
            #expect(Census(of: installation).mains["web"] == nil)
        }
    }

    @Test("a child that was not yet its service when regend died is waited for, not made twice")
    func childInFlight() throws {
        // So many places to look for the program in that its start takes some 10 ms.
        let path = String(repeating: "/a:", count: 10_000) + "/bin"
        let installation = try Installation(
            """
            cgroup: off
            defaults: { crash_loop: off, backoff: { first: 1ms, most: 5ms } }
            services:
              web:
                instances: 3
                command: [sleep, '100008']
                environment: { PATH: '\(path)' }
            """)
        let child = try installation.frozenChild()
        // To the kernel it is still a part of regend: no mark, and regend's files, its locks too.
        #expect(Census(of: installation).mains.count < 3)
        let first = installation.pid
        installation.signal(SIGKILL)
        // Not by Foundation, which waits until nobody has the descriptors that the daemon was given.
        try installation.until("regend is dead") { !lives(first) }
        #expect(lives(child))
        try installation.launch()
        let daemon = try #require(installation.daemon)
        // Nobody asks it: the dead one's socket is the child's too, and still takes calls.
        try installation.until("the next regend sees it, or does not") {
            installation.messages.contains("was killed in the middle of a start")
                || installation.messages.contains("in force") || !daemon.isRunning
        }
        kill(child, SIGCONT)
        try installation.until("all are up") { Census(of: installation).mains.count == 3 }
        #expect(Census(of: installation).mains.values.allSatisfy { $0.count == 1 })
        #expect(Census(of: installation).mains.values.contains { $0[0].pid == child })
        #expect(daemon.isRunning)
        #expect(try installation.end() == 0)
        #expect(installation.survivors().isEmpty)
    }
}

extension Installation {
    /// Starts regend and freezes a child between its making and its program.
    fileprivate func frozenChild() throws -> Int32 {
        for _ in 1...50 {
            try launch()
            let daemon = try #require(daemon)
            while daemon.isRunning, Census(of: self).mains.count < 3 {
                let text = ProcessTable.text("/proc/\(pid)/task/\(pid)/children") ?? ""
                guard let child = text.split(separator: " ").last.flatMap({ Int32($0) }),
                    isUnfinished(child)
                else { continue }
                kill(child, SIGSTOP)
                try until("it has stopped") {
                    ProcessTable.entry(child)?.state == UInt8(ascii: "T") || !lives(child)
                }
                if lives(child), isUnfinished(child) { return child }
                kill(child, SIGCONT)
            }
            killDaemon()
            for pid in survivors() { kill(pid, SIGKILL) }
        }
        throw Overdue(what: "a child could be frozen", messages: messages)
    }

    /// In a session of its own, and still under the daemon's name.
    private func isUnfinished(_ child: Int32) -> Bool {
        ProcessTable.entry(child)?.session == child
            && ProcessTable.text("/proc/\(child)/comm") == "regend"
    }
}

/// One installation through a quarter of the rounds.
private final class Ordeal {
    /// What is run, and how it is made hard.
    struct Scene {
        let yaml: String
        /// Nobody has a reason to end these: they keep their pids through all rounds.
        let healthy: [String]
        /// An operator starts and stops these.
        let operated: [String]
        /// Killed before each round, so that all of them have to be started.
        let restarted: [String]
        /// The longest time from a round's beginning to its kill, in microseconds.
        let longest: UInt32
    }

    static let load = Scene(
        yaml: """
            defaults:
              crash_loop: off
              backoff: { quick: 20ms, first: 5ms, most: 60ms }
              stop: { grace: 300ms }
            services:
              steady: { instances: 3, command: [/bin/sleep, '100000'] }
              family:
                command: [/bin/sh, -c, 'sleep 100001 & sleep 100002 & wait']
              crasher: { instances: 4, command: [/bin/sh, -c, 'sleep 0.03; exit 3'] }
              litter: { instances: 2, command: [/bin/sh, -c, 'sleep 100003 & sleep 0.05; exit 3'] }
              slow: { command: [/bin/sh, -c, 'trap "sleep 0.1; exit 0" TERM; while :; do sleep 0.02; done'] }
              deaf: { command: [/bin/sh, -c, 'trap "" TERM; while :; do sleep 1; done'] }
              plain: { after: [steady], command: [/bin/sleep, '100004'] }
            """,
        healthy: ["steady@1", "steady@2", "steady@3", "family"],
        operated: ["slow", "deaf", "plain"], restarted: [], longest: 200_000)

    static let starts = Scene(
        yaml: """
            defaults:
              crash_loop: off
              backoff: { quick: 1ms, first: 1ms, most: 5ms }
            services:
              steady: { command: [/bin/sleep, '100000'] }
              many: { instances: 40, command: [/bin/sleep, '100005'] }
              later: { instances: 5, after: [many], command: [/bin/sleep, '100006'] }
            """,
        healthy: ["steady"], operated: [],
        restarted: (1...40).map { "many@\($0)" } + (1...5).map { "later@\($0)" }, longest: 200_000)

    private static let rounds =
        ProcessInfo.processInfo.environment["REGEN_KILL_ROUNDS"].flatMap { Int($0) } ?? 100
    private static let seed =
        ProcessInfo.processInfo.environment["REGEN_KILL_SEED"].flatMap { UInt64($0) }
        ?? UInt64.random(in: 0 ... .max)

    private let scene: Scene
    private let leaves: ScratchCgroup?
    private let installation: Installation
    private var random = Dice(seed: Ordeal.seed)
    private var firstSeen: [String: Census.Main] = [:]
    /// What an operator was told of last, where nothing was asked since: up or down.
    private var promised: [String: Bool] = [:]

    init(_ scene: Scene, leaves: ScratchCgroup? = nil) throws {
        self.scene = scene
        self.leaves = leaves
        installation = try Installation("cgroup: \(leaves?.path ?? "off")\n\(scene.yaml)")
    }

    func run() throws {
        print("regend is killed: REGEN_KILL_SEED=\(Self.seed) REGEN_KILL_ROUNDS=\(Self.rounds)")
        try installation.start()
        try installation.until("what is healthy runs") {
            let mains = Census(of: self.installation).mains
            return self.scene.healthy.allSatisfy { mains[$0]?.count == 1 }
        }
        let census = Census(of: installation)
        for name in scene.healthy { firstSeen[name] = census.mains[name]![0] }
        for round in 1...max(1, Self.rounds / 4) {
            if scene.restarted.isEmpty {
                try killUnderLoad(round)
            } else {
                try killDuringStarts(round)
            }
        }
        #expect(try installation.end() == 0)
        #expect(installation.survivors().isEmpty)
        #expect(try installation.ledgerFault() == nil)
        #expect(try installation.verifyIndependently() == 0)
        try checkHistory()
    }

    // MARK: - Rounds

    private func killUnderLoad(_ round: Int) throws {
        let order = random.oneIn(3) ? nil : try giveOrder()
        if let order, random.oneIn(2) {
            // The moment after an answer is the hardest for what the answer said.
            order.process.waitUntilExit()
        } else {
            usleep(UInt32(random.below(Int(scene.longest))))
        }
        try killAndStartAgain(round)
        if let order {
            order.process.waitUntilExit()
            promised[order.name] = order.process.terminationStatus == 0 ? order.isUp : nil
        }
        try checkPromises(round)
    }

    private func killDuringStarts(_ round: Int) throws {
        installation.killDaemon()
        let mains = Census(of: installation).mains
        let ended = scene.restarted.flatMap { mains[$0] ?? [] }
        for main in ended { kill(main.pid, SIGKILL) }
        try installation.until("they are dead") { !ended.contains(where: \.isAlive) }
        try installation.launch()
        usleep(UInt32(random.below(Int(scene.longest))))
        try killAndStartAgain(round)
        try installation.until("all are up after round \(round)") {
            let mains = Census(of: self.installation).mains
            return self.scene.restarted.allSatisfy { mains[$0]?.count == 1 }
        }
        check(Census(of: installation), "all up", round)
    }

    /// The heart of it. Before the kill regend may be in the middle of anything.
    private func killAndStartAgain(_ round: Int) throws {
        let before = try LedgerCopy(of: installation)
        installation.killDaemon()
        let left = Census(of: installation)
        check(left, "killed", round)
        let after = try LedgerCopy(of: installation)
        #expect(before.lost(in: after).isEmpty, "round \(round): lost by the kill")
        // Killed early in its first life it may not have made one yet.
        if !after.isEmpty { #expect(try installation.ledgerFault() == nil, "round \(round)") }

        try installation.start()
        let census = Census(of: installation)
        check(census, "started again", round)
        for name in scene.restarted {
            guard let main = left.mains[name]?.first else { continue }
            #expect(
                census.mains[name]?.contains(main) == true,
                "round \(round): \(name) changed from pid \(main.pid): \(said(of: name))")
        }
        let now = try LedgerCopy(of: installation)
        #expect(after.lost(in: now).isEmpty, "round \(round): lost by starting again")
        #expect(try installation.ledgerFault() == nil, "round \(round)")
    }

    /// The last that regend said of an instance.
    private func said(of name: String) -> String {
        installation.messages.split(separator: "\n").filter { $0.contains(" \(name): ") }
            .suffix(8).joined(separator: "\n")
    }

    private func check(_ census: Census, _ moment: String, _ round: Int) {
        let doubled = census.doubled
        #expect(doubled.isEmpty, "round \(round), \(moment): started twice")
        for name in scene.healthy {
            let main = firstSeen[name]!
            #expect(
                census.mains[name] == [main],
                "round \(round), \(moment): healthy \(name) was touched")
        }
    }

    // MARK: - What an operator was told

    private struct Order {
        let name: String
        let isUp: Bool
        let process: Process
    }

    private func giveOrder() throws -> Order {
        let name = random.pick(scene.operated)
        let verb = random.pick(["start", "stop", "stop", "restart"])
        promised[name] = nil
        return Order(name: name, isUp: verb != "stop", process: try installation.begin(verb, name))
    }

    private func checkPromises(_ round: Int) throws {
        for (name, isUp) in promised.sorted(by: { $0.key < $1.key }) {
            if isUp {
                try installation.until("round \(round): \(name) is up, as an operator was told") {
                    Census(of: self.installation).mains[name]?.count == 1
                }
            } else {
                #expect(
                    Census(of: installation).mains[name] == nil,
                    "round \(round): \(name) runs, and an operator was told that it is stopped")
            }
        }
    }

    // MARK: - What the whole ledger tells

    private func checkHistory() throws {
        var opened: [Int64: Int] = [:]
        var ended: [Int64: Int] = [:]
        var starts: [String: Int] = [:]
        for record in try installation.records() {
            switch record["ev"]?.string {
            case "incident.open": opened[try #require(record["incident"]?.integer), default: 0] += 1
            case "incident.resolve", "incident.handover":
                ended[try #require(record["incident"]?.integer), default: 0] += 1
            case "process.start":
                let service = record["service"]?.string ?? "?"
                starts["\(service) attempt \(record["attempt"]?.integer ?? 0)", default: 0] += 1
            default: break
            }
        }
        #expect(opened.filter { $0.value > 1 }.isEmpty, "an incident begins once")
        #expect(ended.filter { $0.value > 1 }.isEmpty, "an incident ends once")
        #expect(ended.keys.filter { opened[$0] == nil }.isEmpty, "what ends has begun")
        #expect(starts.filter { $0.value > 1 }.isEmpty, "an attempt is one process")
        #expect(!starts.isEmpty)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a seed repeats all decisions.
private struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func oneIn(_ times: Int) -> Bool { below(times) == 0 }
    mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }
}
