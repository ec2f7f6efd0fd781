import Configuration
import JSON
import SafeSwitch
import Supervision
import Testing

/// SplitMix64: the same numbers on every machine.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Any configuration that the rules allow.
struct Generator {
    var random: Seeded

    init(seed: UInt64) { random = Seeded(state: seed) }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &random) < percent
    }
    mutating func interval(_ range: ClosedRange<Int64>) -> Interval {
        .milliseconds(Int64.random(in: range, using: &random))
    }
    mutating func text() -> String {
        let alphabet: [Character] = [
            "a", "Z", "0", " ", "\"", "\\", "\n", "é", "字", "🙂", "\u{1}", "/",
        ]
        return String(
            (0..<Int.random(in: 0...9, using: &random)).map { _ in
                alphabet.randomElement(using: &random)!
            })
    }
    mutating func path() -> String { "/" + text() }
    mutating func account() -> String {
        ["root", "web-1", "12", "a.b_c$"].randomElement(using: &random)!
    }

    mutating func launch() -> Launch {
        var launch = Launch(command: [path()])
        for _ in 0..<Int.random(in: 0...3, using: &random) { launch.command.append(text()) }
        if chance(50) { launch.user = account() }
        if chance(30) { launch.group = account() }
        if chance(30) {
            launch.groups = (0..<Int.random(in: 0...3, using: &random)).map { _ in account() }
        }
        if chance(30) { launch.directory = path() }
        for n in 0..<Int.random(in: 0...3, using: &random) {
            launch.environment.append(.init("_V\(n)", text()))
        }
        if chance(30) { launch.umask = UInt32.random(in: 0...0o777, using: &random) }
        for resource in Launch.Limit.Resource.allCases where chance(20) {
            let soft = UInt64.random(in: 0...UInt64.max - 1, using: &random)
            let hard = chance(50) ? soft : Launch.Limit.unlimited
            launch.limits.append(.init(resource, soft: soft, hard: hard))
        }
        if chance(30) { launch.oomScoreAdjust = Int.random(in: -1000...1000, using: &random) }
        if chance(30) { launch.nice = Int.random(in: -20...19, using: &random) }
        return launch
    }

    mutating func policy(after names: [String], mayRollBack: Bool) -> ServicePolicy {
        var policy = ServicePolicy()
        if mayRollBack { policy.rollback = RollbackPolicy.allCases.randomElement(using: &random)! }
        policy.restart = RestartPolicy.allCases.randomElement(using: &random)!
        policy.onExit = ExitPolicy.allCases.randomElement(using: &random)!
        policy.backoff = BackoffPolicy(
            quick: interval(1...3_600_000), first: interval(1...1000),
            most: interval(1000...86_400_000),
            clear: interval(1...86_400_000))
        policy.stop = StopPolicy(
            signal: [1, 2, 15, 9, 34, 64].randomElement(using: &random)!,
            grace: interval(0...3_600_000),
            hung: interval(0...3_600_000))
        policy.crashLoop =
            chance(30)
            ? nil
            : CrashLoopPolicy(
                crashes: Int.random(in: 1...100, using: &random), within: interval(100...86_400_000)
            )
        policy.start = StartPolicy(
            timeout: interval(100...86_400_000), retries: Int.random(in: 1...1000, using: &random))
        policy.escalation = EscalationPolicy(attempts: Int.random(in: 1...100, using: &random))
        policy.autostart = chance(50)
        policy.critical = chance(50)
        policy.after = names.filter { _ in chance(30) }
        return policy
    }

    mutating func unit(insteadOf service: ServiceConfiguration) -> ServiceConfiguration {
        let number = Int.random(in: 0...9, using: &random)
        let name = chance(30) ? "w:\(service.name)@*" : "w\(number)@\\x2d-\(service.name)"
        let unit = UnitService(
            name: "\(name).service",
            restarter: chance(50)
                ? nil : UnitService.Restarter.allCases.randomElement(using: &random),
            onStop: UnitService.StopResponse.allCases.randomElement(using: &random)!)
        var policy = service.policy
        // What no unit has.
        (policy.stop, policy.onExit, policy.autostart) = (StopPolicy(), .auto, true)
        return ServiceConfiguration(name: service.name, unit: unit, policy: policy)
    }

    mutating func window() -> MaintenanceWindow {
        let days = (0...6).filter { _ in chance(50) }
        let begin = Int.random(in: 0..<1440, using: &random)
        let end = (0...1440).filter { $0 != begin }.randomElement(using: &random)!
        return MaintenanceWindow(days: days.isEmpty ? [6] : days, begin: begin, end: end)
    }

    mutating func safeSwitch() -> SafeSwitchPolicy {
        var policy = SafeSwitchPolicy(
            mode: SafeSwitchPolicy.Mode.allCases.randomElement(using: &random)!,
            probation: interval(10_000...86_400_000), limit: interval(60_000...2_592_000_000),
            overdue: interval(10_000...86_400_000),
            fence: chance(50) ? Int.random(in: 0...Int(Int32.max), using: &random) : nil,
            allowReboot: chance(50),
            maintenance: (0..<Int.random(in: 0...3, using: &random)).map { _ in window() },
            onExhausted: SafeSwitchPolicy.Exhaustion.allCases.randomElement(using: &random)!)
        if chance(50) { policy.rebootCommand = [path(), text()] }
        return policy
    }

    mutating func watchdog() -> WatchdogPolicy {
        let seconds = Int64.random(in: 10...3600, using: &random)
        return WatchdogPolicy(
            devices: (0..<Int.random(in: 0...8, using: &random)).map { "\(path())\($0)" },
            timeout: .seconds(seconds), ledgerStall: interval(10_000...86_400_000),
            pretimeout: chance(50)
                ? nil : .seconds(Int64.random(in: 1...seconds / 4, using: &random)),
            isTest: chance(50))
    }

    mutating func configuration() -> Configuration {
        let safeSwitch = chance(70) ? safeSwitch() : nil
        let mayRollBack = safeSwitch.map { $0.mode != .off } ?? false
        var services: [ServiceConfiguration] = []
        for n in 0..<Int.random(in: 1...6, using: &random) {
            var service = ServiceConfiguration(
                name: "s.\(n)-_", launch: launch(),
                policy: policy(after: services.map(\.name), mayRollBack: mayRollBack))
            service.log = [
                .inherit, Log.none, .file(path: nil, bound: 4096),
                .file(path: "/l\(n)", bound: 1 << 40),
            ]
            .randomElement(using: &random)!
            if case .file(_?, _) = service.log {
            } else if chance(30) {
                service.instances = Int.random(in: 1...1000, using: &random)
            }
            if chance(30) { addSequence(to: &service) }
            if chance(30) { service = unit(insteadOf: service) }
            addProbes(to: &service)
            if chance(50) { service.remedies = remedies() }
            if chance(30) { service.blamePaths = [path(), path()] }
            services.append(service)
        }
        return Configuration(
            stateDirectory: path(), runtimeDirectory: path(),
            cgroup: [.auto, .off, .path(path())].randomElement(using: &random)!,
            onExit: ExitPolicy.allCases.randomElement(using: &random)!,
            control: .init(allow: chance(50) ? [] : [.uid(7), .name("ops")]), notices: routes(),
            safeSwitch: safeSwitch, watchdog: chance(50) ? watchdog() : nil, services: services)
    }
}

private func canonical(_ configuration: Configuration) -> [UInt8] {
    var json = JSONWriter()
    configuration.canonicalJSON(into: &json)
    return json.bytes
}

@Suite("canonical JSON") struct CanonicalTests {
    @Test("any configuration survives the way through canonical JSON") func roundTrip() throws {
        for seed in 0..<2000 {
            var generator = Generator(seed: UInt64(seed))
            let made = generator.configuration()
            let bytes = canonical(made)
            let read = try Configuration(canonical: bytes)
            #expect(read == made, "seed \(seed)")
            #expect(canonical(read) == bytes, "seed \(seed)")
        }
    }

    @Test("any probe survives the way to a worker") func probe() throws {
        for seed in 0..<2000 {
            var generator = Generator(seed: UInt64(seed))
            let made = generator.probe()
            var json = JSONWriter()
            made.write(into: &json)
            #expect(try Probe(canonical: json.bytes) == made, "seed \(seed)")
        }
    }

    @Test("the longest probes fit into the room that is promised") func longest() throws {
        let (bell, text) = ("\u{7}", String(repeating: "\u{7}", count: Probe.longestText))
        let path = "/" + String(repeating: bell, count: 4094)
        var http = HTTPProbe(url: "http://h/" + String(repeating: "\"", count: 2039))
        http.headers = [.init("X", String(repeating: "é", count: 4093))]
        http.contains = text
        http.matches = String(repeating: bell, count: Probe.longestPattern)
        http.authorities = path
        var command = CommandProbe(
            command: ["/bin/sh", "-c", String(repeating: bell, count: 16 << 10)])
        command.contains = text
        for probe in [Probe(.http(http)), Probe(.command(command))] {
            var json = JSONWriter()
            probe.write(into: &json)
            #expect(json.bytes.count <= Probe.mostCanonicalBytes)
            #expect(try Probe(canonical: json.bytes) == probe)
        }
    }

    @Test(
        "what is not a canonical probe is told",
        arguments: ["", "[]", "{}", #"{"tcp":0}"#, #"{"tcp":1,"http":"http://h"}"#, #""tcp""#])
    func refusedProbe(text: String) {
        #expect(throws: ConfigurationErrors.self) { try Probe(canonical: Array(text.utf8)) }
    }

    @Test("the fingerprint follows the launch and the log and nothing else") func fingerprint() {
        var launch = Launch(command: ["/a", "b"], environment: [.init("A", "1")])
        var service = ServiceConfiguration(name: "a", launch: launch)
        let before = service.fingerprint
        // Written into no file, but two versions of the daemon compare it: it must stay.
        #expect(before == 0x5D38_64B4_8862_42E1, "\(String(before, radix: 16))")
        service.policy.critical = true
        service.instances = 4
        service.name = "b"
        #expect(service.fingerprint == before)
        service.log = .inherit
        #expect(service.fingerprint != before)
        service.log = .standard
        launch.environment[0].value = "2"
        service.keeper = .process(launch)
        #expect(service.fingerprint != before)
    }

    @Test("a changed probe restarts nothing, but notify, of which the environment speaks")
    func probeFingerprint() {
        var service = ServiceConfiguration(name: "a", launch: Launch(command: ["/a"]))
        let before = service.fingerprint
        service.probes = [Probe(.listening(port: 1))]
        service.remedies = [.portConflict, .restart]
        #expect(service.fingerprint == before)
        service.probes.append(Probe(.notify(NotifyProbe())))
        let ready = service.fingerprint
        #expect(ready != before)
        service.probes[1].policy.strikes = 9
        #expect(service.fingerprint == ready)
        service.probes[1].kind = .notify(NotifyProbe(watchdog: .seconds(1)))
        #expect(service.fingerprint != ready && service.fingerprint != before)
    }

    @Test("an earlier start command is part of what is run, a preflight is not")
    func sequenceFingerprint() {
        var service = ServiceConfiguration(
            name: "a", launch: Launch(command: ["/bin/sh", "-c", "b"]))
        service.sequence = StartSequence(start: ["a", "b"])
        let before = service.fingerprint
        service.sequence?.preflight = ["c"]
        #expect(service.fingerprint == before)
        service.sequence?.start[0] = "d"
        #expect(service.fingerprint != before)
    }

    @Test(
        "what is not canonical JSON is told",
        arguments: ["", "{", "[]", "{}", "{\"services\":3}", "\u{0}", "{\"a\":1,\"a\":2}"])
    func refused(text: String) {
        #expect(throws: ConfigurationErrors.self) { try Configuration(canonical: Array(text.utf8)) }
    }

    @Test("a duration's shortest text means the same duration") func durations() {
        for text in ["0ms", "1ms", "250ms", "2s", "90s", "10m", "6h", "1d", "1001ms"] {
            #expect(Interval(configured: text)?.configured == text)
        }
        for text in ["", "s", "-1s", "1.5s", "+1s", " 1s", "1 s", "1us", "0x1s", "106752d", "１s"] {
            #expect(Interval(configured: text) == nil, "\(text)")
        }
    }
}
