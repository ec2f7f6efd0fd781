import Foundation
import Glibc
import JSON
import Linux
import Testing

/// Servers that tests probe, and what the ledger tells of looks.
extension Installation {
    /// What tests of probes begin with: looks that follow fast. A look has long to answer, so that
    /// a busy machine is no sick service.
    static let brisk = """
        cgroup: off
        defaults:
          probe: { interval: 200ms, timeout: 2s, confirm_interval: 50ms }
          stop: { grace: 5s, hung: 500ms }

        """

    /// A server that is probed by HTTP, and beside it a service whose probe runs this script.
    static func serverBesideTicks(
        _ tick: String, defaults: String = brisk
    ) throws -> Installation {
        let port = try freePort()
        let installation = try Installation(
            """
            \(defaults)
            services:
              web:
                command: [@DIR@/bin/serve, web, '\(port)']
                probes: [ { http: "http://127.0.0.1:\(port)/health" } ]
              other:
                command: [/bin/sleep, '1000']
                probes: [ { command: [@DIR@/bin/tick] } ]
            """)
        try installation.makeServer()
        try installation.script("tick", tick)
        return installation
    }

    /// A TCP port of this machine that nobody uses.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isBound)
        return Int(address.sin_port.bigEndian)
    }

    /// `bin/serve NAME PORT [deaf] [behind=PORT]`: an HTTP server. /health… is well unless there is
    /// a file
    /// `NAME.sick` (500), `NAME.blip` (500 once) or `NAME.mute` (this process never answers again);
    /// while there is `NAME.slow`, it keeps its answers back and there is a `NAME.held`. Everything else is 404. Each request
    /// is a line in `NAME.asked`. `deaf`: it ignores SIGTERM. `behind=PORT`: it is well only while
    /// somebody takes connections there.
    func makeServer() throws {
        try make("serve", Self.server.replacingOccurrences(of: "@DIR@", with: directory))
    }

    private static let server = #"""
        #!/usr/bin/python3 -SE
        import os, signal, socket, sys, threading, time
        name, port = sys.argv[1], int(sys.argv[2])
        if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
        def path(kind): return "@DIR@/%s.%s" % (name, kind)
        def take(kind):
            try: os.unlink(path(kind))
            except FileNotFoundError: return False
            return True
        behind = [int(word[7:]) for word in sys.argv if word.startswith("behind=")]
        def isServed(port):
            try: socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError: return False
            return True
        asked = os.open(path("asked"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        mute = False
        def answer(page):
            global mute
            mute = mute or take("mute")
            os.write(asked, (page + "\n").encode())
            while mute: time.sleep(1000)
            while os.path.exists(path("slow")):
                open(path("held"), "w").close()
                time.sleep(0.01)
            if not page.startswith("/health"): return "404 Not Found"
            if not all(map(isServed, behind)): return "503 No Database"
            sick = os.path.exists(path("sick")) or take("blip")
            return "500 Trouble" if sick else "200 OK"
        def serve(connection):
            text = b""
            while True:
                more = connection.recv(65536)
                if not more: return connection.close()
                text += more
                while b"\r\n\r\n" in text:
                    head, text = text.split(b"\r\n\r\n", 1)
                    status = answer(head.split()[1].decode())
                    head = "HTTP/1.1 %s\r\nContent-Length: 3\r\n\r\nok\n" % status
                    connection.sendall(head.encode())
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """#

    /// How often the server of that name has been asked.
    func asked(_ name: String) -> Int { text("\(name).asked").count { $0 == "\n" } }

    /// Waits until the server of that name has been asked so often again.
    func untilAsked(_ name: String, times: Int) throws {
        let before = asked(name)
        try until("\(name) is asked \(times) times") { self.asked(name) >= before + times }
    }

    /// What happened to a service, in order: the events that matter when it is healed.
    func tale(of service: String) throws -> [String] {
        let told = [
            "process.start", "process.exit", "probe.strike", "probe.clear", "probe.held",
            "service.kill", "incident.open", "incident.resolve", "incident.handover",
            "restart.attempt", "daemon.adopt",
        ]
        return try records().compactMap { record in
            guard record["service"]?.string == service, let event = record["ev"]?.string,
                told.contains(event)
            else { return nil }
            return event
        }
    }

    /// Whether strikes were taken for the trouble of the whole machine, as they are where regend
    /// itself was held up. That has an incident of its own, and a service healed then has none.
    func stoodStill() throws -> Bool { try !records("commoncause.begin").isEmpty }

    /// Waits until a service that hung is healed.
    func untilHealed(_ service: String) throws {
        try until("\(service) is healed", seconds: 90) {
            if try !records("incident.resolve", of: service).isEmpty { return true }
            return try stoodStill() && phase(service) == "running"
                && records("process.start", of: service).count > 1
        }
    }

    /// The incident that a service's hang is; `nil` where the machine stood still.
    func incident(of service: String) throws -> JSONValue? {
        if try stoodStill() {
            print("the machine stood still: \(service) has no incident to look at")
            return nil
        }
        let incident: JSONValue = try #require(try records("incident.open", of: service).first)
        return incident
    }

    /// Records a failure unless this is what happened to the service, without the events that are
    /// passed over. Where the machine stood still, so are those of incidents; and where strikes that
    /// last are expected, those that the next look cleared.
    func expect(
        _ service: String, _ tale: [String], without events: Set<String> = [],
        at place: SourceLocation = #_sourceLocation
    ) throws {
        let incidents: Set<String> =
            try stoodStill() ? ["incident.open", "incident.resolve"] : []
        let passedOver = events.union(incidents)
        var told = try self.tale(of: service).filter { !passedOver.contains($0) }
        if tale.contains("probe.strike"), !tale.contains("probe.clear") { told = lasting(told) }
        let expected = tale.filter { !incidents.contains($0) }
        #expect(told == expected, "\(service): \(told)\n\(messages)", sourceLocation: place)
    }

    /// A tale without strikes that were cleared.
    private func lasting(_ tale: [String]) -> [String] {
        tale.reduce(into: []) { lasting, event in
            if event != "probe.clear" { return lasting.append(event) }
            while lasting.last == "probe.strike" { lasting.removeLast() }
        }
    }

    /// Waits until there are so many records of that event.
    func until(_ event: String, of service: String? = nil, count: Int = 1) throws {
        try until("\(service ?? "daemon"): \(count) × \(event)", seconds: 60) {
            try self.records(event, of: service).count >= count
        }
    }

    /// Waits until so many probes of the service have passed for the first time.
    func untilProven(_ service: String, probes: Int = 1) throws {
        try until("probe.proven", of: service, count: probes)
        try until(service, is: "running")
    }

    /// What status says of one probe of an instance.
    func probe(_ index: Int = 0, of name: String) throws -> JSONValue? {
        guard let probes = try instance(name)?["probes"]?.array, probes.indices.contains(index)
        else { return nil }
        return probes[index]
    }

    /// The pid of the worker in that role, while there is one.
    func worker(_ role: String) throws -> Int32? {
        try status()["daemon"]?["workers"]?.array?
            .first { $0["role"]?.string == role }?["pid"]?.integer.map { Int32($0) }
    }

    /// Starts a program that is not a service. Whoever starts it ends it.
    func run(_ words: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Programs that are copies of ours, in the scratch directory, so that a test may replace them.
    func makeOwnPrograms() throws {
        let folder = "\(directory)/own"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        for name in ["regen", "regend", "regen-net"] {
            try FileManager.default.copyItem(
                atPath: "\(Self.programs)/\(name)", toPath: "\(folder)/\(name)")
        }
        launched = folder
    }

    /// Puts a shell script in the place of one of its own programs, in one step.
    func replaceOwn(_ name: String, by script: String) throws {
        try make("replacement", "#!/bin/sh\n\(script)\n")
        try #require(rename("\(programs)/replacement", "\(launched)/\(name)") == 0)
    }

    /// Puts the real one back.
    func restoreOwn(_ name: String) throws {
        try FileManager.default.copyItem(
            atPath: "\(Self.programs)/\(name)", toPath: "\(launched)/\(name).new")
        try #require(rename("\(launched)/\(name).new", "\(launched)/\(name)") == 0)
    }
}

/// What a hang comes to, healed once.
let oneHealing = [
    "process.start", "probe.strike", "probe.strike", "probe.strike", "incident.open",
    "process.exit", "restart.attempt", "process.start", "incident.resolve",
]

extension Process {
    /// Ends it. It has the tests' mask of signals, which may hold SIGTERM back for ever.
    func end() { kill(processIdentifier, SIGKILL) }
}
