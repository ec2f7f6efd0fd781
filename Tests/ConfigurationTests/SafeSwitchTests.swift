import Configuration
import SafeSwitch
import Supervision
import Testing

/// The `safeswitch:` of a configuration with these members of it.
private func policy(_ members: String) throws -> SafeSwitchPolicy? {
    try configuration(whole(members)).safeSwitch
}

private func whole(_ members: String, service: String = "") -> String {
    #"{"safeswitch":{\#(members)},"services":{"a":{"command":["/a"],"user":"a"\#(service)}}}"#
}

private func warnings(_ json: String) throws -> [String] {
    var warnings: [ConfigurationError] = []
    _ = try configuration(json, warnings: &warnings)
    return warnings.map { "\($0)" }
}

@Suite("the configuration of SafeSwitch") struct SafeSwitchTests {
    @Test("without its key nothing of it happens, and with it the defaults do") func defaults()
        throws
    {
        #expect(try configuration(#"{"services":{"a":{"command":["/a"]}}}"#).safeSwitch == nil)
        #expect(
            try configuration(#"{"safeswitch":null,"services":{"a":{"command":["/a"]}}}"#)
                .safeSwitch == nil)
        #expect(try policy("") == SafeSwitchPolicy())
    }

    @Test("its keys arrive at their values") func keys() throws {
        let read = try policy(
            #"""
            "policy":"propose","probation":"5m","limit":"1d","overdue":"1h",
            "fence":120,"allow_reboot":true,
            "maintenance":["Sun 02:00-04:00"],"on_exhausted":"reboot-into-known-good",
            "reboot_command":["/bin/reboot","-f"]
            """#)
        #expect(
            read
                == SafeSwitchPolicy(
                    mode: .propose, probation: .minutes(5), limit: .hours(24), overdue: .hours(1),
                    fence: 120,
                    allowReboot: true,
                    maintenance: [MaintenanceWindow(days: [6], begin: 120, end: 240)],
                    onExhausted: .rebootIntoKnownGood, rebootCommand: ["/bin/reboot", "-f"]))
    }

    @Test(
        "a window is a time of the week",
        arguments: [
            ("22:00-06:00", Array(0...6), 1320, 360), ("00:00-24:00", Array(0...6), 0, 1440),
            ("Mon-Fri 09:00-17:00", Array(0...4), 540, 1020),
            ("Sat-Mon 00:30-00:31", [0, 5, 6], 30, 31),
            ("Mon,Wed-Thu,Sun 23:59-00:00", [0, 2, 3, 6], 1439, 0),
            ("Tue,Tue 01:00-02:00", [1], 60, 120),
        ])
    func window(text: String, days: [Int], begin: Int, end: Int) throws {
        let read = try policy(#""maintenance":["\#(text)"]"#)
        #expect(read?.maintenance == [MaintenanceWindow(days: days, begin: begin, end: end)])
    }

    @Test(
        "what is no time of the week is told",
        arguments: [
            "", "Sun", "sun 02:00-04:00", "Sun 2:00-04:00", "Sun 02:00", "Sun  02:00-04:00",
            "24:00-01:00", "00:60-01:00", "00:00-24:01", "Sun, 02:00-04:00", "-Sun 02:00-04:00",
            "Mon-Tue-Wed 02:00-04:00", "02:00-03:00-04:00", "Sun 02:00-04:00 UTC", "+1:00-02:00",
        ])
    func noWindow(text: String) throws {
        let found = try errors(whole(#""maintenance":["\#(text)"]"#))
        #expect(found.count == 1)
        #expect(
            found[0].hasPrefix("safeswitch.maintenance[0]: '\(text)' is not a time of the week"))
    }

    @Test("a window that ends when it begins could mean all or nothing, and is refused")
    func emptyWindow() throws {
        #expect(
            try errors(whole(#""maintenance":["10:00-10:00"]"#)) == [
                "safeswitch.maintenance[0]: '10:00-10:00' ends when it begins; "
                    + "write 00:00-24:00 for whole days"
            ])
    }

    @Test(
        "a wrong value is told",
        arguments: [
            (#""policy":"auto""#, "policy: 'auto' is not one of automatic, propose, off"),
            (#""polcy":"off""#, "did you mean 'policy'?"),
            (#""probation":"9s""#, "probation: 9s is outside of the allowed range 10s to 1d"),
            (#""limit":"59s""#, "limit: 59s is outside of the allowed range 1m to 30d"),
            (#""overdue":"9s""#, "overdue: 9s is outside of the allowed range 10s to 1d"),
            (#""fence":-1"#, "fence: -1 is outside of the allowed range"),
            (#""allow_reboot":"yes""#, "allow_reboot: 'yes' is neither true nor false"),
            (#""on_exhausted":"reboot""#, "is not one of stay, reboot-into-known-good"),
            (#""reboot_command":"reboot""#, "a list is needed"),
            (
                #""reboot_command":["reboot"]"#,
                "reboot_command[0]: 'reboot' is not an absolute path"
            ),
            (#""reboot_command":[]"#, "1 to 32 elements are allowed"),
        ])
    func wrong(members: String, message: String) throws {
        let found = try errors(whole(members))
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test("more windows and words than fit are refused") func bounds() throws {
        let window = #""22:00-06:00""#
        func list(_ count: Int, _ element: String) -> String {
            "[" + Array(repeating: element, count: count).joined(separator: ",") + "]"
        }
        let most = MaintenanceWindow.mostWindows
        #expect(try errors(whole("\"maintenance\":\(list(most, window))")).isEmpty)
        #expect(try errors(whole("\"maintenance\":\(list(most + 1, window))")).count == 1)
        #expect(try errors(whole(#""reboot_command":\#(list(32, #""/a""#))"#)).isEmpty)
        #expect(try errors(whole(#""reboot_command":\#(list(33, #""/a""#))"#)).count == 1)
        let long = String(repeating: "x", count: 16 << 10)
        #expect(try errors(whole(#""reboot_command":["/a","\#(long)"]"#)).count == 1)
        let paths = ServiceConfiguration.mostBlamePaths
        func service(_ count: Int) -> String {
            whole("", service: #","blame_paths":\#(list(count, #""/p""#))"#)
        }
        #expect(try errors(service(paths)).isEmpty)
        #expect(try errors(service(paths + 1)).count == 1)
    }

    @Test("off is a word, and JSON may say false", arguments: [#""off""#, "false"])
    func off(value: String) throws {
        #expect(try policy(#""policy":\#(value)"#)?.mode == .off)
    }

    @Test("a service's wish counts only where SafeSwitch does not keep out") func rollback() throws
    {
        func wishes(_ top: String) throws -> [RollbackPolicy] {
            let services = #""a":{"command":["/a"]},"b":{"command":["/b"],"rollback":"always"}"#
            return try configuration(#"{\#(top)"services":{\#(services)}}"#).services.map {
                $0.policy.rollback
            }
        }
        #expect(try wishes("") == [.never, .never])
        #expect(try wishes(#""safeswitch":{"policy":"off"},"#) == [.never, .never])
        #expect(try wishes(#""safeswitch":{},"#) == [.auto, .always])
        #expect(try wishes(#""safeswitch":{"policy":"propose"},"#) == [.auto, .always])
        #expect(
            try wishes(#""safeswitch":{},"defaults":{"rollback":"propose"},"#)
                == [.propose, .always])
    }

    @Test("the paths that are looked at are the service's own") func blamePaths() throws {
        #expect(
            try service(#""blame_paths":["/etc/web","/srv/web"]"#).blamePaths == [
                "/etc/web", "/srv/web",
            ])
        #expect(try service("").blamePaths == [])
        #expect(
            try errors(whole("", service: #","blame_paths":["etc"]"#)) == [
                "services.a.blame_paths[0]: 'etc' is not an absolute path; begin it with /"
            ])
    }

    @Test(
        "what cannot be meant is worth a second look",
        arguments: [
            (
                #""on_exhausted":"reboot-into-known-good""#,
                "on_exhausted: the machine is not rebooted"
            ),
            (#""fence":0"#, "fence: a fence at 0 keeps nothing out"),
            (#""fence":1"#, "fence: a fence at 1 keeps nothing out"),
            (#""limit":"5m""#, "limit: 'limit' (5m) is shorter than 'probation' (10m)"),
            (#""probation":"7h""#, "safeswitch: 'limit' (6h) is shorter than 'probation' (7h)"),
        ])
    func doubtful(members: String, message: String) throws {
        let found = try warnings(whole(members))
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test("a wish that nobody will follow is worth a second look") func unheard() throws {
        let text = { (wish: String) in
            #"{"services":{"a":{"command":["/a"],"user":"a","rollback":"\#(wish)"}}}"#
        }
        #expect(
            try warnings(text("auto")) == [
                "services.a.rollback: SafeSwitch is off, so that nothing is rolled back; "
                    + "write 'safeswitch: { policy: automatic }' at the top level"
            ])
        #expect(try warnings(text("never")) == [])
        #expect(try warnings(whole(#""policy":"off""#, service: #","rollback":"auto""#)).count == 1)
        #expect(try warnings(whole("", service: #","rollback":"auto""#)) == [])
        #expect(
            try warnings(
                whole(#""on_exhausted":"reboot-into-known-good","allow_reboot":true,"fence":2"#))
                == [])
    }
}
