import Foundation
import JSON
import Testing

/// Regen in the machine, as a unit of its own: the shipped one, installed as operations.md says.
extension VirtualMachine {
    private static let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../../examples").standardized.path

    /// Boots one with that configuration. `files` are by their path on the machine's disk; what is in `srv` can
    /// be run. `more` is a drop-in of the operator's.
    convenience init(
        _ time: Time, _ yaml: String, more: String = "", files: [String: String] = [:],
        options: String = ""
    ) throws {
        try self.init(time, options: options) { disk in
            let units = "usr/local/lib/systemd/system"
            let shipped = try ["regen.service", "regen.service.d/delegate-subgroup.conf"]
                .reduce(into: [:]) { files, name in
                    files["\(units)/\(name)"] = try String(
                        contentsOfFile: "\(Self.examples)/systemd/\(name)", encoding: .utf8)
                }
            let own = [
                "etc/regen/regen.yaml": yaml,
                "\(units)/regen.service.d/operator.conf": "[Service]\n\(more)\n",
            ]
            for (name, text) in shipped.merging(own.merging(files) { $1 }, uniquingKeysWith: { $1 })
            {
                try Self.write(text, to: "\(disk)/\(name)")
            }
            for (link, target) in [
                "\(units)/multi-user.target.wants/regen.service": "../regen.service",
                "usr/local/bin/regen": "/opt/regen/regen",
                "usr/local/bin/regend": "/opt/regen/regend",
                "usr/local/bin/regen-net": "/opt/regen/regen-net",
            ] {
                try Self.makeParent(of: "\(disk)/\(link)")
                try FileManager.default.createSymbolicLink(
                    atPath: "\(disk)/\(link)", withDestinationPath: target)
            }
        }
        try untilAnswered()
    }

    private static func makeParent(of path: String) throws {
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path,
            withIntermediateDirectories: true)
    }

    /// Writes a file, which can be run when it is a script.
    static func write(_ text: String, to path: String) throws {
        try makeParent(of: path)
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        if text.hasPrefix("#!") {
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
    }

    /// Waits until regend answers, another one than that.
    func untilAnswered(besides old: Int64 = 0) throws {
        try until("regend answers") {
            let (status, pid) = try self.run(
                "regen status --json | grep -q ^{ && systemctl show -P MainPID regen")
            return status == 0 && Int64(pid.dropLast()) != old
        }
    }

    /// What `regen status` says of the services by name; throws when nobody answers.
    func services() throws -> [String: JSONValue] {
        let answer = try run("regen status --json").output
        let status = try JSONValue.parse(Array(answer.utf8), limit: 1 << 20)
        return try (status["services"]?.array ?? []).reduce(into: [:]) { all, service in
            all[try #require(service["name"]?.string)] = service
        }
    }

    /// The pids of the services by name.
    func pids() throws -> [String: Int64] { try services().compactMapValues { $0["pid"]?.integer } }

    /// The daemon's own pid, as systemd knows it; 0 when it does not run.
    var daemon: Int64 {
        get throws {
            Int64(try run("systemctl show -P MainPID regen").output.prefix { $0.isNumber }) ?? 0
        }
    }

    /// Waits until these services run.
    func untilRunning(_ names: String...) throws {
        try until("\(names) run") {
            guard let services = try? self.services() else { return false }
            return names.allSatisfy { services[$0]?["phase"]?.string == "running" }
        }
    }

    /// The records of these events that are in the ledger, oldest first.
    func records(_ events: String...) throws -> [JSONValue] {
        let pattern = events.map { "\"ev\":\"\($0)\"" }.joined(separator: "|")
        // What comes after the last newline is being written.
        let script = "cd /var/lib/regen/ledger; grep -hE '\(pattern)' *.jsonl | grep '}$'"
        return try run(script).output.split(separator: "\n").map {
            try JSONValue.parse(Array($0.utf8), limit: 4096)
        }
    }

    /// Waits until the ledger has so many records of an event, of a service if it is named.
    @discardableResult
    func untilRecorded(_ event: String, _ service: String? = nil, times: Int = 1) throws
        -> [JSONValue]
    {
        var found: [JSONValue] = []
        try until("recorded: \(event) \(service ?? "")") {
            found = try self.records(event).filter {
                service == nil || $0["service"]?.string == service
            }
            return found.count >= times
        }
        return found
    }

    /// The ledger must be sound.
    func expectSoundLedger(at: SourceLocation = #_sourceLocation) throws {
        let (status, output) = try run("regen ledger verify /var/lib/regen/ledger")
        #expect(status == 0, "\(output)", sourceLocation: at)
    }
}
