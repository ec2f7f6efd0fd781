import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("what else probes find") struct ProbeKindTests {
    /// A service that works until it is told to do something wrong.
    struct Wrong: CustomTestStringConvertible, Sendable {
        let kind: String
        let probe: String
        var testDescription: String { kind }
    }

    private static let wrongs = [
        Wrong(kind: "memory", probe: "memory: { below: 64MiB }"),
        Wrong(kind: "cpu", probe: "cpu: { below: 8%, for: 1s }"),
        Wrong(kind: "progress", probe: "progress: { file: @DIR@/beat, within: 3s }"),
        Wrong(kind: "notify", probe: "notify: { watchdog: 3s }"),
    ]

    private static let work = #"""
        #!/usr/bin/python3 -SE
        import os, socket, sys, time
        kind = sys.argv[1]
        def say(text):
            speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try: speaker.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
            except OSError: pass
        if kind == "notify": say("READY=1")
        while True:
            try:
                os.unlink("@DIR@/wrong")
                break
            except FileNotFoundError: time.sleep(0.05)
            if kind == "progress": open("@DIR@/beat", "w").close()
            if kind == "notify": say("WATCHDOG=1")
        if kind == "memory": hoard = b"x" * (128 << 20)
        while kind == "cpu": pass
        time.sleep(1000)
        """#

    @Test(
        "and heal: memory, a busy loop, progress that stops, a watchdog's silence",
        arguments: wrongs)
    func finds(_ wrong: Wrong) throws {
        let installation = try Installation(
            """
            \(Installation.brisk)
            services:
              web:
                command: [@DIR@/bin/work, \(wrong.kind)]
                probes: [ { \(wrong.probe) } ]
            """)
        try installation.make(
            "work", Self.work.replacingOccurrences(of: "@DIR@", with: installation.directory))
        try installation.start()
        try installation.untilProven("web")
        installation.touch("wrong")
        try installation.untilHealed("web")
        try installation.expect("web", oneHealing)
        guard let incident = try installation.incident(of: "web") else { return }
        #expect(incident["probe_name"]?.string?.contains(wrong.kind) == true)
        #expect(incident["reason"]?.string?.isEmpty == false)
    }

    @Test(
        "a certificate about to expire, of a server and in a file",
        .enabled(
            if: access("/usr/bin/openssl", X_OK) == 0,
            "openssl is not installed: apt-get install openssl"))
    func certificate() throws {
        let port = try Installation.freePort()
        let installation = try Installation(
            """
            \(Installation.brisk)  start: { timeout: 1s }
            services:
              web:
                command: [/usr/bin/openssl, s_server, -accept, '127.0.0.1:\(port)', -quiet, \
            -key, @DIR@/key, -cert, @DIR@/certificate]
                probes:
                  - tls: "127.0.0.1:\(port)"
                  - tls: { file: @DIR@/certificate }
                  - tls: { file: @DIR@/certificate, days: 5 }
            """)
        let directory = installation.directory
        let maker = try installation.run([
            "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test", "-days", "10",
            "-keyout", "\(directory)/key", "-out", "\(directory)/certificate",
        ])
        maker.waitUntilExit()
        try #require(maker.terminationStatus == 0)
        try installation.start()
        try installation.until("probe.proven", of: "web")
        try installation.until("probe.suspect", of: "web", count: 2)
        let look = try installation.regen("probe", "web", "--json")
        #expect(look.status == 1)
        let probes = try JSONValue.parse(Array(look.output.utf8), limit: 65536)["probes"]?.array
        #expect(probes?.map { $0["outcome"]?.string } == ["failed", "failed", "passed"])
        for probe in probes?.prefix(2) ?? [] {
            #expect(probe["reason"]?.string?.contains("day") == true, "\(probe)")
        }
        try installation.expect("web", ["process.start"])
    }
}
