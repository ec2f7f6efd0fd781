import Configuration
import Daemon
import Supervision
import Systemd
import Testing

/// A unit that was up from second 10 to second 20; its main process is told of in `change`.
private func state(_ change: (inout UnitState) -> Void = { _ in }) -> UnitState {
    var state = UnitState()
    state.id = "web.service"
    state.loadState = "loaded"
    state.activeState = "failed"
    state.invocation = "00112233445566778899aabbccddeeff"
    state.type = "simple"
    state.restart = "no"
    state.result = "success"
    state.inactiveLeft = 9_000_000
    state.activeEntered = 10_000_000
    state.mainBegan = 9_500_000
    state.activeLeft = 20_000_000
    state.inactiveEntered = 21_000_000
    change(&state)
    return state
}

private func sight(
    _ unit: UnitService = UnitService(name: "web.service"),
    _ change: (inout UnitState) -> Void = { _ in }
) -> UnitSight {
    UnitSight(state(change), of: unit, process: nil, clockOffset: 1_000)
}

@Suite("what is seen of a unit") struct UnitSightTests {
    @Test(
        "systemd's words for where it stands",
        arguments: [
            ("active", .active), ("reloading", .active), ("refreshing", .active),
            ("activating", .activating), ("deactivating", .deactivating), ("inactive", .inactive),
            ("failed", .failed), ("maintenance", .inactive), ("", .missing),
        ] as [(String, UnitSight.Activity)])
    func activity(word: String, activity: UnitSight.Activity) {
        #expect(sight { $0.activeState = word }.activity == activity)
    }

    @Test("a unit without a file is missing, unless it is up", arguments: ["not-found", "masked"])
    func missing(load: String) {
        for word in ["inactive", "failed"] {
            let seen = sight { ($0.loadState, $0.activeState) = (load, word) }
            #expect(seen.activity == .missing)
        }
        let seen = sight { ($0.loadState, $0.activeState) = (load, "active") }
        #expect(seen.activity == .active)
    }

    @Test("since when, on the loop's clock")
    func since() {
        func since(_ word: String) -> Int64 { sight { $0.activeState = word }.since.nanoseconds }
        #expect(since("activating") == 9_000_001_000)
        #expect(since("active") == 10_000_001_000)
        #expect(since("deactivating") == 20_000_001_000)
        #expect(since("failed") == 21_000_001_000)
        #expect(sight { $0.inactiveEntered = 0 }.since.nanoseconds == 0)
        #expect(sight { $0.inactiveEntered = .max }.since.nanoseconds == 0)
    }

    @Test("the run's id")
    func invocation() {
        let run = sight().invocation
        #expect(run == .init(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF))
        #expect(sight { $0.invocation = "" }.invocation == .init())
    }

    @Test("how the main process ended")
    func exit() {
        #expect(sight().exit == nil)
        #expect(sight { ($0.exitCode, $0.exitStatus) = (1, 3) }.exit == .code(3))
        #expect(
            sight { ($0.exitCode, $0.exitStatus) = (2, 9) }.exit == .signal(9, outOfMemory: false))
        #expect(
            sight { ($0.exitCode, $0.exitStatus) = (3, 11) }.exit == .signal(11, outOfMemory: false)
        )
        let killed = sight { ($0.exitCode, $0.exitStatus, $0.result) = (2, 9, "oom-kill") }
        #expect(killed.exit == .signal(9, outOfMemory: true))
    }

    @Test("a unit that left `active` before its process ended was stopped, even if it ended badly")
    func stopped() {
        for result in ["success", "exit-code", "signal", "core-dump", "timeout"] {
            let seen = sight { ($0.mainEnded, $0.result) = (20_500_000, result) }
            #expect(seen.wasStopped, "\(result)")
            #expect(seen.isFailure == (result != "success"))
        }
        let onTheWay = sight { ($0.activeState, $0.mainEnded) = ("deactivating", 0) }
        #expect(onTheWay.wasStopped)
    }

    @Test("a process that ended before its unit left `active` was not stopped")
    func crashed() {
        for ended in [19_999_000, 20_000_000] as [UInt64] {
            for result in ["success", "exit-code", "signal"] {
                #expect(!sight { ($0.mainEnded, $0.result) = (ended, result) }.wasStopped)
            }
        }
    }

    @Test(
        "what systemd ends for a failure of the unit's own was not stopped",
        arguments: ["watchdog", "oom-kill", "start-limit-hit", "resources", "protocol"])
    func complaints(result: String) {
        let seen = sight { ($0.mainEnded, $0.result) = (20_500_000, result) }
        #expect(!seen.wasStopped)
        #expect(seen.isFailure)
    }

    @Test("a run that was as long as RuntimeMaxSec= allows was not stopped; a shorter one was")
    func timeout() {
        func wasStopped(_ longest: UInt64) -> Bool {
            sight {
                ($0.mainEnded, $0.result, $0.longestRun) = (20_500_000, "timeout", longest)
            }.wasStopped
        }
        #expect(!wasStopped(10_000_000))
        #expect(wasStopped(10_000_001))
        #expect(wasStopped(.max))
        #expect(wasStopped(0))
    }

    @Test(
        "what is up, or comes up, is not stopped, whatever was before",
        arguments: ["active", "activating"])
    func up(word: String) {
        #expect(!sight { ($0.activeState, $0.mainEnded) = (word, 20_500_000) }.wasStopped)
    }

    @Test("never up is never stopped, and a start that failed later is no stop")
    func neverUp() {
        #expect(!sight { ($0.activeLeft, $0.mainEnded) = (0, 9_600_000) }.wasStopped)
        let again = sight {
            ($0.mainBegan, $0.mainEnded, $0.result) = (30_000_000, 30_500_000, "exit-code")
        }
        #expect(!again.wasStopped)
    }

    @Test("stopped while it waited for systemd's next attempt: failed, and not called so")
    func stoppedInBetween() {
        let seen = sight {
            ($0.activeState, $0.mainEnded, $0.result) = ("inactive", 19_000_000, "exit-code")
        }
        #expect(seen.wasStopped)
    }

    @Test("without a main process only a job takes it down, unless systemd calls that a failure")
    func noMain() {
        #expect(sight { $0.mainBegan = 0 }.wasStopped)
        #expect(!sight { ($0.mainBegan, $0.result) = (0, "exit-code") }.wasStopped)
        let remaining = sight { ($0.remainsAfterExit, $0.mainEnded) = (true, 11_000_000) }
        #expect(remaining.wasStopped)
    }

    @Test("a condition that does not hold is no failure")
    func condition() {
        #expect(!sight { $0.result = "exec-condition" }.isFailure)
        #expect(!sight { $0.result = "" }.isFailure)
        #expect(sight { $0.result = "exit-code" }.isFailure)
    }

    @Test("who starts it again: the unit says, unless the configuration does")
    func starter() {
        func starter(_ restarter: UnitService.Restarter?, _ restart: String) -> Starter {
            sight(UnitService(name: "web.service", restarter: restarter)) { $0.restart = restart }
                .starter
        }
        #expect(starter(nil, "no") == .regen)
        #expect(starter(nil, "on-failure") == .systemd)
        #expect(starter(.regen, "always") == .regen)
        #expect(starter(.systemd, "no") == .systemd)
    }

    @Test("nobody starts what is another's to start, whatever is configured")
    func nobody() {
        let changes: [(inout UnitState) -> Void] = [
            { $0.type = "oneshot" }, { $0.triggeredBy = ["web.socket"] },
            { $0.startLimitAction = "reboot" }, { $0.failureAction = "poweroff" },
        ]
        for change in changes {
            for restarter in [nil, .regen, .systemd] as [UnitService.Restarter?] {
                let unit = UnitService(name: "web.service", restarter: restarter)
                #expect(sight(unit, change).starter == .nobody)
            }
        }
        #expect(
            sight { ($0.startLimitAction, $0.failureAction) = ("none", "none") }.starter == .regen)
    }

    @Test("the bus starts what stands for a name on it, unless the configuration says who")
    func bus() {
        func starter(_ restarter: UnitService.Restarter?) -> Starter {
            sight(UnitService(name: "web.service", restarter: restarter)) { $0.type = "dbus" }
                .starter
        }
        #expect(starter(nil) == .nobody)
        #expect(starter(.regen) == .regen)
    }
}

@Suite("names of units") struct UnitNamesTests {
    private func isConfigurable(_ name: String) -> Bool {
        let escaped = name.replacing("\\", with: "\\\\")
        let json = #"{"services":{"web":{"unit":"\#(escaped)"}}}"#
        return (try? Configuration(canonical: Array(json.utf8))) != nil
    }

    @Test(
        "the configuration and the bus agree on what is one",
        arguments: [
            "a.service", "-.service", "0.service", "a@b.service", "a@b@c.service",
            "a:b_c.d-e.service",
            #"a\x2Db.service"#, #"a@\x5cx.service"#, "w@*.service", #"w\x20x@*.service"#,
            "@.service",
            "a@.service", "*.service", "a*.service", "w@a*.service", "w@*a.service", "@*.service",
            "w@x@*.service",
            "a b.service", "ä.service", #"a\.service"#, #"a\x2.service"#, #"a\xgg.service"#,
            ".service",
            "a%b.service", "a/b.service", String(repeating: "a", count: 247) + ".service",
            String(repeating: "a", count: 248) + ".service",
        ])
    func agree(name: String) {
        #expect(isConfigurable(name) == (UnitName(name) != nil || UnitPattern(name) != nil))
    }
}
