extension UnitService {
    /// The keys that only a unit has.
    static let ownKeys = ["restarts", "on_stop"]

    /// Keys that a unit cannot have, and why not.
    private static let foreign: [(keys: [String], why: String, hint: String)] = [
        (
            ["command", "run", "healthcheck"], "a service is a unit or a process, not both",
            "leave out one of them; what tells whether a unit is healthy goes below 'probes:'"
        ),
        (
            [
                "user", "group", "groups", "directory", "environment", "umask", "limits",
                "oom_score_adjust", "nice",
            ], "systemd makes the unit's process", "set it in the unit's own file"
        ),
        (
            ["instances", "clusters"], "a unit runs once",
            "for all instances of a template write 'unit: worker@*.service'"
        ),
        (["log"], "what a unit prints goes to the journal", "leave it out"),
        (
            ["stop"], "systemd stops a unit, in the unit's own way",
            "set KillSignal= and TimeoutStopSec= in the unit's own file"
        ),
        (["on_exit"], "a unit stays as it is when regend ends", "leave it out"),
        (
            ["autostart"], "Regen starts no unit that was not up",
            "let systemd do it: systemctl enable"
        ),
    ]

    /// Reads a service's `unit` and what belongs to it; `nil` where there is none.
    init?(_ service: Section, _ findings: inout Findings) {
        guard service.place("unit") != nil else {
            for key in Self.ownKeys {
                guard let place = service.place(key) else { continue }
                findings.error(place, Complaint("only a 'unit' has it", "leave it out"))
            }
            return nil
        }
        self.init(name: service.read("unit", or: "", &findings, unitName))
        restarter = service.read("restarts", &findings, word)
        onStop = service.read("on_stop", or: onStop, &findings, word)
        for (keys, why, hint) in Self.foreign {
            for key in keys {
                guard let place = service.place(key) else { continue }
                findings.error(place, Complaint(why, hint))
            }
        }
    }
}

/// The longest name of a unit that systemd takes.
private let longestUnitName = 255

/// A service's unit, or all instances of a template.
private func unitName(_ tree: Tree) throws(Complaint) -> String {
    let name = try text(tree)
    guard name.hasSuffix(".service") else {
        throw Complaint(
            "\(quoted(name)) is not the name of a service's unit",
            "write it with its type, such as nginx.service")
    }
    let stem = name.utf8.dropLast(".service".utf8.count)
    let isPattern = stem.count > 2 && stem.suffix(2).elementsEqual("@*".utf8)
    let plain = isPattern ? stem.dropLast() : stem
    guard plain.first != at, isUnitText(plain), !plain.isEmpty,
        name.utf8.count <= longestUnitName
    else {
        throw Complaint(
            "\(quoted(name)) is not the name of a unit",
            stem.contains(UInt8(ascii: "*"))
                ? "'*' stands for all instances of a template only: worker@*.service" : nil)
    }
    if !isPattern, stem.firstIndex(of: at) == stem.indices.last {
        throw Complaint(
            "\(quoted(name)) is a template and no unit",
            "write \(String(decoding: stem, as: UTF8.self))*.service for all its instances")
    }
    return name
}

private let at = UInt8(ascii: "@")

/// Only what names of units are made of; a backslash begins an escape `\x2d`.
private func isUnitText(_ text: Substring.UTF8View) -> Bool {
    var rest = text
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\") {
            guard rest.popFirst() == UInt8(ascii: "x"), rest.popFirst().map(isHexadecimal) == true,
                rest.popFirst().map(isHexadecimal) == true
            else { return false }
        } else if !isNameByte(byte), byte != UInt8(ascii: ":"), byte != at {
            return false
        }
    }
    return true
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
    default: isDigit(byte)
    }
}
