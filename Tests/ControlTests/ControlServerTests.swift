import Control
import JSON
import Linux
import Testing

@Suite("the control server") struct ControlServerTests {
    @Test("a call arrives with its parameters and its answer goes back") func answers() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.Status", #"{"service":"web"}"#)
        let call = try loop.call()
        #expect(call.request == .status(service: "web"))
        #expect(call.peer.uid == PeerCredentials.ownUser)
        #expect(!call.wantsMore)
        loop.server.reply(to: call.id, at: 0) { $0.object { $0.string("answer", "yes") } }
        #expect(try client.answer(loop)["parameters"]?["answer"]?.string == "yes")
        #expect(loop.server.connectionCount == 1)
    }

    @Test(
        "each method's parameters are checked",
        arguments: [
            ("Status", "{}", ControlRequest.status(service: nil)),
            ("Status", #"{"service":null}"#, .status(service: nil)),
            ("Start", #"{"services":["a","b"]}"#, .start(["a", "b"])),
            ("Stop", #"{"services":["a"]}"#, .stop(["a"])),
            ("Restart", #"{"services":["a"]}"#, .restart(["a"])),
            ("Heal", #"{"services":["a","b@1"]}"#, .heal(["a", "b@1"])),
            ("Pause", #"{"services":["a"]}"#, .pause(["a"], milliseconds: 3_600_000)),
            (
                "Pause", #"{"services":["a"],"for_ms":null}"#,
                .pause(["a"], milliseconds: 3_600_000)
            ),
            ("Pause", #"{"services":["a"],"for_ms":1000}"#, .pause(["a"], milliseconds: 1000)),
            (
                "Pause", #"{"services":["a"],"for_ms":2592000000}"#,
                .pause(["a"], milliseconds: 2_592_000_000)
            ),
            ("Resume", #"{"services":["a"]}"#, .resume(["a"])),
            ("Probe", #"{"service":"a"}"#, .probe(service: "a")),
            ("Reload", "{}", .reload),
            ("Reload", "null", .reload),
            ("StopAll", "{}", .stopAll),
            ("LogPath", #"{"service":"a"}"#, .logPath(service: "a")),
            ("Generations", "{}", .generations),
            ("PlanRollback", "{}", .planRollback(.anywhere)),
            ("PlanRollback", #"{"to":7,"known_good":false}"#, .planRollback(.generation(7))),
            ("PlanRollback", #"{"known_good":true}"#, .planRollback(.knownGood)),
            ("Rollback", "{}", .rollback(.anywhere, expected: nil)),
            (
                "Rollback", #"{"to":2147483647,"expected":"/nix/store/a"}"#,
                .rollback(.generation(2_147_483_647), expected: "/nix/store/a")
            ),
            ("Switch", #"{"path":"/a"}"#, .switch(.path("/a"), confirmWithin: nil)),
            (
                "Switch", #"{"generation":1,"confirm_within_ms":10000}"#,
                .switch(.generation(1), confirmWithin: 10_000)
            ),
            ("ConfirmSwitch", "{}", .confirmSwitch),
        ])
    func requests(_ method: String, _ parameters: String, _ expected: ControlRequest) throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.\(method)", parameters)
        #expect(try loop.call().request == expected)
    }

    @Test(
        "what is asked wrongly is answered with the error that says what is wrong",
        arguments: [
            ("io.regen.Control.Status", #"{"service":7}"#, "InvalidParameter", "service"),
            ("io.regen.Control.Status", #"{"servce":"web"}"#, "InvalidParameter", "servce"),
            ("io.regen.Control.Status", "[]", "InvalidParameter", "parameters"),
            ("io.regen.Control.Start", "{}", "InvalidParameter", "services"),
            ("io.regen.Control.Start", #"{"services":[]}"#, "InvalidParameter", "services"),
            ("io.regen.Control.Start", #"{"services":["a",1]}"#, "InvalidParameter", "services"),
            ("io.regen.Control.Reload", #"{"force":true}"#, "InvalidParameter", "force"),
            ("io.regen.Control.LogPath", "{}", "InvalidParameter", "service"),
            ("io.regen.Control.Heal", #"{"services":[]}"#, "InvalidParameter", "services"),
            ("io.regen.Control.Resume", "{}", "InvalidParameter", "services"),
            ("io.regen.Control.Probe", #"{"services":["a"]}"#, "InvalidParameter", "services"),
            (
                "io.regen.Control.Pause", #"{"services":["a"],"for_ms":999}"#, "InvalidParameter",
                "for_ms"
            ),
            (
                "io.regen.Control.Pause", #"{"services":["a"],"for_ms":2592000001}"#,
                "InvalidParameter", "for_ms"
            ),
            (
                "io.regen.Control.Pause", #"{"services":["a"],"for_ms":"1h"}"#, "InvalidParameter",
                "for_ms"
            ),
            ("io.regen.Control.Generations", #"{"json":true}"#, "InvalidParameter", "json"),
            ("io.regen.Control.PlanRollback", #"{"to":0}"#, "InvalidParameter", "to"),
            (
                "io.regen.Control.PlanRollback", #"{"expected":"/a"}"#, "InvalidParameter",
                "expected"
            ),
            (
                "io.regen.Control.PlanRollback", #"{"to":1,"known_good":true}"#, "InvalidParameter",
                "known_good"
            ),
            (
                "io.regen.Control.Rollback", #"{"known_good":"yes"}"#, "InvalidParameter",
                "known_good"
            ),
            ("io.regen.Control.Rollback", #"{"to":2147483648}"#, "InvalidParameter", "to"),
            ("io.regen.Control.Rollback", #"{"expected":"a"}"#, "InvalidParameter", "expected"),
            ("io.regen.Control.Switch", "{}", "InvalidParameter", "path"),
            ("io.regen.Control.Switch", #"{"path":"result"}"#, "InvalidParameter", "path"),
            (
                "io.regen.Control.Switch", #"{"path":"/a","generation":1}"#, "InvalidParameter",
                "generation"
            ),
            (
                "io.regen.Control.Switch", #"{"generation":1,"confirm_within_ms":9999}"#,
                "InvalidParameter", "confirm_within_ms"
            ),
            ("io.regen.Control.ConfirmSwitch", #"{"flight":1}"#, "InvalidParameter", "flight"),
            ("io.regen.Control.Frobnicate", "{}", "MethodNotFound", "Frobnicate"),
            ("org.varlink.service.Frobnicate", "{}", "MethodNotFound", "Frobnicate"),
            ("org.example.Status", "{}", "InterfaceNotFound", "org.example"),
            ("Status", "{}", "InterfaceNotFound", ""),
            (
                "org.varlink.service.GetInterfaceDescription", #"{"interface":"org.example"}"#,
                "InterfaceNotFound", "org.example"
            ),
        ])
    func refusals(
        _ method: String, _ parameters: String, _ error: String, _ detail: String
    ) throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call(method, parameters)
        let answer = try client.answer(loop)
        #expect(answer["error"]?.string == "org.varlink.service.\(error)")
        #expect(answer["parameters"]?.object?.first?.value.string == detail)
        // The connection is still good.
        client.call("io.regen.Control.Version")
        #expect(try client.answer(loop)["parameters"]?["version"]?.string == "1.2.3")
    }

    @Test("the server tells who it is") func information() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("org.varlink.service.GetInfo")
        let info = try #require(try client.answer(loop)["parameters"])
        #expect(info["product"]?.string == "regend")
        #expect(info["version"]?.string == "1.2.3")
        #expect(
            info["interfaces"]?.array?.map(\.string) == ["org.varlink.service", "io.regen.Control"])
    }

    @Test("every method that is handled is described, and the reverse") func description() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call(
            "org.varlink.service.GetInterfaceDescription", #"{"interface":"io.regen.Control"}"#)
        let text = try #require(try client.answer(loop)["parameters"]?["description"]?.string)
        let words = text.split(separator: "\n").map { $0.split(separator: " ") }
        let methods = words.filter { $0.first == "method" }
            .map { String($0[1].prefix { $0 != "(" }) }
        #expect(methods == ControlMethod.allCases.map(\.rawValue))
        // The access is written down where the method is.
        for method in ControlMethod.allCases {
            let line = try #require(
                words.firstIndex {
                    $0.starts(with: ["method"]) && $0[1].hasPrefix("\(method.rawValue)(")
                })
            #expect(words[line - 1][1].lowercased().hasPrefix("\(method.access)"))
        }
        let errors = words.filter { $0.first == "error" }.map { "io.regen.Control.\($0[1])" }
        let ours: [ControlError] = [
            .noSuchService(name: ""), .invalidConfiguration(errors: ""), .notNow(reason: ""),
            .tooManyClients,
        ]
        #expect(errors == ours.map(\.name))
    }

    @Test("an error of the daemon's reaches the client with its parameter") func failures() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.Stop", #"{"services":["web"]}"#)
        loop.server.fail(try loop.call().id, with: .noSuchService(name: "web"), at: 0)
        let answer = try client.answer(loop)
        #expect(answer["error"]?.string == "io.regen.Control.NoSuchService")
        #expect(answer["parameters"]?["name"]?.string == "web")
    }

    @Test("an answer may come turns later; others are served meanwhile, in order") func deferred()
        throws
    {
        let loop = try ControlLoop()
        let (patient, other) = (try RawClient(loop), try RawClient(loop))
        patient.call("io.regen.Control.Stop", #"{"services":["web"]}"#)
        patient.call("io.regen.Control.Version")
        let stop = try loop.call()
        other.call("io.regen.Control.Version")
        #expect(try other.answer(loop)["parameters"]?["version"] != nil)
        #expect(try patient.messages().isEmpty)
        loop.server.reply(to: stop.id, at: 0) { $0.object { $0.string("which", "first") } }
        #expect(try patient.answer(loop)["parameters"]?["which"]?.string == "first")
        #expect(try patient.answer(loop)["parameters"]?["version"]?.string == "1.2.3")
    }

    @Test("a one-way call is performed and not answered") func oneway() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.Reload", flags: #","oneway":true"#)
        client.call("io.regen.Control.Frobnicate", flags: #","oneway":true"#)
        let call = try loop.call()
        #expect(call.request == .reload)
        loop.server.reply(to: call.id, at: 0, writeNothing)
        client.call("io.regen.Control.Version")
        #expect(try client.answer(loop)["parameters"]?["version"]?.string == "1.2.3")
    }

    @Test("a call may have several answers when it asked for more") func more() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.Status", flags: #","more":true"#)
        let call = try loop.call()
        #expect(call.wantsMore)
        loop.server.replyAndContinue(to: call.id, at: 0, writeNothing)
        loop.server.replyAndContinue(to: call.id, at: 0, writeNothing)
        loop.server.reply(to: call.id, at: 0, writeNothing)
        #expect(try client.messages().map { $0["continues"]?.bool } == [true, true, nil])
    }

    @Test("a client that sends no more is answered before the end") func halfClosed() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.Status")
        client.call("io.regen.Control.Version")
        client.finish()
        let call = try loop.call()
        try loop.settle()
        #expect(loop.watched == 1)
        loop.server.reply(to: call.id, at: 0, writeNothing)
        try loop.settle()
        #expect(try client.messages().count == 2)
        #expect(client.isClosed)
        #expect(loop.watched == 0)
    }

    @Test("a client that goes while its call is performed is forgotten, and so is the answer")
    func hangUp() throws {
        let loop = try ControlLoop()
        var client: RawClient? = try RawClient(loop)
        client?.call("io.regen.Control.Stop", #"{"services":["web"]}"#)
        let call = try loop.call()
        client = nil
        try loop.settle()
        #expect(loop.watched == 0)
        loop.server.reply(to: call.id, at: 0, writeNothing)
        loop.server.fail(call.id, with: .notNow(reason: "late"), at: 0)
        #expect(loop.server.connectionCount == 0)
    }

    @Test("an answer meant for a client that went never reaches its successor") func successor()
        throws
    {
        let loop = try ControlLoop()
        var first: RawClient? = try RawClient(loop)
        first?.call("io.regen.Control.Reload")
        let old = try loop.call()
        first = nil
        try loop.settle()
        let second = try RawClient(loop)
        second.call("io.regen.Control.Reload")
        let new = try loop.call()
        loop.server.fail(old.id, with: .notNow(reason: "not yours"), at: 0)
        loop.server.reply(to: new.id, at: 0, writeNothing)
        #expect(try second.answer(loop)["error"] == nil)
    }
}
