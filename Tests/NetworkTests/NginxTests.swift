import Configuration
import Foundation
import Supervision
import Testing
import Worker

/// A real nginx with two workers, at a Unix socket and at a TLS port of its own.
private final class Nginx {
    let directory: URL
    private let process = Process()
    var socket: String { directory.appending(path: "web.sock").path }

    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: "/usr/sbin/nginx") }

    init() throws {
        directory = FileManager.default.temporaryDirectory
            .appending(path: "regen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let configuration = """
            daemon off;
            worker_processes 1;
            pid nginx.pid;
            error_log stderr;
            events {}
            http {
              access_log off;
              client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
              uwsgi_temp_path uwsgi; scgi_temp_path scgi;
              server {
                listen unix:\(directory.path)/web.sock;
                location /health { return 200 "all is well $connection_requests\\n"; }
                location /sick { return 503; }
              }
            }
            """
        let file = directory.appending(path: "nginx.conf")
        try configuration.write(to: file, atomically: true, encoding: .utf8)
        process.executableURL = URL(filePath: "/usr/sbin/nginx")
        process.arguments = ["-p", directory.path, "-c", file.path]
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }
}

@Suite("nginx", .serialized, .enabled(if: Nginx.isThere, "nginx is not installed"))
struct NginxTests {
    @Test("is asked at its Unix socket, over one connection") func unixSocket() throws {
        let nginx = try Nginx()
        let worker = try WorkerProcess()
        var probe = HTTPProbe(url: "http://anything/health")
        probe.socket = nginx.socket
        probe.matches = "^all is well [0-9]+$"
        let deadline = ContinuousClock.now + .seconds(20)
        while try worker.look(.http(probe)).outcome != .passed {
            try #require(ContinuousClock.now < deadline, "nginx does not come up")
        }
        for _ in 0..<10 { #expect(try worker.look(.http(probe)).outcome == .passed) }
        probe.contains = "all is well 12"
        #expect(try worker.look(.http(probe)).outcome == .passed)
        probe.url = "http://anything/sick"
        #expect(try worker.look(.http(probe)).reason == "HTTP 503, expected 200-299")
    }

    @Test("a socket where nobody is") func nobody() throws {
        var probe = HTTPProbe(url: "http://anything/")
        probe.socket = "/nowhere/web.sock"
        let answer = try WorkerProcess().look(.http(probe))
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "no such file or directory")
    }
}
