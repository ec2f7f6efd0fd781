import JSON
import NixOS
import SafeSwitch
import Testing

@Suite("the words between the daemon and its child")
struct WireTests {
    private static let question = Question(
        subject: Subject(
            service: "web", unit: "web.service", paths: ["/run/current-system/sw/bin/web", ""],
            formerPaths: ["/etc/wäb \"x\"\n"]), before: "/nix/store/a", after: "/nix/store/b")

    private static let orders: [SystemOrder] = [
        .survey(nil, also: nil), .survey(question, also: nil),
        .survey(nil, also: "/nix/store/new"), .survey(question, also: "/nix/store/new"),
        .survey(
            Question(subject: Subject(service: "x"), before: "", after: ""), also: ""),
        .deed(.setProfile(generation: 41, path: "/nix/store/a")),
        .deed(.addGeneration(path: "/nix/store/a")), .deed(.markKnownGood(path: "/nix/store/a")),
        .deed(.reboot(command: ["systemctl", "reboot"])), .deed(.reboot(command: [])),
    ]

    private static let comparison: Comparison = {
        var comparison = Comparison()
        comparison.unit = .same
        comparison.closure = .differs
        comparison.kernel = .gone
        comparison.systemd = .new
        comparison.paths = Difference.allCases.map {
            .init(path: "/\($0)", difference: $0, before: $0 == .new ? nil : "/b", after: "/a")
        }
        return comparison
    }()

    private static func system(_ index: Int) -> NixSystem {
        var system = NixSystem(path: "/nix/store/\(index)-nixos-system-a-rather-long-host-name")
        system.version = "26.05.20261121.0123abc"
        system.kernelVersion = "6.12.\(index)"
        system.revision = "0123456789012345678901234567890123456789"
        system.kernel = .init(
            kernel: "/nix/store/01234567890123456789012345678901-linux-6.12.1/bzImage",
            initrd: "/nix/store/01234567890123456789012345678901-initrd-linux-6.12.1/initrd",
            modules: "/nix/store/01234567890123456789012345678901-kernel-modules")
        system.systemd = "/nix/store/01234567890123456789012345678901-systemd-258"
        system.initInterface = "systemd 2"
        system.inhibitors = [.init(key: "dbus-implementation", value: "broker")]
        system.defects = index == 0 ? NixSystem.Defect.allCases : []
        system.specialisations = (0..<4).map {
            .init(name: "variant-\($0)", path: "/nix/store/\(1000 + index * 4 + $0)-nixos-system")
        }
        return system
    }

    private static let landscape: Landscape = {
        var landscape = Landscape()
        landscape.generations = (0..<Landscape.mostGenerations).map {
            Generation(number: $0 + 1, path: system($0).path, date: 1_790_000_000)
        }
        landscape.systems = (0..<Landscape.mostGenerations).map { system($0) }
        landscape.defaultGeneration = 7
        landscape.current = "/nix/store/0-nixos-system"
        landscape.booted = "/nix/store/1-nixos-system"
        landscape.knownGoodProfile = "/nix/store/2-nixos-system"
        landscape.switchHolder = 1234
        landscape.profileHolder = 0
        landscape.bootSpace = .max
        return landscape
    }()

    private static let reports: [SystemReport] = [
        .landscape(Landscape(), nil), .landscape(Landscape(), Comparison()),
        .landscape(landscape, comparison), .outcome(.done),
        .outcome(.failed("no space left on device", isTransient: true)),
        .outcome(.failed("", isTransient: false)),
    ]

    @Test("an order comes out as it went in, as one line", arguments: orders)
    func order(_ order: SystemOrder) throws {
        let line = try #require(order.line)
        #expect(line.firstIndex(of: 10) == line.count - 1)
        #expect(SystemOrder(line: line.dropLast()) == order)
        #expect(SystemReport(line: line.dropLast()) == nil)
    }

    @Test("a report comes out as it went in, as one line", arguments: reports)
    func report(_ report: SystemReport) throws {
        let line = try #require(report.line)
        #expect(line.firstIndex(of: 10) == line.count - 1)
        #expect(SystemReport(line: line.dropLast()) == report)
        #expect(SystemOrder(line: line.dropLast()) == nil)
    }

    @Test("what is missing, more, twice or of the wrong kind is refused")
    func strict() {
        let orders = [
            "", "null", "[]", "{}", #"{"order":"dance"}"#, #"{"order":1}"#,
            #"{"order":"survey","more":1}"#, #"{"order":"survey","order":"survey"}"#,
            #"{"order":"survey","question":null}"#, #"{"order":"survey","question":{}}"#,
            #"{"order":"survey","question":{"service":"a","before":"b","after":1}}"#,
            #"{"order":"survey","question":{"service":"a","before":"b","after":"c","paths":[1]}}"#,
            #"{"order":"deed"}"#, #"{"order":"deed","deed":{"do":"reboot","command":"x"}}"#,
            #"{"order":"deed","deed":{"do":"set-profile","path":"/a"}}"#,
            #"{"order":"deed","deed":{"do":"set-profile","generation":1.5,"path":"/a"}}"#,
            #"{"order":"deed","deed":{"do":"add-generation","path":"/a","generation":1}}"#,
            #"{"order":"survey"} {}"#,
        ]
        for order in orders { #expect(SystemOrder(line: Array(order.utf8)) == nil, "\(order)") }
        let reports = [
            #"{"report":"done","text":"x"}"#, #"{"report":"failed","text":"x"}"#,
            #"{"report":"failed","text":"x","transient":1}"#, #"{"report":"landscape"}"#,
            #"{"report":"landscape","landscape":{"default":"x"}}"#,
            #"{"report":"landscape","landscape":{"switch_holder":5000000000}}"#,
            #"{"report":"landscape","landscape":{"systems":[{}]}}"#,
            #"{"report":"landscape","landscape":{"systems":[{"path":"a","defects":["odd"]}]}}"#,
            #"{"report":"landscape","landscape":{},"comparison":{}}"#,
        ]
        for report in reports {
            #expect(SystemReport(line: Array(report.utf8)) == nil, "\(report)")
        }
    }

    @Test("a landscape of 128 generations with specialisations is far from the bound")
    func size() throws {
        var landscape = Self.landscape
        landscape.systems += (0..<512).map { Self.system(1000 + $0) }
        let line = try #require(SystemReport.landscape(landscape, Self.comparison).line)
        #expect(line.count < SystemReport.longestLine)
    }

    @Test("of a landscape that is too long the oldest generations are left out, never what runs")
    func tooLong() throws {
        var landscape = Self.landscape
        let long = String(repeating: "x", count: 16 << 10)
        for index in landscape.systems.indices { landscape.systems[index].version = long }
        landscape.current = landscape.systems[0].path
        var asked = landscape.systems[1]
        asked.path = "/nix/store/in-no-profile"
        landscape.systems.append(asked)
        #expect(SystemReport.landscape(landscape, nil).line == nil)
        let line = try #require(SystemReport.line(landscape, nil))
        guard case .landscape(let told, nil)? = SystemReport(line: line.dropLast()) else {
            Issue.record("no landscape")
            return
        }
        #expect(told.generations == landscape.generations.suffix(32))
        #expect(told.systems.count == 34 && told.systems.last == asked)
        #expect(told.current == landscape.current && told.systems[0] == landscape.systems[0])

        landscape.generations = []
        landscape.current = long + long
        landscape.systems[0].path = long + long
        landscape.systems[0].version = String(repeating: long, count: 64)
        #expect(SystemReport.line(landscape, nil) == nil)
    }

    @Test("an order that is too long is none")
    func longOrder() {
        let path = String(repeating: "x", count: SystemOrder.longestLine)
        #expect(SystemOrder.deed(.addGeneration(path: path)).line == nil)
        #expect(SystemOrder(line: Array(path.utf8)) == nil)
    }

    @Test("a line with bytes changed is refused, or means something that can be written again")
    func mutations() throws {
        var small = Landscape()
        small.generations = Array(Self.landscape.generations.prefix(2))
        small.systems = [Self.system(0)]
        small.bootSpace = .max
        let lines =
            try Self.orders.map { try #require($0.line) }
            + [SystemReport.landscape(small, Self.comparison), .outcome(.done)].map {
                try #require($0.line)
            }
        var random = Seeded(state: 7)
        var understood = 0
        for _ in 0..<20_000 {
            var line = lines[Int(random.next() % UInt64(lines.count))]
            for _ in 0...random.next() % 3 {
                let place = Int(random.next() % UInt64(line.count))
                switch random.next() % 4 {
                case 0: line.remove(at: place)
                case 1: line.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
                case 2: line[place] = UInt8(truncatingIfNeeded: random.next())
                default: line[place] = line[Int(random.next() % UInt64(line.count))]
                }
            }
            if let order = SystemOrder(line: line) {
                understood += 1
                #expect(SystemOrder(line: order.line ?? []) == order)
            }
            if let report = SystemReport(line: line) {
                understood += 1
                #expect(SystemReport(line: report.line ?? []) == report)
            }
        }
        #expect(understood > 1000)
    }
}

/// A generator whose numbers are the same in every run (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
