import Configuration
import Supervision
import Testing

@Suite("a service's keys") struct ServiceTests {
    @Test("a command is enough, everything else has its default") func defaults() throws {
        let launch = Launch(command: ["/bin/web"], user: "web")
        #expect(try service("") == ServiceConfiguration(name: "web", launch: launch))
    }

    @Test("every key arrives at its value") func everyKey() throws {
        let read = try service(
            #"""
            "group":"www","groups":["tls","22"],"directory":"/srv/web",
            "environment":{"PORT":3001,"EMPTY":"","FLAG":true},"umask":"027",
            "limits":{"nofile":"1024:4096","core":0,"memlock":"64MiB","nproc":"unlimited"},
            "oom_score_adjust":-500,"nice":-5,"restart":"on-failure","autostart":false,"critical":true,
            "instances":3,"backoff":{"quick":"2s","first":"100ms","most":"1m","clear":"1h"},
            "stop":{"signal":"SIGINT","grace":"1m","hung":"0s"},
            "crash_loop":{"crashes":7,"within":"2m"},"start":{"timeout":"5s","retries":2},
            "escalation":{"attempts":7},"on_exit":"leave","log":{"size":"1MiB"}
            """#)
        let launch = Launch(
            command: ["/bin/web"], user: "web", group: "www", groups: ["tls", "22"],
            directory: "/srv/web",
            environment: [.init("PORT", "3001"), .init("EMPTY", ""), .init("FLAG", "true")],
            umask: 0o27,
            limits: [
                .init(.core, soft: 0, hard: 0),
                .init(.lockedMemory, soft: 64 << 20, hard: 64 << 20),
                .init(.openFiles, soft: 1024, hard: 4096),
                .init(.processes, soft: Launch.Limit.unlimited, hard: Launch.Limit.unlimited),
            ], oomScoreAdjust: -500, nice: -5)
        let policy = ServicePolicy(
            restart: .onFailure,
            backoff: BackoffPolicy(
                quick: .seconds(2), first: .milliseconds(100), most: .minutes(1), clear: .hours(1)),
            stop: StopPolicy(signal: 2, grace: .minutes(1), hung: .zero),
            crashLoop: CrashLoopPolicy(crashes: 7, within: .minutes(2)),
            start: StartPolicy(timeout: .seconds(5), retries: 2),
            escalation: EscalationPolicy(attempts: 7), autostart: false, critical: true,
            onExit: .leave)
        #expect(
            read
                == ServiceConfiguration(
                    name: "web", instances: 3, launch: launch, policy: policy,
                    log: .file(path: nil, bound: 1 << 20)))
        #expect(read.instanceNames == ["web@1", "web@2", "web@3"])
    }

    @Test(
        "a wrong value is told with its path",
        arguments: [
            (#""command":[]"#, "services.web.command: 1 to 1024 elements are allowed, not 0"),
            (
                #""command":"x y""#,
                "services.web.command: a list is needed, not 'x y'; write [a, b]"
            ),
            (#""command":[""]"#, "services.web.command: the program has an empty name"),
            (#""command":["/a",["b"]]"#, "services.web.command[1]: a single value is needed"),
            (#""command":["/a",null]"#, "services.web.command[1]: there is no value"),
            (#""user":"a b""#, "services.web.user: 'a b' is not the name or number"),
            (#""groups":["-x"]"#, "services.web.groups[0]: '-x' is not the name or number"),
            (#""directory":"srv""#, "services.web.directory: 'srv' is not an absolute path"),
            (#""environment":{"1A":"x"}"#, "services.web.environment.1A: '1A' is not a variable's"),
            (#""environment":{"REGEN_X":"x"}"#, "names that begin with REGEN_ are set by regend"),
            (#""environment":["A=b"]"#, "services.web.environment: a mapping of keys to values"),
            (#""umask":"8""#, "services.web.umask: '8' is not a mask; write octal digits"),
            (#""umask":"1000""#, "services.web.umask: '1000' is not a mask"),
            (
                #""limits":{"nofiles":1}"#,
                "unknown key 'nofiles' in services.web.limits; did you mean"
            ),
            (#""limits":{"nofile":"2:1"}"#, "the soft limit in '2:1' is above the hard one"),
            (#""limits":{"nofile":"1KiB"}"#, "services.web.limits.nofile: '1KiB' is not a limit"),
            (#""limits":{"core":"1:2:3"}"#, "services.web.limits.core: '1:2:3' is not a limit"),
            (
                #""oom_score_adjust":1001"#,
                "1001 is outside of the allowed range from -1000 to 1000"
            ),
            (#""nice":"+3""#, "services.web.nice: '+3' is not a whole number from -20 to 19"),
            (#""restart":"onfailure""#, "'onfailure' is not one of always, on-failure, never"),
            (#""critical":"yes""#, "'yes' is neither true nor false; write true or false"),
            (#""instances":0"#, "0 is outside of the allowed range from 1 to 1000"),
            (#""instances":1001"#, "1001 is outside of the allowed range from 1 to 1000"),
            (#""instances":2.5"#, "'2.5' is not a whole number from 1 to 1000"),
            (#""backoff":{"first":"2s","most":"1s"}"#, "'first' (2s) is longer than 'most' (1s)"),
            (#""backoff":{"quick":"0s"}"#, "0s is outside of the allowed range 1ms to 1h"),
            (
                #""stop":{"signal":"SIGSTOP"}"#,
                "services.web.stop.signal: SIGSTOP cannot end a process"
            ),
            (#""stop":{"signal":"SIGFOO"}"#, "'SIGFOO' is not a signal; write a name such as"),
            (#""stop":{"signal":32}"#, "'32' is not a signal"),
            (
                #""stop":{"grace":"10"}"#,
                "'10' is not a duration; write a whole number and ms, s, m"
            ),
            (#""stop":{"grace":"99999999999999999d"}"#, "is not a duration"),
            (
                #""crash_loop":"none""#,
                "services.web.crash_loop: 'none' is neither off nor a mapping"
            ),
            (#""crash_loop":{"crashes":101}"#, "101 is outside of the allowed range from 1 to 100"),
            (
                #""escalation":{"attempts":0}"#,
                "services.web.escalation.attempts: 0 is outside of the allowed range from 1 to 100"
            ),
            (#""on_exit":"kill""#, "'kill' is not one of auto, stop, leave"),
            (#""log":"file""#, "services.web.log: 'file' is neither inherit, none nor a mapping"),
            (
                #""log":{"size":"1KiB"}"#,
                "1KiB is outside of the allowed range 4096 to 1099511627776"
            ),
            (#""log":{"size":"16MB"}"#, "services.web.log.size: '16MB' is not a size"),
            (#""instances":2,"log":{"path":"/l"}"#, "2 instances cannot share the log file '/l'"),
            (#""after":["db"]"#, "services.web.after: there is no service 'db'"),
            (#""comand":["x"]"#, "unknown key 'comand' in services.web; did you mean 'command'?"),
            (#""<<":{}"#, "merge key '<<' in services.web is not supported"),
        ])
    func wrong(member: String, message: String) throws {
        let json = #"{"services":{"web":{\#(member)}}}"#
        let found = try errors(json)
        #expect(found.contains { $0.contains(message) }, "\(found)")
        guard !member.contains("command") else { return }
        let whole = json.replacing(member, with: "\"command\":[\"/bin/web\"],\(member)")
        let alone = try errors(whole)
        #expect(alone.count == 1, "\(alone)")
    }

    @Test("words mean the same however they are written") func words() throws {
        #expect(try service(#""crash_loop":"off""#).policy.crashLoop == nil)
        #expect(try service(#""crash_loop":false"#).policy.crashLoop == nil)
        #expect(
            try service(#""user":"null""#.replacing("user", with: "group")).launch?.group == "null")
        #expect(try service(#""group":null"#).launch?.group == nil)
        #expect(try service(#""log":"inherit""#).log == .inherit)
        #expect(try service(#""log":"none""#).log == Log.none)
        #expect(try service(#""stop":{"signal":"TERM"}"#).policy.stop.signal == 15)
        #expect(try service(#""stop":{"signal":"SIGRTMIN+3"}"#).policy.stop.signal == 37)
        #expect(try service(#""stop":{"signal":1}"#).policy.stop.signal == 1)
    }

    @Test("a command or an environment that the kernel would refuse is refused here") func tooLong()
        throws
    {
        let long = String(repeating: "x", count: 64 << 10)
        let words = #"{"services":{"a":{"user":"a","command":["/a","\#(long)","\#(long)"]}}}"#
        #expect(
            try errors(words) == [
                "services.a.command: the command has 131077 bytes, more than 131072"
            ])
        let variables = (0..<9).map { "\"V\($0)\":\"\(long)\"" }.joined(separator: ",")
        #expect(throws: ConfigurationErrors.self) { try service(#""environment":{\#(variables)}"#) }
        let many = (0...1024).map { "\"V\($0)\":1" }.joined(separator: ",")
        #expect(throws: ConfigurationErrors.self) { try service(#""environment":{\#(many)}"#) }
    }
}
