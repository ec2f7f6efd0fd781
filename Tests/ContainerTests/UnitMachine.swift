import Foundation
import JSON
import Testing

/// A container with units, and a regend as a unit of its own that looks after them.
final class UnitMachine {
    let container: Container

    /// What libraries that the programs were linked with need themselves is found so.
    private static let libraries = "LD_LIBRARY_PATH=/opt/regen"
    private static let regen = """
        [Service]
        Environment=\(libraries)
        ExecStart=/opt/regen/regen run --config /etc/regen/regen.yaml
        KillMode=process
        Restart=always
        RestartSec=100ms
        StartLimitIntervalSec=0
        StandardError=append:/srv/messages

        """

    /// `units` are unit files by name; `yaml` is the configuration's `services:`.
    init(_ debian: Debian, _ units: [String: String], _ yaml: String) throws {
        container = try Container(
            debian,
            [
                "/usr/local/lib/systemd/system": "units", "/etc/regen": "etc",
                "/var/lib/regen": "state", "/srv": "srv",
            ]
        ) { directory in
            for folder in ["units", "etc", "state", "srv"] {
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/\(folder)", withIntermediateDirectories: false)
            }
            var files = ["units/regen.service": Self.regen, "etc/regen.yaml": yaml]
            for (name, text) in units { files["units/\(name)"] = text }
            for (name, text) in files {
                try text.write(
                    toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
            }
        }
    }

    /// Runs a script inside, which must end well.
    @discardableResult
    func sh(_ script: String, at: SourceLocation = #_sourceLocation) throws -> String {
        let (status, output) = try container.run(["bash", "-c", script])
        try #require(status == 0, "\(script): \(output)", sourceLocation: at)
        return output
    }

    /// What `regen` answers.
    @discardableResult
    func regen(_ arguments: String...) throws -> String {
        try container.run(["env", Self.libraries, "/opt/regen/regen"] + arguments).output
    }

    /// Starts regend and waits until it answers.
    func begin() throws {
        // Workers get none of our environment, and need those libraries, too.
        try sh(
            """
            for file in /opt/regen/*.so*; do for there in /usr/lib/*-linux-gnu; do
            [ -e $there/${file##*/} ] || ln -s $file $there/; done; done
            """)
        try sh("systemctl start regen")
        try container.until("regend answers") { (try? self.services().isEmpty) == false }
    }

    /// One property of a unit.
    func show(_ property: String, _ unit: String) throws -> String {
        try container.run(["systemctl", "show", "-P", property, unit]).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What `regen status` says of the services, by name.
    func services() throws -> [String: JSONValue] {
        let answer = try regen("status", "--json")
        let status = try JSONValue.parse(Array(answer.utf8), limit: 1 << 20)
        return (status["services"]?.array ?? []).reduce(into: [:]) { all, service in
            if let name = service["name"]?.string { all[name] = service }
        }
    }

    /// Waits until the service is in that phase, as `regen status` tells it.
    func until(_ service: String, _ phase: String) throws {
        try container.until("\(service) is \(phase)") {
            (try? self.services())?[service]?["phase"]?.string == phase
        }
    }

    /// Waits until systemd says that the unit is so.
    func until(unit: String, _ state: String) throws {
        try container.until("\(unit) is \(state)") {
            try self.show("ActiveState", unit) == state
        }
    }

    /// The records that are on the disk, oldest first.
    func records() throws -> [JSONValue] { try container.records() }

    /// How many records there are of that event of that service.
    func count(_ event: String, _ service: String? = nil) throws -> Int {
        try records().count {
            $0["ev"]?.string == event && (service == nil || $0["service"]?.string == service)
        }
    }

    /// Waits until so many records are there.
    func untilRecorded(_ event: String, _ service: String? = nil, times: Int = 1) throws {
        try container.until("recorded: \(event) \(service ?? "") \(times) times") {
            try self.count(event, service) >= times
        }
    }

    /// Whether strikes were taken for the trouble of the whole machine, as they are where regend
    /// itself was held up. That has an incident of its own, and a service healed then has none.
    func stoodStill() throws -> Bool { try count("commoncause.begin") > 0 }

    /// Waits until a service that hung is healed.
    func untilHealed(_ service: String) throws {
        try container.until("\(service) is healed") {
            if try self.count("incident.resolve", service) > 0 { return true }
            return try self.stoodStill() && self.count("restart.attempt", service) > 0
                && (try? self.services())?[service]?["phase"]?.string == "running"
        }
    }

    /// Ends a unit's main process as a crash does.
    func kill(_ unit: String) throws { try sh("systemctl kill -s KILL --kill-whom=main \(unit)") }

    /// Restarts the bus; clients of it are on their own.
    func restartBus() throws { try sh("systemctl restart dbus.service dbus.socket") }

    /// Whether it stays so for a while that is long compared with what Regen needs.
    func stays(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(1.5)
        while Date() < deadline {
            #expect(try condition(), "\(what)")
            usleep(200_000)
        }
    }
}
