import Configuration
import Supervision

extension Generator {
    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    mutating func word() -> String {
        ["a", "b.example.org", "X-1", "localhost"].randomElement(using: &random)!
    }
    mutating func words() -> [String] { [path()] + (0..<number(0...3)).map { _ in text() } }
    /// A path that a remedy may have.
    mutating func plainPath() -> String { "/srv/" + word() + "/" + word() }
    mutating func optional<Value>(_ make: (inout Self) -> Value) -> Value? {
        chance(40) ? make(&self) : nil
    }

    mutating func routes() -> [NoticeRoute] {
        (0..<number(0...2)).map { n in
            var webhook = Webhook(chance(50) ? .file(path()) : .url("https://[::1]:80/a?b=@c"))
            webhook.headers = (0..<number(0...3)).map { .init("X-\($0)", "é \"b\"\t") }
            webhook.authorizationFile = optional { $0.path() }
            webhook.verify = chance(50)
            if webhook.verify { webhook.authorities = optional { $0.path() } }
            webhook.timeout = interval(1000...60_000)
            let occasions = NoticeRoute.Occasion.allCases.shuffled(using: &random)
            return NoticeRoute(
                name: "r\(n)", chance(50) ? .webhook(webhook) : .mail(mail()),
                occasions: Array(occasions.prefix(number(1...9))))
        }
    }

    private mutating func mail() -> Mail {
        let recipients = (0..<number(1...16)).map {
            "ops+\($0)@" + (chance(50) ? "h" : "h-1.example")
        }
        var mail = Mail(server: "smtps://[::1]:465", from: "a.b@localhost", to: recipients)
        if chance(50) {
            mail.server = "smtp://127.0.0.1"
            mail.starttls = chance(50) ? .required : .off
        }
        if chance(50) {
            mail.user = word() + " ü"
            mail.passwordFile = path()
        }
        if mail.isEncrypted { mail.verify = chance(50) }
        if mail.isEncrypted, mail.verify { mail.authorities = optional { $0.path() } }
        mail.timeout = interval(1000...60_000)
        return mail
    }

    mutating func probe() -> Probe {
        let policy = ProbePolicy(
            interval: interval(100...86_400_000), timeout: interval(10...3_600_000),
            strikes: number(1...100), confirmInterval: interval(10...3_600_000))
        return Probe(kind(within: policy.timeout), policy: policy)
    }

    private mutating func kind(within timeout: Interval) -> Probe.Kind {
        switch number(0...9) {
        case 0: .http(http(within: timeout))
        case 1: .tls(tls())
        case 2: .tcp(host: chance(50) ? word() : "fe80::1", port: UInt16(number(1...65535)))
        case 3: .unix(path: path())
        case 4: .listening(port: UInt16(number(1...65535)))
        case 5: .command(command())
        case 6: .memory(memory())
        case 7:
            .cpu(CPUProbe(below: number(1...100_000), window: interval(1000...86_400_000)))
        case 8: .progress(progress())
        default: .file(file())
        }
    }

    private mutating func http(within timeout: Interval) -> HTTPProbe {
        var probe = HTTPProbe(
            url: chance(50)
                ? "http://[::1]:80/a?b=@c"
                : "https://\(word())/é"
                    .replacing("é", with: "%C3%A9"))
        probe.socket = optional { "/run/" + $0.word() }
        probe.headers = (0..<number(0...3)).map { .init("X-\($0)", chance(50) ? "é \"b\"\t" : "") }
        probe.status = (0..<number(1...3)).map { _ in number(100...500)...number(500...999) }
        probe.within = optional { .milliseconds($0.interval(1...10).nanoseconds / 1_000_000) }
        if let within = probe.within, within > timeout { probe.within = nil }
        probe.verify = chance(50)
        if probe.verify { probe.authorities = optional { $0.path() } }
        probe.redirects = number(0...10)
        if chance(50) {
            probe.method = "HEAD"
        } else {
            probe.contains = optional { "x" + $0.text() }
            probe.matches = optional { "x" + $0.text() }
        }
        return probe
    }

    private mutating func tls() -> TLSProbe {
        var probe = TLSProbe(
            chance(50) ? .file(path()) : .server(host: chance(50) ? "::1" : word(), port: 443))
        probe.days = number(0...3650)
        probe.names = (0..<number(0...3)).map { _ in chance(50) ? word() : "*.example.org" }
        return probe
    }

    private mutating func command() -> CommandProbe {
        var probe = CommandProbe(command: chance(50) ? words() : ["/bin/sh", "-c", "x" + text()])
        probe.exit = Int32(number(0...255))
        probe.contains = optional { "x" + $0.text() }
        return probe
    }

    private mutating func memory() -> MemoryProbe {
        let isShare = chance(50)
        var probe = MemoryProbe(
            below: isShare ? .share(number(1...100)) : .bytes(Int64(number(4096...1 << 50))))
        probe.of = isShare ? .cgroup : MemoryProbe.Scope.allCases.randomElement(using: &random)!
        return probe
    }

    private mutating func progress() -> ProgressProbe {
        let sources: [ProgressProbe.Source] = [
            .modification(path: path()), .number(path: path()), .command(words()),
        ]
        return ProgressProbe(
            sources.randomElement(using: &random)!, within: interval(100...86_400_000))
    }

    private mutating func file() -> FileProbe {
        var probe = FileProbe(path: path())
        probe.fresh = optional { $0.interval(1000...86_400_000) }
        probe.owner = optional { $0.account() }
        probe.mode = optional { UInt32($0.number(0...0o7777)) }
        return probe
    }

    mutating func addProbes(to service: inout ServiceConfiguration) {
        for _ in 0..<number(0...3) {
            let probe = probe()
            switch probe.kind {
            case .listening, .memory, .cpu: if service.sequence != nil { continue }
            default: break
            }
            service.probes.append(probe)
        }
        guard service.sequence == nil, service.unit == nil, chance(20) else { return }
        let notify = NotifyProbe(watchdog: optional { $0.interval(100...86_400_000) })
        service.probes.append(Probe(.notify(notify)))
    }

    mutating func addSequence(to service: inout ServiceConfiguration) {
        func steps(_ least: Int) -> [String] { (0..<number(least...3)).map { _ in "x" + text() } }
        let sequence = StartSequence(
            preflight: steps(0), start: steps(1), postflight: steps(0),
            timeout: interval(100...86_400_000))
        service.sequence = sequence
        var launch = service.launch!
        launch.command = ["/bin/sh", "-c", sequence.start[sequence.start.count - 1]]
        service.keeper = .process(launch)
        service.instances = 1
    }

    mutating func remedies() -> [Remedy] {
        (chance(50) ? [Remedy.restart] : [])
            + (0..<number(1...4)).map { _ in
                switch number(0...3) {
                case 0: .portConflict
                case 1: .validateConfig(command: words(), timeout: interval(100...60_000))
                case 2: .dependencies((0..<number(1...3)).map { _ in dependency() })
                default:
                    .environment([EnvironmentFile(path: plainPath(), keys: ["A", "_b1"])])
                }
            }
    }

    private mutating func dependency() -> Dependency {
        let kinds: [Dependency.Kind] = [
            .file, .directory, .link(to: "releases/7"), .link(to: "/nix/store/x"),
        ]
        var dependency = Dependency(
            base: plainPath(), path: chance(50) ? "a/b" : "a",
            kind: kinds.randomElement(using: &random)!)
        dependency.create = chance(50)
        dependency.owner = optional { $0.account() }
        dependency.group = optional { $0.account() }
        if case .link = dependency.kind {
        } else {
            dependency.mode = optional { UInt32($0.number(0...0o7777)) }
        }
        return dependency
    }
}
