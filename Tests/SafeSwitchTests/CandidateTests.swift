import SafeSwitch
import Testing

/// A machine with generations 40 to 42, of which 42 runs; each test changes what it is about.
private func machine(_ change: (inout Landscape) -> Void = { _ in }) -> Landscape {
    var landscape = Landscape()
    landscape.generations = [40, 41, 42].map {
        Generation(number: $0, path: "/nix/store/\($0)", date: 0)
    }
    landscape.systems = landscape.generations.map { NixSystem(path: $0.path) }
    landscape.current = "/nix/store/42"
    landscape.booted = "/nix/store/40"
    change(&landscape)
    return landscape
}

struct CandidateTests {
    @Test("each system stands once, by its highest number, the newest first")
    func order() {
        let landscape = machine {
            $0.generations.append(Generation(number: 43, path: "/nix/store/40", date: 0))
        }
        #expect(landscape.candidates(for: PlanningContext()).map(\.generation) == [43, 42, 41])
    }

    @Test("what is known of a system is said of it")
    func marks() {
        let context = PlanningContext(
            previous: "/nix/store/41", wasHealthyOnPrevious: true, knownGood: ["/nix/store/41"],
            quarantined: ["/nix/store/40"], booted: ["/nix/store/41"], fence: 41)
        let found = machine().candidates(for: context)
        #expect(found.map(\.isRunning) == [true, false, false])
        #expect(found.map(\.isPrevious) == [false, true, false])
        #expect(found.map(\.wasHealthy) == [false, true, false])
        #expect(found.map(\.isKnownGood) == [false, true, false])
        #expect(found.map(\.isQuarantined) == [false, false, true])
        #expect(found.map(\.isFenced) == [false, false, true])
        #expect(found.map(\.wasBooted) == [false, true, true])
    }

    @Test("the Nix profile last-known-good counts as known good")
    func profile() {
        let landscape = machine { $0.knownGoodProfile = "/nix/store/40" }
        let found = landscape.candidates(for: PlanningContext())
        #expect(found.map(\.isKnownGood) == [false, false, true])
    }

    @Test("a system that nothing is known of is missing")
    func missing() {
        let landscape = machine { $0.systems.removeAll { $0.path == "/nix/store/41" } }
        #expect(landscape.candidates(for: PlanningContext())[1].defects == [.missing])
    }

    @Test("inhibitors count where both have the key; the init interface where it is another one")
    func obstacles() {
        let landscape = machine {
            $0.systems[2].inhibitors = [
                .init(key: "dbus-implementation", value: "broker"), .init(key: "only", value: "1"),
            ]
            $0.systems[1].inhibitors = [.init(key: "dbus-implementation", value: "dbus")]
            $0.systems[0].inhibitors = [.init(key: "dbus-implementation", value: "broker")]
            $0.systems[0].initInterface = "2"
        }
        let found = landscape.candidates(for: PlanningContext())
        #expect(found.map(\.inhibitors) == [[], ["dbus-implementation"], []])
        #expect(found.map(\.initDiffers) == [false, false, true])
    }

    @Test("kernels are compared with the booted one, not with the one that was activated last")
    func kernel() {
        let landscape = machine {
            $0.systems[2].kernel.kernel = "/nix/store/linux-6.2"
            $0.systems[1].kernel.kernel = "/nix/store/linux-6.2"
        }
        let found = landscape.candidates(for: PlanningContext())
        #expect(found.map(\.kernelDiffers) == [true, true, false])
    }

    @Test("in a specialisation, back to the one of its name where there is one, else to the parent")
    func specialisation() {
        let landscape = machine {
            for i in [0, 2] {
                let path = $0.systems[i].path + "-quiet"
                $0.systems[i].specialisations = [.init(name: "quiet", path: path)]
                $0.systems.append(NixSystem(path: path))
            }
            $0.current = "/nix/store/42-quiet"
        }
        #expect(landscape.runningSpecialisation == "quiet")
        let found = landscape.candidates(for: PlanningContext())
        #expect(found[0].isRunning)
        #expect(found[1].activated == "/nix/store/41")
        #expect(found[2].activated == "/nix/store/40-quiet")
    }

    @Test("a test build is in no profile: every generation is somewhere to go back to")
    func testBuild() {
        let landscape = machine { $0.current = "/nix/store/unnamed" }
        #expect(landscape.candidates(for: PlanningContext()).allSatisfy { !$0.isRunning })
    }
}

struct MaintenanceTests {
    /// Monday, 1 January 2024, 00:00 UTC.
    private static let monday: Int64 = 1_704_067_200_000_000_000

    private func minutes(_ n: Int64) -> Int64 { Self.monday + n * 60_000_000_000 }

    @Test("a window has a beginning, and an end that is not within it")
    func window() {
        let window = MaintenanceWindow(days: [0], begin: 120, end: 240)
        #expect(!window.contains(wall: minutes(119)))
        #expect(window.contains(wall: minutes(120)))
        #expect(window.contains(wall: minutes(239)))
        #expect(!window.contains(wall: minutes(240)))
        #expect(!window.contains(wall: minutes(1440 + 130)))
    }

    @Test("one that ends before it begins goes over midnight, into a day that it does not name")
    func midnight() {
        let window = MaintenanceWindow(days: [6], begin: 22 * 60, end: 6 * 60)
        #expect(window.contains(wall: minutes(-30)))
        #expect(window.contains(wall: minutes(5 * 60 + 59)))
        #expect(!window.contains(wall: minutes(6 * 60)))
        #expect(!window.contains(wall: minutes(23 * 60)))
    }

    @Test("days before 1970 are in a week, too")
    func negative() {
        // 31 December 1969 was a Wednesday.
        let window = MaintenanceWindow(days: [2], begin: 0, end: 1439)
        #expect(window.contains(wall: -60_000_000_000 * 60))
    }
}
