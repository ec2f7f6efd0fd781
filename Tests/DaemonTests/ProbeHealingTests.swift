import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("a service that lives and does not work") struct ProbeHealingTests {
    private static let hasNginx = access("/usr/sbin/nginx", X_OK) == 0

    /// A server whose health is looked at, up and proven.
    private func serving(
        _ yaml: String = Installation.brisk, probe: String = "", words: String = ""
    ) throws -> Installation {
        let port = try Installation.freePort()
        let installation = try Installation(
            """
            \(yaml)
            services:
              web:
                command: [@DIR@/bin/serve, web, '\(port)'\(words)]
                probes: [ { http: "http://127.0.0.1:\(port)/health"\(probe) } ]
            """)
        try installation.makeServer()
        try installation.start()
        try installation.untilProven("web")
        return installation
    }

    @Test("that hangs is restarted after exactly three strikes, and healed when it passes again")
    func hung() throws {
        let installation = try serving()
        let pid = try #require(try installation.pid(of: "web"))
        kill(pid, SIGSTOP)
        try installation.untilHealed("web")
        try installation.untilAsked("web", times: 5)
        try installation.expect("web", oneHealing)
        let strikes = try installation.records("probe.strike", of: "web")
        #expect(strikes.suffix(3).map { $0["strike"]?.integer } == [1, 2, 3])
        #expect(strikes.allSatisfy { $0["of"]?.integer == 3 })
        #expect(strikes.allSatisfy { $0["reason"]?.string?.isEmpty == false })
        if let incident = try installation.incident(of: "web") {
            #expect(incident["kind"]?.string == "hang")
            #expect(incident["probe_name"]?.string?.contains("http") == true)
            let restart = try installation.records("restart.attempt", of: "web").first
            #expect(restart?["incident"]?.integer == incident["incident"]?.integer)
        }
        #expect(try installation.instance("web")?["incident"] == nil)
        #expect(!lives(pid))
        #expect(try installation.end() == 0)
    }

    @Test("and ignores SIGTERM is killed after stop.hung")
    func deaf() throws {
        let installation = try serving(words: ", deaf")
        installation.touch("web.mute")
        try installation.untilHealed("web")
        var tale = oneHealing
        tale.insert("service.kill", at: 5)
        try installation.expect("web", tale)
        #expect(
            try installation.records("process.exit", of: "web").first?["signal"]?.integer == 9)
    }

    @Test(
        "nginx whose worker is stopped is restarted once, worker and all",
        .enabled(if: hasNginx, "nginx is not installed: apt-get install nginx-light"))
    func nginx() throws {
        let port = try Installation.freePort()
        let installation = try Installation(
            """
            \(Installation.brisk)
            services:
              web:
                command: [/usr/sbin/nginx, -p, @DIR@, -c, '@DIR@/bin/nginx.conf']
                probes:
                  - http: { url: "http://127.0.0.1:\(port)/", contains: all is well }
                  - listening: \(port)
            """)
        try installation.make("nginx.conf", Self.nginx(port))
        // It writes its title over its environment, and so over the mark that others are found by.
        defer {
            if let pid = installation.number(in: "nginx.pid") { kill(-pid, SIGKILL) }
        }
        try installation.start()
        try installation.untilProven("web", probes: 2)
        let master = try #require(try installation.pid(of: "web"))
        let children = ProcessTable.text("/proc/\(master)/task/\(master)/children") ?? ""
        let worker = try #require(children.split(separator: " ").first.flatMap { Int32($0) })
        kill(worker, SIGSTOP)
        try installation.untilHealed("web")
        try installation.expect("web", oneHealing, without: ["service.kill"])
        try installation.until("the old worker has ended") { !lives(worker) }
        let look = try installation.regen("probe", "web")
        #expect(look.status == 0, "\(look.output)")
    }

    private static func nginx(_ port: Int) -> String {
        """
        daemon off;
        user root;
        worker_processes 1;
        pid nginx.pid;
        error_log stderr;
        events {}
        http {
          access_log off;
          client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
          uwsgi_temp_path uwsgi; scgi_temp_path scgi;
          server {
            listen 127.0.0.1:\(port);
            location / { return 200 "all is well\\n"; }
          }
        }
        """
    }

    @Test("for one look restarts nothing, and its strike is cleared")
    func blip() throws {
        let installation = try serving(Installation.brisk)
        let pid = try installation.pid(of: "web")
        installation.touch("web.blip")
        try installation.until("probe.clear", of: "web")
        try installation.untilAsked("web", times: 5)
        try installation.expect("web", ["process.start", "probe.strike", "probe.clear"])
        #expect(try installation.pid(of: "web") == pid)
        #expect(try installation.probe(of: "web")?["strikes"]?.integer == 0)
    }

    @Test("is restarted at the first strike where one is enough")
    func oneStrike() throws {
        let installation = try serving(Installation.brisk, probe: ", strikes: 1")
        installation.touch("web.blip")
        try installation.untilHealed("web")
        let others = oneHealing.filter { $0 != "probe.strike" }
        try installation.expect("web", [others[0], "probe.strike"] + others.dropFirst())
    }

    @Test("a mistyped URL on a healthy service restarts nothing; its crash is still a crash")
    func mistyped() throws {
        let port = try Installation.freePort()
        let installation = try Installation(
            """
            \(Installation.brisk)  start: { timeout: 500ms }
            services:
              web:
                command: [@DIR@/bin/serve, web, '\(port)']
                probes: [ { http: "http://127.0.0.1:\(port)/helth" } ]
            """)
        try installation.makeServer()
        try installation.start()
        try installation.until("probe.suspect", of: "web")
        try installation.untilAsked("web", times: 12)
        try installation.expect("web", ["process.start"])
        #expect(try installation.phase("web") == "running")
        #expect(try installation.probe(of: "web")?["suspect"]?.bool == true)
        #expect(try installation.regen("status").output.contains("suspicious"))
        let look = try installation.regen("probe", "web")
        #expect(look.status == 1)
        #expect(look.output.contains("404"), "\(look.output)")

        kill(try #require(try installation.pid(of: "web")), SIGKILL)
        try installation.until("process.start", of: "web", count: 2)
        try installation.until("incident.resolve", of: "web")
        try installation.untilAsked("web", times: 6)
        #expect(try installation.records("process.start", of: "web").count == 2)
        #expect(try installation.records("probe.strike").isEmpty)
    }

    @Test("is not restarted for its own strikes while what it depends on is unhealthy")
    func dependency() throws {
        let (db, web) = (try Installation.freePort(), try Installation.freePort())
        let installation = try Installation(
            """
            \(Installation.brisk)
            services:
              db:
                command: [@DIR@/bin/serve, db, '\(db)']
                probes: [ { http: "http://127.0.0.1:\(db)/health" } ]
              web:
                command: [@DIR@/bin/serve, web, '\(web)']
                after: [db]
                probes: [ { http: "http://127.0.0.1:\(web)/health" } ]
            """)
        try installation.makeServer()
        try installation.start()
        try installation.untilProven("db")
        try installation.untilProven("web")
        let pid = try installation.pid(of: "web")
        installation.touch("db.sick")
        try installation.until("service.stop", of: "db")
        installation.touch("web.sick")
        try installation.until("probe.held", of: "web")
        try installation.untilAsked("web", times: 6)
        #expect(
            try installation.records("probe.held", of: "web").first?["dependency"]?.string == "db")
        #expect(try installation.instance("web")?["held_by"]?.string == "db")
        #expect(try installation.records("restart.attempt", of: "web").isEmpty)
        installation.untouch("web.sick")
        installation.untouch("db.sick")
        try installation.untilHealed("db")
        try installation.until("probe.clear", of: "web")
        #expect(try installation.pid(of: "web") == pid)
        #expect(try installation.records("incident.open", of: "web").isEmpty)
        #expect(try installation.records("restart.attempt", of: "db").count == 1)
    }
}
