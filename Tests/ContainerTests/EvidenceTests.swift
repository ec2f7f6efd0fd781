import Foundation
import JSON
import Testing

/// Units that go wrong in their own ways when told to, and a regend that finds out how.
private enum EvidenceScene: String, CaseIterable, CustomTestStringConvertible {
    case words = "a unit that exits has its last words in the record, and journalctl shows them"
    case resources = "memory and processor time are those of the unit's cgroup"
    case remedies = "remedies work for a unit before systemd restarts it"

    var testDescription: String { rawValue }

    func play(_ debian: Debian) throws {
        switch self {
        case .words: try talk(debian)
        case .resources: try overuse(debian)
        case .remedies: try mend(debian)
        }
    }
}

@Suite(
    "evidence from units of systemd 252", .serialized,
    .enabled(if: Container.obstacle(.bookworm) == nil, "\(Container.obstacle(.bookworm) ?? "")"))
struct EvidenceTests {
    @Test("a failure is explained", arguments: EvidenceScene.allCases)
    private func evidence(_ scene: EvidenceScene) throws { try scene.play(.bookworm) }
}

@Suite(
    "evidence from units of systemd 257", .serialized,
    .enabled(if: Container.obstacle(.trixie) == nil, "\(Container.obstacle(.trixie) ?? "")"))
struct NewerEvidenceTests {
    @Test("a failure is explained", arguments: EvidenceScene.allCases)
    private func evidence(_ scene: EvidenceScene) throws { try scene.play(.trixie) }
}

/// Ends as the script says once there is a file.
private func unit(_ name: String, _ end: String, _ more: String = "") -> String {
    """
    [Service]
    ExecStart=/bin/sh -c 'while ! [ -e /srv/\(name) ]; do sleep 0.1; done; rm /srv/\(name); \(end)'
    \(more)

    """
}

extension UnitMachine {
    /// The record of the diagnosis of a service's only incident.
    fileprivate func diagnosis(_ service: String) throws -> JSONValue {
        try untilRecorded("incident.diagnose", service)
        return try #require(
            try records().last {
                $0["ev"]?.string == "incident.diagnose" && $0["service"]?.string == service
            })
    }

    /// What goes wrong when that file is there.
    fileprivate func provoke(_ name: String) throws {
        _ = FileManager.default.createFile(
            atPath: "\(container.directory)/srv/\(name)", contents: nil)
    }
}

private func talk(_ debian: Debian) throws {
    let machine = try UnitMachine(
        debian,
        [
            "web.service": unit("web", "echo first; echo \"port is taken\" >&2; sleep 2; exit 3"),
            "loud.service": unit("loud", "kill -SEGV $$$$"),
            "dog.service": """
            [Service]
            Type=notify
            NotifyAccess=all
            WatchdogSec=500ms
            ExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep 1000'

            """,
        ],
        """
        services:
          web: { unit: web.service }
          loud: { unit: loud.service }
          dog: { unit: dog.service }
        """)
    try machine.sh("systemctl start web loud")
    try machine.begin()
    try machine.until("web", "running")
    let run = try machine.show("InvocationID", "web")
    try machine.provoke("web")
    let web = try machine.diagnosis("web")
    #expect(web["class"]?.string == "exit-code")
    #expect(web["unit"]?.string == "web.service")
    #expect(web["invocation"]?.string == run)
    #expect(web["output_bytes"]?.integer == 20)
    let cursor = try #require(web["output_cursor"]?.string)
    let digest = try #require(web["output_sha256"]?.string)
    let command = "journalctl --output=cat --cursor='\(cursor)' '_SYSTEMD_UNIT=web.service'"
    #expect(try machine.sh("\(command) | head -c 20") == "first\nport is taken\n")
    #expect(try machine.sh("\(command) | head -c 20 | sha256sum").hasPrefix(digest))
    // The text itself is nowhere but in the journal.
    #expect(!machine.container.text("srv/messages").contains("port is taken"))
    // It says no while something does not run.
    let status = try machine.container.run(["/opt/regen/regen", "status", "web"]).output
    #expect(status.contains(command))
    let incident = try #require(web["incident"]?.integer)
    #expect(try machine.sh("/opt/regen/regen explain \(incident)").contains(command))
    try machine.until("web", "running")

    try machine.provoke("loud")
    let loud = try machine.diagnosis("loud")
    #expect(loud["class"]?.string == "crash-by-signal")
    #expect(loud["output_cursor"] == nil)
    #expect(loud["output_bytes"] == nil)
    #expect(loud["evidence"]?.array?.last?.string == "nothing is known of its last output")

    try machine.sh("systemctl start dog")
    let dog = try machine.diagnosis("dog")
    #expect(dog["class"]?.string == "hang")
    #expect(dog["text"]?.string?.contains("WATCHDOG=1") == true)
}

private func overuse(_ debian: Debian) throws {
    func child(_ name: String, _ work: String) -> String {
        // The main process only waits: it is its child that goes wrong.
        let script =
            "$0 = q(\(name)); select(undef, undef, undef, 0.1) until -e q(/srv/\(name)); \(work)"
        return
            "[Service]\nExecStart=/bin/sh -c 'perl -e \"\(script.replacing("$", with: "\\\\$$"))\"; :'\n"
    }
    let machine = try UnitMachine(
        debian,
        [
            "eater.service": child("eater", "$n = 96 << 20; $x = q(x) x $n; sleep 1000"),
            "spinner.service": child("spinner", "1 while -e q(/srv/spinner)"),
        ],
        """
        services:
          eater:
            unit: eater.service
            probes: [ { memory: { below: 48MiB }, interval: 200ms, strikes: 2 } ]
          spinner:
            unit: spinner.service
            probes: [ { cpu: { below: 5%, for: 1s }, interval: 500ms, strikes: 1 } ]
        """)
    try machine.sh("systemctl start eater spinner")
    try machine.begin()
    for name in ["eater", "spinner"] {
        try machine.container.until("the probe of \(name) has passed") {
            try machine.count("probe.proven", name) == 1
        }
        let before = try machine.show("MainPID", name)
        try machine.provoke(name)
        try machine.container.until("\(name) is found out") {
            try machine.stoodStill() || machine.count("incident.diagnose", name) > 0
        }
        if try machine.stoodStill() {
            print("the machine stood still: \(name) has no diagnosis to look at")
        } else {
            let diagnosis = try machine.diagnosis(name)
            #expect(diagnosis["class"]?.string == "hang")
            let text = try #require(diagnosis["text"]?.string)
            #expect(text.contains(name == "eater" ? "MiB in use" : "% of a core"), "\(text)")
        }
        try machine.sh("rm /srv/\(name)")
        try machine.untilHealed(name)
        #expect(try machine.show("MainPID", name) != before)
    }
}

private func mend(_ debian: Debian) throws {
    let user = "User=nobody\nExecStartPre=+/bin/chmod 0777 /srv\n"
    let machine = try UnitMachine(
        debian,
        [
            "web.service": unit("web", "exit 3", user),
            "sure.service": unit("sure", "exit 3", user),
            "bad.service": unit("bad", "exit 3", user),
        ],
        """
        services:
          web:
            unit: web.service
            remedies:
              - dependencies: [ { directory: /srv/cache, create: true, owner: nobody } ]
          sure:
            unit: sure.service
            remedies: [ { validate_config: [/bin/sh, -c, id -un > /srv/who] } ]
          bad:
            unit: bad.service
            remedies: [ { validate_config: [/bin/sh, -c, echo wrong; exit 1] } ]
        """)
    try machine.sh("systemctl start web sure bad")
    try machine.begin()
    for name in ["web", "sure"] {
        try machine.until(name, "running")
        try machine.provoke(name)
        try machine.untilRecorded("remedy.end", name)
        try machine.until(name, "running")
    }
    #expect(try machine.sh("stat -c %U /srv/cache") == "nobody\n")
    // It was checked as the unit's own user.
    #expect(machine.container.text("srv/who") == "nobody\n")
    try machine.provoke("bad")
    try machine.untilRecorded("incident.handover", "bad")
    let refused = try machine.records().last { $0["ev"]?.string == "remedy.end" }
    #expect(refused?["outcome"]?.string == "refused")
}
