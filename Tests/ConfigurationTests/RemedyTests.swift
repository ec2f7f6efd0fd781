import Configuration
import Supervision
import Testing

/// What is wrong with a service that has these remedies.
private func complaints(_ remedies: String) throws -> [String] {
    try errors(
        #"{"services":{"web":{"command":["/bin/web"],"user":"web","remedies":\#(remedies)}}}"#)
}

@Suite("remedies") struct RemedyTests {
    @Test("every remedy arrives at its value, in its order") func everyKey() throws {
        let read = try service(
            #"""
            "remedies":["port_conflict",{"validate_config":"nginx -t"},
             {"validate_config":{"command":["/bin/nginx","-t"],"timeout":"5s"}},
             {"dependencies":[
              {"base":"/srv/web","path":"a/b","kind":"directory","create":true,"owner":"web",
               "group":"www","mode":"0750"},
              {"file":"/srv/web/x"},{"link":"/srv/web/current","to":"/nix/store/x"}]},
             {"environment":[{"file":"/srv/web/.env","keys":["A","B_1"]}]},"restart"]
            """#)
        var made = Dependency(base: "/srv/web", path: "a/b", kind: .directory)
        (made.create, made.owner, made.group, made.mode) = (true, "web", "www", 0o750)
        #expect(
            read.remedies == [
                .portConflict,
                .validateConfig(command: ["/bin/sh", "-c", "nginx -t"], timeout: .seconds(30)),
                .validateConfig(command: ["/bin/nginx", "-t"], timeout: .seconds(5)),
                .dependencies([
                    made, Dependency(base: "/srv/web", path: "x", kind: .file),
                    Dependency(base: "/srv/web", path: "current", kind: .link(to: "/nix/store/x")),
                ]), .environment([EnvironmentFile(path: "/srv/web/.env", keys: ["A", "B_1"])]),
                .restart,
            ])
    }

    @Test(
        "a wrong remedy is told with its path",
        arguments: [
            ("[]", "services.web.remedies: 1 to 16 elements are allowed, not 0"),
            (#""restart""#, "services.web.remedies: a list is needed, not 'restart'"),
            (#"["restrat"]"#, "remedies[0]: 'restrat' is not a remedy; did you mean 'restart'?"),
            (#"["reboot-it-all"]"#, "is not a remedy; write one of restart, port_conflict, valid"),
            (#"["environment"]"#, "'environment' has to say what; write { environment: … }"),
            (
                #"[{"dependencys":[]}]"#,
                "unknown key 'dependencys' in services.web.remedies[0]; did"
            ),
            (#"[{}]"#, "exactly one of 'validate_config', 'dependencies', 'environment' is needed"),
            (#"["restart","restart"]"#, "services.web.remedies[1]: 'restart' is there twice"),
            (#"[{"validate_config":""}]"#, "remedies[0].validate_config: 1 to 16384 bytes"),
            (#"[{"validate_config":{"timeout":"1s"}}]"#, "validate_config: 'command' is missing"),
            (
                #"[{"validate_config":{"command":"x","timeout":"61s"}}]"#,
                "61s is outside of the allowed range 100ms to 1m"
            ),
            (#"[{"dependencies":[]}]"#, "1 to 64 elements are allowed, not 0"),
            (#"[{"dependencies":[{"directory":"srv"}]}]"#, "'srv' is not an absolute path"),
            (
                #"[{"dependencies":[{"directory":"/a/../b"}]}]"#,
                "'/a/../b' has an empty part, '.' or"
            ),
            (#"[{"dependencies":[{"directory":"/a//b"}]}]"#, "'/a//b' has an empty part"),
            (#"[{"dependencies":[{"directory":"/a/b/"}]}]"#, "'/a/b/' has an empty part"),
            (
                #"[{"dependencies":[{"directory":"/srv"}]}]"#,
                "the root directory cannot be the base"
            ),
            (
                #"[{"dependencies":[{"file":"/nix/store/x"}]}]"#,
                "what is in /nix/store never changes"
            ),
            (
                #"[{"dependencies":[{"base":"/nix","path":"store/x","kind":"file"}]}]"#,
                "what is in /nix/store never changes"
            ),
            (
                #"[{"dependencies":[{"base":"/a/b","path":"../c","kind":"file"}]}]"#,
                "remedies[0].dependencies[0].path: '../c' has an empty part, '.' or '..'"
            ),
            (
                #"[{"dependencies":[{"base":"/a/b","path":"/c","kind":"file"}]}]"#,
                "'/c' is not a path below the base"
            ),
            (#"[{"dependencies":[{"base":"/a","path":"c"}]}]"#, "'kind' is missing"),
            (
                #"[{"dependencies":[{"base":"/a","path":"c","kind":"socket"}]}]"#,
                "'socket' is not one of file, directory, link"
            ),
            (#"[{"dependencies":[{"link":"/a/b"}]}]"#, "dependencies[0]: 'to' is missing"),
            (#"[{"dependencies":[{"link":"/a/b","to":"../../etc"}]}]"#, "'../../etc' has an empty"),
            (#"[{"dependencies":[{"file":"/a/b","to":"c"}]}]"#, "only a link leads to something"),
            (
                #"[{"dependencies":[{"link":"/a/b","to":"c","mode":"644"}]}]"#,
                "a link has no mode of its own"
            ),
            (#"[{"dependencies":[{"file":"/a/b","directory":"/c/d"}]}]"#, "exactly one of 'direct"),
            (
                #"[{"environment":[{"file":"/a","keys":[]}]}]"#,
                "1 to 256 elements are allowed, not 0"
            ),
            (#"[{"environment":[{"file":"/a"}]}]"#, "environment[0]: 'keys' is missing"),
            (#"[{"environment":[{"file":"/a","keys":["1"]}]}]"#, "'1' is not a variable's name"),
            (
                #"[{"environment":[{"file":"/nix/store/a","keys":["A"]}]}]"#,
                "what is in /nix/store never changes"
            ),
        ])
    func wrong(json: String, message: String) throws {
        let found = try complaints(json)
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }
}

@Suite("a deploy tool's own keys") struct SequenceTests {
    /// A service `api` with these members and nothing else.
    private func read(
        _ members: String, warnings: inout [ConfigurationError]
    ) throws -> ServiceConfiguration {
        let json = #"{"services":{"api":{"user":"web",\#(members)}}}"#
        return try configuration(json, warnings: &warnings).services[0]
    }

    private func complaints(_ members: String) throws -> [String] {
        try errors(#"{"services":{"api":{"user":"web",\#(members)}}}"#)
    }

    @Test("they are taken as they are") func taken() throws {
        var warnings: [ConfigurationError] = []
        let api = try read(
            #"""
            "run":{"preflight":["bun install"],"start":["pm2 delete x","pm2 start index.js"],
             "postflight":"pm2 list"},
            "healthcheck":{"cmd":"curl http://localhost:3000/","test":"Server Running"}
            """#, warnings: &warnings)
        #expect(warnings.isEmpty)
        #expect(
            api.sequence
                == StartSequence(
                    preflight: ["bun install"], start: ["pm2 delete x", "pm2 start index.js"],
                    postflight: ["pm2 list"]))
        #expect(api.launch?.command == ["/bin/sh", "-c", "pm2 start index.js"])
        var command = CommandProbe(command: ["/bin/sh", "-c", "curl http://localhost:3000/"])
        command.contains = "Server Running"
        #expect(
            api.probes == [Probe(.command(command), policy: ProbePolicy(timeout: .seconds(10)))])
    }

    @Test("a health check has its own time-out, then what is said beside it") func policy() throws {
        let json = #"""
            {"defaults":{"probe":{"timeout":"3s","strikes":5}},
             "services":{"a":{"command":["/a"],"healthcheck":{"cmd":"x"}},
             "b":{"command":["/b"],"probes":[{"tcp":1}],
              "healthcheck":{"cmd":"x","timeout":"4s","interval":"9s","strikes":2}}}}
            """#
        let services = try configuration(json).services
        #expect(services[0].probes[0].policy == ProbePolicy(timeout: .seconds(10), strikes: 5))
        #expect(services[1].probes.count == 2)
        #expect(
            services[1].probes[1].policy
                == ProbePolicy(interval: .seconds(9), timeout: .seconds(4), strikes: 2))
    }

    @Test("what Regen does not do with them is a warning") func ignored() throws {
        var warnings: [ConfigurationError] = []
        let api = try read(
            #""run":{"start":"x"},"instances":"max","clusters":[1]"#, warnings: &warnings)
        #expect(api.instances == 1)
        #expect(warnings.count == 3)
        let told = warnings.map { "\($0)" }
        #expect(
            told.contains { $0.hasPrefix("services.api.instances: 'instances' is ignored besi") })
        #expect(
            told.contains { $0.hasPrefix("services.api.clusters: 'clusters' is ignored: a dep") })
        #expect(
            told.contains { $0.hasPrefix("services.api: nobody will know whether what 'start'") })
    }

    @Test("a run that is not set changes nothing") func nothing() throws {
        var warnings: [ConfigurationError] = []
        let api = try read(
            #""command":["/a"],"run":null,"instances":3"#, warnings: &warnings)
        #expect(api.instances == 3 && api.sequence == nil && warnings.isEmpty)
    }

    @Test(
        "what cannot work is told",
        arguments: [
            (#""run":{}"#, "services.api.run: there is no start; add 'start:"),
            (#""run":{"start":[]}"#, "services.api.run.start: 1 to 32 elements are allowed, not 0"),
            (#""run":{"start":[""]}"#, "services.api.run.start[0]: 1 to 16384 bytes are allowed"),
            (
                #""run":{"strat":"x"}"#,
                "unknown key 'strat' in services.api.run; did you mean 'start'"
            ),
            (#""run":"x""#, "services.api.run: a mapping of keys to values is needed, not 'x'"),
            (
                #""run":{"start":"x","timeout":"2d"}"#,
                "2d is outside of the allowed range 100ms to 1d"
            ),
            (
                #""run":{"start":"x"},"command":["/a"]"#,
                "services.api.run: 'command' and 'run' exclude each other; leave one of them out"
            ),
            (#""run":null"#, "services.api: there is no command"),
            (
                #""run":{"start":"x"},"healthcheck":{}"#,
                "services.api.healthcheck: 'cmd' is missing"
            ),
            (
                #""run":{"start":"x"},"probes":[{"tcp":1},{"memory":{"below":"80%"}}]"#,
                "services.api.probes[1].memory: 'memory' needs a process that Regen owns, and what"
            ),
            (#""run":{"start":"x"},"probes":[{"listening":1}]"#, "'listening' needs a process"),
            (#""run":{"start":"x"},"probes":[{"cpu":{}}]"#, "'cpu' needs a process"),
            (#""run":{"start":"x"},"probes":[{"notify":true}]"#, "'notify' needs a process"),
        ])
    func wrong(members: String, message: String) throws {
        let found = try complaints(members)
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }
}
