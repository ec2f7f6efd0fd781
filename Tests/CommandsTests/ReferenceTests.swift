import Commands
import Configuration
import Foundation
import Testing

/// docs/configuration.md, held to what the program does.
@Suite("the configuration's reference") struct ReferenceTests {
    private let text: String

    init() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        text = try String(
            contentsOf: root.appending(path: "docs/configuration.md"), encoding: .utf8)
    }

    /// The tables' rows below the headings that begin so: key, default, allowed.
    private func rows(_ heading: String) -> [(key: String, fallback: String, allowed: String)] {
        text.components(separatedBy: "\n## ").filter { $0.hasPrefix(heading) }
            .flatMap { $0.split(separator: "\n") }.filter { $0.hasPrefix("| `") }
            .map { line in
                let cells = line.components(separatedBy: "|").map {
                    $0.replacing("`", with: "").trimmingCharacters(in: .whitespaces)
                }
                return (cells[1], cells[2], cells[3])
            }
    }

    /// `stop.grace` and `5s` as `stop: {grace: 5s}`.
    private func member(_ key: String, _ value: String) -> String {
        let keys = key.split(separator: ".")
        return keys.dropLast().map { "\($0): {" }.joined() + "\(keys[keys.count - 1]): \(value)"
            + String(repeating: "}", count: keys.count - 1)
    }

    private func read(top: String = "", service: String = "") throws(ConfigurationErrors)
        -> Configuration
    {
        let yaml = "{\(top)services: {web: {command: [/a]\(service)}, other: {command: [/b]}}}"
        var warnings: [ConfigurationError] = []
        return try Configuration(try YAMLTree.read(Array(yaml.utf8)), warnings: &warnings)
    }

    /// Both ends of a range of the reference are taken, and what lies beyond them is refused. False: the
    /// row names no range.
    private func holdsItsRange(
        _ row: (key: String, fallback: String, allowed: String),
        _ read: (String, String) throws(ConfigurationErrors) -> Configuration
    ) throws -> Bool {
        guard let range = row.allowed.wholeMatch(of: /(\d+)(\w*) to (\d+)(\w*)/),
            let (low, high) = Int(range.1).flatMap({ low in Int(range.3).map { (low, $0) } })
        else { return false }
        for (number, unit) in [(low, range.2), (high, range.4)] {
            _ = try read(row.key, "\(number)\(unit)")
        }
        for (number, unit) in [(low - 1, range.2), (high + 1, range.4)] {
            #expect(throws: ConfigurationErrors.self, "\(row.key) \(number)") {
                try read(row.key, "\(number)\(unit)")
            }
        }
        return true
    }

    /// The keys that the program knows in one place, as it tells them itself.
    private func known(_ wrong: () throws(ConfigurationErrors) -> Configuration) -> Set<String> {
        do { _ = try wrong() } catch {
            let hint = error.errors.compactMap(\.hint).first { $0.hasPrefix("known keys: ") } ?? ""
            return Set(hint.dropFirst(12).components(separatedBy: ", "))
        }
        return []
    }

    @Test("the reference has every key and no other") func complete() {
        let top = known { () throws(ConfigurationErrors) in try read(top: "qqqqqqqqqq: 1, ") }
        #expect(Set(rows("The top level").map(\.key).filter { !$0.contains(".") }) == top)
        let service = known { () throws(ConfigurationErrors) in try read(service: ", qqqqqqqqqq: 1")
        }
        let told = (rows("A service") + rows("For those who come") + rows("A unit")).map(\.key)
        #expect(Set(told.filter { !$0.contains(".") }) == service)
        for group in ["backoff", "stop", "crash_loop", "start", "escalation", "log"] {
            let keys = known { () throws(ConfigurationErrors) in
                try read(service: ", " + member("\(group).qqqqqqqqqq", "1"))
            }
            let told = rows("A service").map(\.key).filter { $0.hasPrefix(group + ".") }
            #expect(Set(told) == Set(keys.map { "\(group).\($0)" }))
        }
        let safeSwitch = known { () throws(ConfigurationErrors) in
            try read(top: member("safeswitch.qqqqqqqqqq", "1") + ", ")
        }
        #expect(Set(rows("SafeSwitch").map(\.key)) == Set(safeSwitch.map { "safeswitch.\($0)" }))
    }

    @Test("SafeSwitch is as the reference says") func safeSwitch() throws {
        func read(_ key: String, _ value: String) throws(ConfigurationErrors) -> Configuration {
            try self.read(top: member(key, value) + ", ")
        }
        let plain = try self.read(top: "safeswitch: {}, ")
        var checked = 0
        for row in rows("SafeSwitch") {
            if !row.fallback.isEmpty {
                #expect(try read(row.key, row.fallback) == plain, "\(row.key)")
                checked += 1
            }
            if try holdsItsRange(row, read) {
                checked += 1
            } else if row.allowed.wholeMatch(of: /[a-z-]+(, [a-z-]+)+/) != nil {
                for word in row.allowed.components(separatedBy: ", ") {
                    _ = try read(row.key, word)
                }
                checked += 1
            }
        }
        #expect(checked == 15)
    }

    @Test("the watchdog is as the reference says") func watchdog() throws {
        func read(_ key: String, _ value: String) throws(ConfigurationErrors) -> Configuration {
            // A warning before the reset goes with a long time-out.
            let more = key == "watchdog.pretimeout" ? ", timeout: 1h" : ""
            return try self.read(top: "watchdog: {\(key.dropFirst(9)): \(value)\(more)}, ")
        }
        let told = rows("The hardware watchdog")
        let keys = known { () throws(ConfigurationErrors) in
            try read("watchdog.qqqqqqqqqq", "1")
        }
        #expect(Set(told.map(\.key)) == Set(keys.map { "watchdog.\($0)" }))
        let plain = try self.read(top: "watchdog: {}, ")
        var checked = 0
        for row in told {
            if !row.fallback.isEmpty {
                #expect(try read(row.key, row.fallback) == plain, "\(row.key)")
                checked += 1
            }
            if try holdsItsRange(row, read) { checked += 1 }
        }
        #expect(checked == 6)
    }

    @Test("a route has every key of the reference and no other, and its defaults") func routes()
        throws
    {
        func read(_ way: String, _ rest: String = "") throws(ConfigurationErrors) -> Configuration {
            try self.read(top: "notices: {ops: {\(way)}\(rest)}}, ")
        }
        let webhook = "webhook: {url_file: /u"
        let mail = "mail: {server: 'smtp://h', from: a@h, to: [b@h]"
        let told = rows("Notices").map(\.key)
        var keys: Set = ["on"]
        for (way, name) in [(webhook, "webhook"), (mail, "mail")] {
            let known = known { () throws(ConfigurationErrors) in
                try read(way + ", qqqqqqqqqq: 1")
            }
            keys.formUnion(known.map { "\(name).\($0)" })
        }
        #expect(Set(told) == keys)
        let plain = try read(webhook)
        #expect(try read(webhook + ", verify: true, timeout: 10s") == plain)
        #expect(
            try read(mail + ", starttls: required, verify: true, timeout: 30s") == read(mail))
        // The words of `on`: the default ones, and the others.
        let row = try #require(rows("Notices").first { $0.key == "on" })
        func words(_ text: String) -> [String] {
            text.matches(of: /[a-z]+\.[a-z]+|boot/).map { String($0.0) }
        }
        #expect(
            try read(webhook, ", on: [\(words(row.fallback).joined(separator: ", "))]") == plain)
        let all = words(row.fallback) + words(row.allowed)
        #expect(Set(all) == Set(NoticeRoute.Occasion.allCases.map(\.rawValue)))
    }

    @Test("the defaults are the ones in the reference") func defaults() throws {
        let plain = try read()
        var checked = 0
        for row in rows("A service") where !row.fallback.isEmpty && row.fallback != "needed" {
            #expect(try read(service: ", " + member(row.key, row.fallback)) == plain, "\(row.key)")
            checked += 1
        }
        for row in rows("The top level") where !row.fallback.isEmpty {
            #expect(try read(top: member(row.key, row.fallback) + ", ") == plain, "\(row.key)")
            checked += 1
        }
        #expect(checked > 20)
    }

    @Test("the ranges are the ones in the reference") func ranges() throws {
        var checked = 0
        for row in rows("A service") {
            guard let range = row.allowed.wholeMatch(of: /(-?\d+)(\w*) to (-?\d+)(\w*)/),
                let (low, high) = Int(range.1).flatMap({ low in Int(range.3).map { (low, $0) } })
            else { continue }
            // The first wait may not be longer than the longest.
            let rest =
                ["backoff.first": ", most: 1d", "backoff.most": ", first: 1ms"][row.key] ?? ""
            func accepts(_ number: Int, _ unit: Substring) -> Bool {
                (try? read(service: ", " + member(row.key, "\(number)\(unit)\(rest)"))) != nil
            }
            #expect(accepts(low, range.2), "\(row.key) \(low)")
            #expect(accepts(high, range.4), "\(row.key) \(high)")
            #expect(!accepts(low - 1, range.2), "\(row.key) \(low - 1)")
            #expect(!accepts(high + 1, range.4), "\(row.key) \(high + 1)")
            checked += 1
        }
        #expect(checked == 15)
    }

    /// The least that makes a probe of each kind, or a part of a service, inside of its mapping.
    private static let least = [
        "http": "url: 'http://h/'", "tls": "server: 'h:443'", "tcp": "port: 80", "unix": "path: /s",
        "listening": "port: 80", "command": "command: x", "memory": "below: 50%", "cpu": "",
        "progress": "file: /f", "file": "path: /f", "notify": "", "run": "start: x",
        "healthcheck": "cmd: x",
    ]

    /// A service with that row's part and the value in it; `nil` is the part at its least.
    private func read(_ row: String, _ value: String?) throws(ConfigurationErrors) -> Configuration
    {
        let keys = row.split(separator: ".").map(String.init)
        let kind = keys.count == 1 ? "tcp" : keys[0]
        let key = keys[keys.count - 1]
        var members = (Self.least[kind] ?? "").split(separator: ", ").map(String.init)
        if let value {
            members.removeAll { $0.hasPrefix("\(key):") }
            members.append("\(key): \(value)")
        }
        let part = "\(kind): {\(members.joined(separator: ", "))}"
        var start = "command: [/a]"
        if kind == "run" { start = part }
        if kind == "healthcheck" { start += ", \(part)" }
        let probes = ["run", "healthcheck"].contains(kind) ? "" : ", probes: [{\(part)}]"
        var warnings: [ConfigurationError] = []
        let yaml = "{services: {web: {\(start)\(probes)}}}"
        return try Configuration(try YAMLTree.read(Array(yaml.utf8)), warnings: &warnings)
    }

    private var parts: [(key: String, fallback: String, allowed: String)] {
        rows("Probes") + rows("For those who come").filter { $0.key.contains(".") }
    }

    @Test("each kind of probe has the keys of the reference and no other") func probeKeys() {
        let policy: Set = ["interval", "timeout", "strikes", "confirm_interval"]
        #expect(Set(rows("Probes").map(\.key).filter { !$0.contains(".") }) == policy)
        for kind in Self.least.keys {
            let keys = known { () throws(ConfigurationErrors) in try read("\(kind).qqqqqqqq", "1") }
            let told = Set(parts.map(\.key).filter { $0.hasPrefix("\(kind).") })
            #expect(
                told.union(policy.map { "\(kind).\($0)" })
                    == keys.union(kind == "run" ? policy : []).reduce(into: []) {
                        $0.insert("\(kind).\($1)")
                    })
        }
    }

    @Test("the defaults of probes are the ones in the reference") func probeDefaults() throws {
        var checked = 0
        for row in parts where !row.fallback.isEmpty && row.fallback != "needed" {
            #expect(try read(row.key, row.fallback) == read(row.key, nil), "\(row.key)")
            checked += 1
        }
        #expect(checked == 21)
    }

    @Test("what a probe needs is needed") func probeNeeds() throws {
        for row in parts where row.fallback == "needed" {
            #expect(throws: ConfigurationErrors.self, "\(row.key)") { try read(row.key, "null") }
        }
    }

    @Test("the ranges of probes are the ones in the reference") func probeRanges() throws {
        var checked = 0
        for row in parts {
            guard let range = row.allowed.prefixMatch(of: /(\d+)([a-z%]*) to (\d+)([a-z%]*)/),
                let (low, high) = Int(range.1).flatMap({ low in Int(range.3).map { (low, $0) } })
            else { continue }
            // The answer to a request must be there within the time-out.
            let rest = row.key == "http.within" ? ", timeout: 1h" : ""
            func accepts(_ number: Int, _ unit: Substring) -> Bool {
                (try? read(row.key, "\(number)\(unit)\(rest)")) != nil
            }
            #expect(accepts(low, range.2), "\(row.key) \(low)")
            #expect(accepts(high, range.4), "\(row.key) \(high)")
            #expect(!accepts(low - 1, range.2), "\(row.key) \(low - 1)")
            #expect(!accepts(high + 1, range.4), "\(row.key) \(high + 1)")
            checked += 1
        }
        #expect(checked == 19)
    }

    @Test("the words are the ones in the reference") func words() throws {
        for row in rows("A service") where row.allowed.contains(", ") || row.allowed == "off" {
            guard row.allowed.wholeMatch(of: /[a-z, -]+/) != nil else { continue }
            for word in row.allowed.components(separatedBy: ", ") where !word.contains(" ") {
                _ = try read(service: ", " + member(row.key, word))
            }
        }
    }

    @Test("the examples are good configurations") func examples() throws {
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst()
        #expect(!blocks.isEmpty)
        for block in blocks {
            let yaml = block.components(separatedBy: "```")[0]
            var warnings: [ConfigurationError] = []
            _ = try Configuration(try YAMLTree.read(Array(yaml.utf8)), warnings: &warnings)
            #expect(warnings.isEmpty)
        }
    }
}
