import SafeSwitch
import Supervision
import Testing

@Suite("the boot gate's rule") struct BootGateTests {
    /// A new generation on which a critical service fails that was healthy on the last one.
    static var broken: BootGateFacts {
        var facts = BootGateFacts()
        facts.system = "/b"
        facts.generation = 2
        facts.isBooted = true
        facts.hasPrevious = true
        facts.hasLedger = true
        facts.services = [
            .init(name: "web", wasHealthyBefore: true, standing: .unhealthy),
            .init(name: "db", wasHealthyBefore: true, standing: .healthy),
        ]
        return facts
    }

    @Test("a boot fails when all speaks against it, and not before the time is over")
    func fails() {
        #expect(Self.broken.judge(isOver: false) == nil)
        #expect(Self.broken.judge(isOver: true) == .failed)
        #expect(Self.broken.unhealthy == ["web"])
    }

    @Test("each single fact that speaks for it lets it pass")
    func passes() {
        func expect(_ pass: BootPass, _ change: (inout BootGateFacts) -> Void) {
            var facts = Self.broken
            change(&facts)
            #expect(facts.judge(isOver: true) == .passed(pass), "\(pass)")
        }
        expect(.healthy) { $0.services[0].standing = .healthy }
        expect(.healthy) { $0.services[0].standing = .idle }
        expect(.healthy) { $0.services = [] }
        expect(.noGenerations) { $0.system = nil }
        expect(.switching) { $0.isSwitching = true }
        expect(.knownGood) { $0.isKnownGood = true }
        expect(.notBooted) { $0.isBooted = false }
        expect(.failedBefore) { $0.hasFailedBefore = true }
        expect(.nothingBefore) { $0.hasPrevious = false }
        expect(.stalled) { $0.isStalled = true }
        expect(.notItsFault) { $0.services[0].wasHealthyBefore = false }
        expect(.notDurable) { $0.hasLedger = false }
    }

    @Test("of all combinations exactly one fails, and none does before the time is over")
    func combinations() {
        var failed = 0
        for bits in 0..<512 {
            var facts = Self.broken
            func has(_ bit: Int) -> Bool { bits & (1 << bit) != 0 }
            if has(0) { facts.services[0].standing = .healthy }
            if has(1) { facts.system = nil }
            facts.isSwitching = has(2)
            facts.isKnownGood = has(3)
            facts.isBooted = !has(4)
            facts.hasFailedBefore = has(5)
            facts.hasPrevious = !has(6)
            facts.isStalled = has(7)
            facts.hasLedger = !has(8)
            if facts.judge(isOver: true) == .failed { failed += 1 }
            #expect(facts.judge(isOver: false) != .failed)
        }
        #expect(failed == 1)
    }

    @Test("who is well is not waited for, whatever the generation; a switch is")
    func waits() {
        var facts = Self.broken
        facts.services[0].standing = .healthy
        #expect(facts.judge(isOver: false) == .passed(.healthy))
        facts.isSwitching = true
        #expect(facts.judge(isOver: false) == nil)
        facts = Self.broken
        facts.isKnownGood = true
        #expect(facts.judge(isOver: false) == nil)
    }
}

@Suite("what was to boot and has not") struct MissedBootTests {
    private var landscape: Landscape {
        var landscape = Landscape()
        landscape.generations = [
            Generation(number: 1, path: "/a", date: 10),
            Generation(number: 2, path: "/b", date: 20),
            Generation(number: 3, path: "/b", date: 30),
        ]
        landscape.systems = ["/a", "/b", "/a-s", "/b-s"].map { NixSystem(path: $0) }
        landscape.systems[0].specialisations = [.init(name: "s", path: "/a-s")]
        landscape.systems[1].specialisations = [.init(name: "s", path: "/b-s")]
        landscape.defaultGeneration = 3
        return landscape
    }

    private func missed(
        _ booted: String?, began: Int64 = 100, _ change: (inout Landscape) -> Void = { _ in }
    ) -> Int? {
        var landscape = landscape
        landscape.booted = booted
        change(&landscape)
        return landscape.missedBoot(bootBegan: began)?.number
    }

    @Test("another system than the default's is a missed boot")
    func other() { #expect(missed("/a") == 3) }

    @Test("the default, its specialisations, and other numbers of the same path are none")
    func same() {
        #expect(missed("/b") == nil)
        #expect(missed("/b-s") == nil)
        #expect(missed("/b") { $0.defaultGeneration = 2 } == nil)
    }

    @Test("a specialisation of another generation, or what is in no profile, is one")
    func elsewhere() {
        #expect(missed("/a-s") == 3)
        #expect(missed("/test") == 3)
    }

    @Test("a default that was made during this boot was not to boot yet")
    func younger() {
        #expect(missed("/a", began: 29) == nil)
        #expect(missed("/a", began: 30) == 3)
    }

    @Test("without NixOS, a profile or a booted system nothing is said")
    func nothing() {
        #expect(Landscape().missedBoot(bootBegan: 100) == nil)
        #expect(missed(nil) == nil)
        #expect(missed("/a") { $0.defaultGeneration = nil } == nil)
        #expect(missed("/a") { $0.defaultGeneration = 9 } == nil)
    }
}
