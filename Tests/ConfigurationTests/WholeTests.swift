import Configuration
import Supervision
import Testing

@Suite("the configuration as a whole") struct WholeTests {
    @Test("top-level keys arrive at their values") func topLevel() throws {
        let read = try configuration(
            #"""
            {"state_directory":"/s","runtime_directory":"/r","cgroup":"/sys/fs/cgroup/regen",
             "on_exit":"stop","control":{"allow":[1000,"ops"]},
             "services":{"b":{"command":["/b"]},"a":{"command":["/a"],"on_exit":"auto"}}}
            """#)
        #expect(read.stateDirectory == "/s")
        #expect(read.runtimeDirectory == "/r")
        #expect(read.cgroup == .path("/sys/fs/cgroup/regen"))
        #expect(read.control.allow == [.uid(1000), .name("ops")])
        #expect(read.onExit == .stop)
        #expect(read.services.map(\.name) == ["b", "a"])
        #expect(read.services.map(\.policy.onExit) == [.stop, .auto])
    }

    @Test(
        "a wrong whole is told",
        arguments: [
            ("{}", "there are no services; add 'services:' with at least one"),
            (#"{"services":{}}"#, "services: there are no services; add at least one"),
            (#"{"services":[]}"#, "services: a mapping of keys to values is needed, not a list"),
            ("[]", "a mapping of keys to values is needed, not a list"),
            (
                #"{"services":{"a@1":{"command":["/a"]}}}"#,
                "'a@1' is not a service name; use 1 to 64"
            ),
            (#"{"services":{"-a":{"command":["/a"]}}}"#, "'-a' is not a service name"),
            (#"{"services":{"a":{}}}"#, "services.a: there is no command; add 'command:"),
            (
                #"{"services":{"a":"x"}}"#,
                "services.a: a mapping of keys to values is needed, not 'x'"
            ),
            (#"{"servces":{}}"#, "unknown key 'servces'; did you mean 'services'?"),
            (
                #"{"defaults":{"probes":{}}}"#,
                "unknown key 'probes' in defaults; did you mean 'probe'?"
            ),
            (
                #"{"defaults":{"probe":{"interval":"99ms"}}}"#,
                "defaults.probe.interval: 99ms is outside of the allowed range 100ms to 1d"
            ),
            (
                #"{"defaults":{"log":{"path":"/l"}}}"#,
                "defaults.log: all services cannot share one log"
            ),
            (#"{"cgroup":"on"}"#, "cgroup: 'on' is not one of auto, off or an absolute path"),
            (
                #"{"control":{"allow":[4294967295]}}"#,
                "control.allow[0]: 4294967295 is not a user's number"
            ),
            (#"{"state_directory":"x"}"#, "state_directory: 'x' is not an absolute path"),
        ])
    func wrong(json: String, message: String) throws {
        let found = try errors(json)
        #expect(found.contains { $0.hasPrefix(message) }, "\(found)")
    }

    @Test("a runtime directory leaves room for the socket's name") func runtimeDirectory() throws {
        let most = "/" + String(repeating: "x", count: Configuration.longestRuntimeDirectory - 1)
        let text = { (path: String) in
            #"{"runtime_directory":"\#(path)","services":{"a":{"command":["/a"]}}}"#
        }
        #expect(try errors(text(most)) == [])
        #expect(try errors(text(most + "x")).count == 1)
    }

    @Test("a service changes the defaults key by key") func defaults() throws {
        let read = try configuration(
            #"""
            {"defaults":{"restart":"on-failure","stop":{"grace":"3s","signal":"SIGINT"},
                "crash_loop":"off","backoff":{"most":"5s"},"log":{"size":"1MiB"},
                "escalation":{"attempts":9},"probe":{"interval":"9s","strikes":2}},
             "services":{"a":{"command":["/a"],"probes":[{"tcp":1},{"tcp":2,"interval":"3s"}]},
                "b":{"command":["/b"],"restart":"always","stop":{"grace":"4s"},
                    "crash_loop":{"crashes":3},"log":{"path":"/l"}},
                "c":{"command":["/c"],"log":"none"}}}
            """#)
        let (a, b) = (read.services[0], read.services[1])
        #expect(a.policy.restart == .onFailure)
        #expect(a.policy.stop == StopPolicy(signal: 2, grace: .seconds(3)))
        #expect(a.policy.crashLoop == nil)
        #expect(a.policy.backoff == BackoffPolicy(most: .seconds(5)))
        #expect(a.policy.escalation == EscalationPolicy(attempts: 9))
        #expect(
            a.probes.map(\.policy) == [
                ProbePolicy(interval: .seconds(9), strikes: 2),
                ProbePolicy(interval: .seconds(3), strikes: 2),
            ])
        #expect(a.log == .file(path: nil, bound: 1 << 20))
        #expect(b.policy.restart == .always)
        #expect(b.policy.stop == StopPolicy(signal: 2, grace: .seconds(4)))
        #expect(b.policy.crashLoop == CrashLoopPolicy(crashes: 3))
        #expect(b.log == .file(path: "/l", bound: 1 << 20))
        #expect(read.services[2].log == Log.none)
    }

    @Test("a cycle is told with its way, and each knot once") func cycles() throws {
        let json = #"""
            {"services":{"a":{"command":["/a"],"after":["b"]},"b":{"command":["/b"],"after":["c"]},
             "c":{"command":["/c"],"after":["a"]},"d":{"command":["/d"],"after":["a","b"]}}}
            """#
        #expect(
            try errors(json) == [
                "services.a.after: services wait for each other: a → b → c → a; remove one 'after'"
            ])
    }

    @Test("a chain as long as a configuration may be is walked") func longChain() throws {
        let count = Configuration.mostInstances
        func chain(last: String) -> String {
            let services = (0..<count).map {
                let after = $0 + 1 < count ? "s\($0 + 1)" : last
                return #""s\#($0)":{"command":["/a"],"after":["\#(after)"]}"#
            }
            return "{\"services\":{\(services.joined(separator: ","))}}"
        }
        #expect(try errors(chain(last: "s0")).count == 1)
        #expect(try errors(chain(last: "s0"))[0].contains("s0 → s1 → "))
        #expect(try errors(chain(last: "s19999")) == [])
    }

    @Test("too many instances in total are refused") func tooMany() throws {
        let services = { (n: Int) in
            (0..<n).map { #""s\#($0)":{"command":["/a"],"instances":1000}"# }.joined(separator: ",")
        }
        #expect(try errors("{\"services\":{\(services(20))}}") == [])
        #expect(
            try errors("{\"services\":{\(services(21))}}")
                == ["services: 21000 instances are more than the 20000 allowed"])
    }

    @Test("two services do not write into one log file") func sharedLog() throws {
        let json = #"""
            {"services":{"a":{"command":["/a"],"log":{"path":"/l"}},
             "b":{"command":["/b"],"log":{"path":"/l"}}}}
            """#
        #expect(try errors(json) == ["services.b.log: the log file '/l' belongs to a already"])
    }

    @Test("what deserves a second look is a warning and no error") func warnings() throws {
        var warnings: [ConfigurationError] = []
        let json = #"""
            {"services":{"a":{"command":["a"],"after":["a"]},"b":{"command":["/b"],"user":"root"},
             "c":{"command":["/c"]}}}
            """#
        let read = try configuration(json, warnings: &warnings)
        #expect(read.services[0].policy.after == [])
        #expect(
            warnings.map { "\($0)" } == [
                "services.a.after: a service is always after itself; leave it out",
                "services.a.command: 'a' is looked up in PATH at each start; write the program's "
                    + "absolute path",
                "services.a: runs as root when regend is root; set 'user:'",
                "services.c: runs as root when regend is root; set 'user:'",
            ])
    }

    @Test("at most a hundred errors are kept, the others counted") func manyErrors() throws {
        let keys = (0..<150).map { "\"zzzz\($0)\":1" }.joined(separator: ",")
        let found = #expect(throws: ConfigurationErrors.self) {
            try configuration(#"{\#(keys),"services":{"a":{"command":["/a"]}}}"#)
        }
        #expect(found?.errors.count == ConfigurationErrors.mostKept)
        #expect(found?.omitted == 50)
        #expect(found.map { "\($0)".hasSuffix("\n… and 50 more") } == true)
    }

    @Test("what a file says cannot act on the terminal") func controlCharacters() throws {
        let found = try errors(#"{"a\u001b[31m\u202e":1,"services":{"a":{"command":["/a"]}}}"#)
        #expect(found.count == 1)
        #expect(found[0].hasPrefix(#"unknown key 'a\u{1b}[31m\u{202e}'"#))
    }

    @Test("a key that is there twice is told") func duplicates() {
        let web = Tree(
            .mapping([.init("command", Tree(.sequence([Tree(.scalar("/a", quoted: true))])))]))
        let twice = Tree(
            .mapping([.init("a", web), .init("a", at: Position(line: 9, column: 3), web)]))
        var warnings: [ConfigurationError] = []
        let found = #expect(throws: ConfigurationErrors.self) {
            try Configuration(Tree(.mapping([.init("services", twice)])), warnings: &warnings)
        }
        #expect(
            found?.errors.map { "\($0)" }
                == ["services.a: the key is there twice; keep one of them"])
        #expect(found?.errors.first?.position == Position(line: 9, column: 3))
    }
}
