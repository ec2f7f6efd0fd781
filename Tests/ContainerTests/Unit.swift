import Foundation
import Glibc
import JSON
import Testing

/// regend as a unit of a container's systemd, started at each boot.
final class Unit {
    let container: Container

    /// regen.service, with `more` in its section `[Service]`.
    static func service(_ more: String) -> String {
        """
        [Unit]
        Description=Regen

        [Service]
        ExecStart=/opt/regen/regen run --config /etc/regen/regen.yaml
        KillMode=process
        Restart=always
        Delegate=yes
        StandardError=append:/srv/messages
        \(more)

        """
    }

    private static func file(_ more: String) -> String {
        service(more) + "\n[Install]\nWantedBy=multi-user.target\n"
    }

    /// A service that lives until it is told to end, and then has something to clean up, which
    /// takes a moment.
    private static let tidy = """
        #!/bin/sh
        end() { sleep 0.3; echo "$1" >> /srv/cleaned; exit 0; }
        trap "end $1" TERM
        echo "$1" >> /srv/listening
        while :; do sleep 1000 & wait; done

        """

    /// One that does not listen.
    private static let deaf = """
        #!/bin/sh
        trap '' TERM
        echo deaf >> /srv/listening
        while :; do sleep 1000 & wait; done

        """

    /// `yaml` is the configuration; `more` is added to the unit's section `[Service]`.
    convenience init(_ debian: Debian, _ yaml: String, more: String = "") throws {
        try self.init(
            debian, files: ["units/regen.service": Self.file(more), "etc/regen.yaml": yaml])
        try untilAllRun()
        let count = try services().count
        try container.until("the services have set their traps") {
            self.container.text("srv/listening").split(separator: "\n").count == count
        }
    }

    /// `files` are those that both sides see: in `units`, `etc`, `state`, `work`, executable there, and
    /// in `bin`, which has the programs as links.
    init(_ debian: Debian, files: [String: String], programs: [String] = ["regen", "regend"]) throws
    {
        container = try Container(
            debian,
            [
                "/usr/local/lib/systemd/system": "units", "/etc/regen": "etc",
                "/var/lib/regen": "state", "/srv": "srv", "/usr/local/bin": "bin",
            ], programs: programs
        ) { directory in
            let files = files.merging(
                ["srv/tidy": Self.tidy, "srv/deaf": Self.deaf],
                uniquingKeysWith: { own, _ in own })
            for folder in [
                "units/multi-user.target.wants", "units/regen.service.d", "etc", "state", "srv",
                "bin",
            ] {
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
            }
            symlink(
                "../regen.service", "\(directory)/units/multi-user.target.wants/regen.service")
            for program in programs {
                symlink("/opt/regen/\(program)", "\(directory)/bin/\(program)")
            }
            for (name, text) in files {
                let path = "\(directory)/\(name)"
                try text.write(toFile: path, atomically: false, encoding: .utf8)
                chmod(path, name.hasPrefix("srv/") ? 0o755 : 0o644)
            }
        }
    }

    /// systemctl, which must agree.
    func systemctl(_ verb: String..., at: SourceLocation = #_sourceLocation) throws {
        let (status, output) = try container.run(["systemctl"] + verb)
        #expect(status == 0, "\(output)", sourceLocation: at)
    }

    /// Waits until the next boot's regend has its services up.
    func untilRebooted() throws {
        try container.reboot()
        try untilAllRun()
    }

    /// Waits until the services run, all of them.
    func untilAllRun() throws {
        try container.until("all services run") {
            let phases = try? self.services().map { $0["phase"]?.string }
            return phases?.isEmpty == false && phases?.allSatisfy { $0 == "running" } == true
        }
    }

    /// What `regen status` says of the services; throws when nobody answers.
    func services() throws -> [JSONValue] {
        let answer = try container.run(["/opt/regen/regen", "status", "--json"]).output
        let status = try JSONValue.parse(Array(answer.utf8), limit: 1 << 20)
        return status["services"]?.array ?? []
    }

    /// The pids of the services by name, as `regen status` tells them.
    func pids() throws -> [String: Int64] {
        try services().reduce(into: [:]) { pids, service in
            pids[try #require(service["name"]?.string)] = service["pid"]?.integer
        }
    }

    /// The pids of the processes that run the services' scripts, as the kernel knows them.
    func processes() throws -> [Int64] {
        let search = "exec grep -lsxzE '/srv/(tidy|deaf)' /proc/[0-9]*/cmdline"
        return try container.run(["sh", "-c", search]).output.split(separator: "\n")
            .compactMap { Int64($0.split(separator: "/")[1]) }.sorted()
    }

    /// The daemon's own pid, as systemd knows it; 0 when it does not run.
    func pid() throws -> Int64 {
        let text = try container.run(["systemctl", "show", "-P", "MainPID", "regen"]).output
        return Int64(text.prefix { $0.isNumber }) ?? 0
    }

    /// Waits until another daemon than that one answers.
    func untilAnswered(besides old: Int64) throws {
        try container.until("another regend answers") {
            let pid = try self.pid()
            return pid != 0 && pid != old && (try? self.services()) != nil
        }
    }

    /// The cgroup of a process of the container, below the mount point.
    func cgroup(of pid: Int64) throws -> String {
        let text = try container.run(["cat", "/proc/\(pid)/cgroup"]).output
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("0::") })
        return String(line.dropFirst(3))
    }

    /// The records that are on the disk, oldest first.
    func records() throws -> [JSONValue] { try container.records() }

    /// The records, or those of these events, as short sentences: `process.start web`, `service.rest web ended`.
    func sentences(_ events: String...) throws -> [String] {
        try records().filter { events.isEmpty || events.contains($0["ev"]?.string ?? "") }.map {
            record in
            ["ev", "service", "why"].compactMap { record[$0]?.string }.joined(separator: " ")
        }
    }

    /// Waits until the ledger has that sentence so many times: a record may come after its deed.
    func untilRecorded(_ sentence: String, times: Int = 1) throws {
        try container.until("recorded: \(sentence)") {
            try self.sentences().count { $0 == sentence } == times
        }
    }
}
