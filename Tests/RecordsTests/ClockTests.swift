import JSON
import Ledger
import Records
import SafeSwitch
import Supervision
import Testing

@Suite("clocks") struct ClockTests {
    private static let id = InstanceID(0)
    private static let process = ProcessIdentity(pid: 9, startTicks: 5)

    private func crash(_ diary: inout Diary) {
        diary.write(.processStarted(Self.id, Self.process, attempt: 1))
        diary.write(
            .processExited(
                Self.id, Self.process, attempt: 1, .code(1), uptime: .seconds(1), asked: false))
        diary.write(
            .restartDecided(Self.id, attempt: 2, rule: .atOnce, wait: .zero, incident: 1))
    }

    private func crashes(_ diary: Diary) throws -> [Instant] {
        try #require(diary.memory.instances["web"]).crashes
    }

    @Test(
        "a step is told with its length, one within a second is not",
        arguments: [
            (Diary.year, true), (-Diary.year, true), (1_000_000_001, true), (-1_000_000_001, true),
            (1_000_000_000, false), (-1_000_000_000, false), (0, false),
        ])
    func steps(by step: Int64, isTold: Bool) {
        let first = Stamp(wall: 1_790_000_000_000_000_000, boot: 5_000_000_000)
        var watch = ClockWatch(last: first)
        let next = Stamp(
            wall: first.wall + 60_000_000_000 + step, boot: first.boot + 60_000_000_000)
        #expect(watch.step(to: next) == (isTold ? step : nil))
        // Told once: from here on the clocks move alike again.
        #expect(watch.step(to: Stamp(wall: next.wall + 5, boot: next.boot + 5)) == nil)
    }

    @Test("without a record of this boot nothing is compared")
    func first() {
        var watch = ClockWatch(last: nil)
        #expect(watch.step(to: Stamp(wall: 0, boot: 7)) == nil)
        #expect(watch.step(to: Stamp(wall: Diary.year, boot: 8)) == Diary.year - 1)
    }

    @Test(
        "clocks that say what they like are no trouble",
        arguments: [(Int64.min, Int64.max), (.max, .min), (.min, .min), (.max, .max)])
    func hostile(wall: Int64, boot: Int64) {
        var watch = ClockWatch(last: Stamp(wall: ~wall, boot: ~boot))
        for stamp in [Stamp(wall: wall, boot: boot), Stamp(wall: boot, boot: wall)] {
            #expect(watch.step(to: stamp).map { $0.magnitude > 1_000_000_000 } ?? true)
        }
        #expect(watch.step(to: Stamp(wall: boot, boot: wall)) == nil)
    }

    @Test(
        "in one boot the wall clock may jump: windows go by the other clock",
        arguments: [Diary.year, -Diary.year])
    func sameBoot(by step: Int64) throws {
        var diary = Diary()
        crash(&diary)
        diary.pass(30 * Diary.second)
        diary.wall += step
        crash(&diary)
        diary.pass(10 * Diary.second)
        #expect(try crashes(diary) == [.seconds(100), .seconds(130)])
    }

    @Test("after a boot crashes are as old as the wall clock says")
    func earlierBoot() throws {
        var diary = Diary()
        crash(&diary)
        diary.pass(30 * Diary.second)
        crash(&diary)
        diary.reboot(after: 20 * Diary.second)
        // 50 and 20 seconds ago, in a boot that is 10 seconds old.
        #expect(try crashes(diary) == [.seconds(-40), .seconds(-10)])
        let memory = try #require(diary.memory.instances["web"])
        #expect(memory.process == nil)
        #expect(memory.isRestarting == false)
    }

    @Test("a clock set back a year makes earlier crashes as new as this boot, never newer")
    func back() throws {
        var diary = Diary()
        for _ in 0..<4 { crash(&diary) }
        diary.reboot(after: -Diary.year)
        #expect(try crashes(diary) == Array(repeating: .seconds(0), count: 4))
        // From there they age like any other.
        diary.pass(61 * Diary.second)
        crash(&diary)
        let window = Instant(nanoseconds: diary.boottime - 60 * Diary.second)
        #expect(try crashes(diary).count == 5)
        #expect(try crashes(diary).last == .seconds(71))
        // A new segment in between makes that age certain, whatever the clock does next.
        let carried = diary.carried(diary.recollection(of: diary.lines))
        diary.wall += Diary.year
        diary.pass(0)
        let kept = diary.memory(of: carried).instances["web"]?.crashes
        #expect(kept?.count == 5)
        #expect(kept?.count { $0 > window } == 1)
    }

    @Test("a clock set forward a year ages earlier crashes out of every window")
    func forward() throws {
        var diary = Diary()
        for _ in 0..<4 { crash(&diary) }
        diary.write(.incidentOpened(Self.id, incident: 1, .exitCode, probe: nil))
        diary.reboot(after: Diary.year)
        let earliest = try #require(try crashes(diary).max())
        #expect(earliest == Instant(nanoseconds: 10 * Diary.second - Diary.year))
        let memory = try #require(diary.memory.instances["web"])
        #expect(memory.incidents.isEmpty, "older than an hour")
        #expect(memory.incident?.id == 1, "an open incident is open however old it is")
    }

    @Test(
        "a clock beyond all reason is no reason to fall over",
        arguments: [Int64.max, Int64.min, 0])
    func absurd(wall: Int64) throws {
        var diary = Diary()
        crash(&diary)
        diary.wall = wall
        crash(&diary)
        diary.write(.incidentOpened(Self.id, incident: 1, .exitCode, probe: nil))
        diary.reboot(after: 0)
        diary.wall = 1_790_000_000 * Diary.second
        #expect(try crashes(diary).allSatisfy { $0 <= .seconds(10) })
        let carried = diary.carried(diary.recollection(of: diary.lines))
        diary.wall = wall
        let memory = try #require(diary.memory(of: carried).instances["web"])
        #expect(memory.crashes.allSatisfy { $0 <= .seconds(10) })
    }

    @Test(
        "numbers that no Regen writes are taken in without falling over",
        arguments: [
            (
                "carry", "\"what\":\"counters\",\"next_incident\":9223372036854775807"
            ),
            (
                "carry",
                "\"service\":\"web\",\"attempt\":9223372036854775807,"
                    + "\"crash_ages_ms\":[9223372036854775807,-9223372036854775807],"
                    + "\"incident\":9223372036854775807,\"incident_age_ms\":-9223372036854775807"
            ),
            ("incident.open", "\"service\":\"web\",\"incident\":9223372036854775807"),
            ("incident.open", "\"service\":\"web\",\"incident\":-9223372036854775807"),
            ("process.start", "\"service\":\"web\",\"attempt\":9223372036854775807"),
            ("process.fail", "\"service\":\"web\",\"attempt\":-9223372036854775807"),
            ("clock.step", "\"by_ms\":9223372036854775807"),
            ("clock.step", "\"by_ms\":9223372036854"),
            (
                "carry",
                "\"what\":\"safeswitch\",\"next_switch\":9223372036854775807,"
                    + "\"rollback_ages_ms\":[9223372036854775807,-9223372036854775807],"
                    + "\"rolled_back\":[9223372036854775807],"
                    + "\"reboot_age_ms\":-9223372036854775807,"
                    + "\"foreign_age_ms\":9223372036854775807,\"probation\":\"/a\","
                    + "\"probation_age_ms\":9223372036854775807,"
                    + "\"for_ms\":9223372036854775807"
            ),
            (
                "carry",
                "\"what\":\"switch\",\"switch\":3,\"purpose\":\"retreat\",\"from\":\"/a\","
                    + "\"to\":\"/b\",\"mode\":\"live\",\"run\":9223372036854775807,"
                    + "\"age_ms\":9223372036854775807"
            ),
            (
                "probation.begin",
                "\"system\":\"/a\",\"generation\":-1,\"for_ms\":9223372036854775807"
            ),
            ("switch.intent", "\"switch\":9223372036854775807"),
        ])
    func hostile(event: String, fields: String) {
        let diary = Diary()
        let line = diary.line(event, Array(fields.utf8))
        let memory = diary.memory(of: [line])
        // There is room to go on counting.
        #expect(memory.nextIncident >= 1 && memory.nextIncident < .max)
        #expect(memory.instances.values.allSatisfy { $0.attempt >= 0 && $0.attempt < .max })
        #expect(diary.carried(diary.recollection(of: [line])).count >= 1)
        let switching = diary.switchMemory(of: [line])
        #expect(switching.nextFlight >= 1 && switching.nextFlight < .max)
    }

    @Test("so are clocks that no machine has") func hostileClocks() {
        for wall in [Int64.min, .max] {
            for boottime in [Int64.min, .max] {
                var diary = Diary()
                diary.write(
                    .generationChanged(from: "/a", to: "/b", generation: 1, by: .other))
                diary.write(.processStarted(InstanceID(0), process, attempt: 1))
                (diary.wall, diary.boottime) = (wall, boottime)
                diary.write(.incidentOpened(InstanceID(0), incident: 1, .hang, probe: nil))
                diary.write(
                    .probationBegan(
                        system: "/b", generation: 1, previous: "/a", previousGeneration: nil,
                        lasts: .hours(1)))
                diary.write(.clockStepped(by: .max))
                diary.reboot(after: 0)
                diary.write(.clockStepped(by: .max))
                #expect(diary.switchMemory.current == "/b")
            }
        }
    }

    private let process = ProcessIdentity(pid: 1, startTicks: 1)
}
