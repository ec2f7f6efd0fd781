import Configuration
import Supervision
import Testing

@Suite("a service that is a unit of systemd") struct UnitTests {
    private func read(_ members: String, defaults: String = "{}") throws -> ServiceConfiguration {
        try configuration(#"{"defaults":\#(defaults),"services":{"web":{\#(members)}}}"#)
            .services[0]
    }

    private func complaints(_ members: String) throws -> [String] {
        try errors(#"{"services":{"web":{\#(members)}}}"#)
    }

    @Test("a name is enough: only failures are healed, and a stop is respected") func defaults()
        throws
    {
        let web = try read(#""unit":"nginx.service""#)
        #expect(web == ServiceConfiguration(name: "web", unit: UnitService(name: "nginx.service")))
        #expect(web.unit?.restarter == nil)
        #expect(web.unit?.onStop == .respect)
        #expect(web.policy.restart == .onFailure)
        #expect(web.launch == nil)
        #expect(web.instanceNames == ["web"])
        #expect(web.fingerprint == 0)
    }

    @Test("what is set is read, and what all services share holds for units, too") func everyKey()
        throws
    {
        let web = try read(
            #"""
            "unit":"nginx.service","restarts":"regen","on_stop":"heal","critical":true,
            "probes":[{"tcp":80},{"command":["/bin/true"]}],"remedies":["restart"],"start":{"timeout":"5s"}
            """#, defaults: #"{"restart":"always","on_exit":"leave","stop":{"grace":"1s"}}"#)
        #expect(
            web.unit == UnitService(name: "nginx.service", restarter: .regen, onStop: .heal))
        #expect(web.policy.restart == .always)
        #expect(web.policy.critical)
        #expect(web.policy.start.timeout == .seconds(5))
        #expect(web.probes.count == 2)
        // systemd's business, whatever other services do.
        #expect(web.policy.onExit == .auto)
        #expect(web.policy.stop == StopPolicy())
    }

    @Test("a template's pattern has instances that no configuration knows") func pattern() throws {
        let workers = try read(#""unit":"worker@*.service""#)
        #expect(workers.unit?.isPattern == true)
        #expect(workers.instanceNames.isEmpty)
    }

    @Test(
        "names of units",
        arguments: ["a.service", "a@b.service", "a:b_c.d@*.service", #"a\\x2db.service"#])
    func named(name: String) throws {
        #expect(try complaints(#""unit":"\#(name)""#).isEmpty)
    }

    @Test(
        "what is no unit, or not a service's, is refused",
        arguments: [
            ("nginx", "is not the name of a service's unit; write it with its type"),
            ("nginx.socket", "is not the name of a service's unit"),
            ("worker@.service", "is a template and no unit; write worker@*.service"),
            ("*.service", "is not the name of a unit"),
            ("w*.service", "is not the name of a unit; '*' stands"),
            ("w@a*.service", "'*' stands for all instances of a template only"),
            ("a b.service", "is not the name of a unit"), (".service", "is not the name of a unit"),
            ("@a.service", "is not the name of a unit"),
            ("a\\\\xg0.service", "is not the name of a unit"),
        ])
    func misnamed(name: String, message: String) throws {
        let found = try complaints(#""unit":"\#(name)""#)
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test(
        "what makes no sense for a unit is refused, and why is said",
        arguments: [
            (#""command":["/a"]"#, "a service is a unit or a process, not both"),
            (#""run":{"start":"a"}"#, "a service is a unit or a process, not both"),
            (#""user":"www""#, "systemd makes the unit's process; set it in the unit's own file"),
            (#""environment":{"A":"1"}"#, "systemd makes the unit's process"),
            (#""limits":{"nofile":1}"#, "systemd makes the unit's process"),
            (#""instances":2"#, "for all instances of a template write 'unit: worker@*.service'"),
            (#""log":"none""#, "what a unit prints goes to the journal"),
            (#""stop":{"grace":"1s"}"#, "set KillSignal= and TimeoutStopSec="),
            (#""on_exit":"stop""#, "a unit stays as it is when regend ends"),
            (#""autostart":false"#, "Regen starts no unit that was not up"),
            (#""restarts":"always""#, "'always' is not one of systemd, regen"),
            (#""on_stop":"start""#, "'start' is not one of respect, heal"),
            (#""probes":[{"notify":{}}]"#, "a unit tells systemd how it is, not Regen"),
        ])
    func foreign(member: String, message: String) throws {
        let found = try complaints(#""unit":"a.service",\#(member)"#)
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test("what only a unit has is refused for a process") func processes() throws {
        for key in [#""restarts":"regen""#, #""on_stop":"heal""#] {
            let found = try complaints(#""command":["/a"],"user":"a",\#(key)"#)
            #expect(found.count == 1 && found[0].contains("only a 'unit' has it"), "\(found)")
        }
    }

    @Test("two services cannot look after one unit") func twice() throws {
        let found = try errors(
            #"{"services":{"a":{"unit":"x.service"},"b":{"unit":"x.service"}}}"#)
        #expect(found.count == 1 && found[0].contains("x.service belongs to a already"))
    }

    @Test("more units than may be watched are refused") func bound() throws {
        func whole(_ count: Int) -> String {
            let units = (0..<count).map { #""s\#($0)":{"unit":"u\#($0).service"}"# }
            return #"{"services":{\#(units.joined(separator: ","))}}"#
        }
        #expect(try errors(whole(Configuration.mostUnits)).isEmpty)
        #expect(try errors(whole(Configuration.mostUnits + 1)).count == 1)
    }
}
