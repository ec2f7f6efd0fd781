import Foundation
import Linux
import Systemd
import Testing

/// A container whose journal the host sees, and units that talk.
private final class Talkers {
    let container: Container

    private static let scripts = [
        "three": "echo one; echo two; echo three; exit 3",
        "many": "i=0; while [ $i -lt 500 ]; do printf '%0100d\\n' $i; i=$((i+1)); done; exit 3",
        "short": "i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); done; exit 3",
        "long": "head -c 20000 /dev/zero | tr '\\0' x; echo; exit 3",
        "odd": "printf 'a\\001\\033[31m\\377b\\n\\n'; echo end; exit 3",
        "silent": "exit 3",
    ]

    init(_ debian: Debian) throws {
        container = try Container(
            debian,
            [
                "/usr/local/lib/systemd/system": "units", "/var/log/journal": "journal",
                "/srv": "srv",
            ], programs: []
        ) { directory in
            for folder in ["units", "journal", "srv"] {
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
            }
            for (name, script) in Self.scripts {
                try "#!/bin/sh\n\(script)\n".write(
                    toFile: "\(directory)/srv/\(name)", atomically: false, encoding: .utf8)
                try "[Service]\nExecStart=/bin/sh /srv/\(name)\n".write(
                    toFile: "\(directory)/units/\(name).service", atomically: false, encoding: .utf8
                )
            }
        }
    }

    var journal: String { "\(container.directory)/journal" }

    /// Runs one to its end.
    func run(_ name: String) throws -> JournalTail.Run {
        let began = Int64(Date().timeIntervalSince1970 * 1_000_000)
        _ = try container.run(["systemctl", "start", name])
        try container.until("\(name) has ended") {
            let state = try self.container.run(["systemctl", "is-active", name]).output
            return ["inactive\n", "failed\n"].contains(state)
        }
        // Its words may still be on their way.
        _ = try container.run(["journalctl", "--sync"])
        let text = try container.run(["systemctl", "show", "-P", "InvocationID", name]).output
        return JournalTail.Run(of: "\(name).service", String(text.dropLast()), began: began)
    }

    func tail(of run: JournalTail.Run, most: Int = 4096) -> JournalTail? {
        JournalTail(of: run, in: .directory(journal), most: most)
    }

    /// What an operator sees who pastes the command.
    func shown(_ run: JournalTail.Run, from cursor: String) throws -> [UInt8] {
        let file = "\(container.directory)/srv/shown"
        let command =
            "journalctl --output=cat --cursor='\(cursor)' '_SYSTEMD_UNIT=\(run.unit)' > /srv/shown"
        #expect(try container.run(["sh", "-c", command]).status == 0)
        return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
    }

    static let obstacle =
        Debian.allCases.compactMap { Container.obstacle($0) }.first

    /// Changes some bytes of a copy, or cuts it.
    static func damage(_ bytes: [UInt8], seed: UInt64) -> [UInt8] {
        var state = seed &* 6_364_136_223_846_793_005 &+ 1
        func roll(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        // Past what is used of it there is nothing to damage.
        let used = (bytes.lastIndex { $0 != 0 } ?? 0) + 1
        if seed % 4 == 0 { return Array(bytes.prefix(roll(used))) }
        var bytes = bytes
        let places = seed % 4 == 1 ? 272 : used
        for _ in 0...roll(200) { bytes[roll(places)] = UInt8(roll(256)) }
        return bytes
    }
}

@Suite(
    "the last words of a unit in the journal", .serialized,
    .enabled(if: Talkers.obstacle == nil, "\(Talkers.obstacle ?? "")"))
struct JournalTests {
    @Test(
        "they are found, whole and bounded, and the cursor shows the same",
        arguments: Debian.allCases)
    func words(debian: Debian) throws {
        let talkers = try Talkers(debian)
        let three = try talkers.run("three")
        let tail = try #require(talkers.tail(of: three))
        #expect(String(decoding: tail.bytes, as: UTF8.self) == "one\ntwo\nthree\n")
        #expect(try talkers.shown(three, from: tail.cursor) == tail.bytes)
        // Only whole lines, as long as there is room for one.
        #expect(talkers.tail(of: three, most: 9)?.bytes == Array("three\n".utf8))
        #expect(talkers.tail(of: three, most: 10)?.bytes == Array("two\nthree\n".utf8))
        #expect(talkers.tail(of: three, most: 2)?.bytes == Array("th".utf8))

        for (name, count) in [("many", 40), ("short", JournalTail.mostLines), ("odd", 2)] {
            let run = try talkers.run(name)
            let tail = try #require(talkers.tail(of: run))
            #expect(tail.bytes.count { $0 == 10 } == count, "\(name)")
            #expect(try talkers.shown(run, from: tail.cursor) == tail.bytes, "\(name)")
        }
        let long = try talkers.run("long")
        let cut = try #require(talkers.tail(of: long))
        #expect(cut.bytes == Array(repeating: UInt8(ascii: "x"), count: 4096))
        #expect(try talkers.shown(long, from: cut.cursor).starts(with: cut.bytes))

        // The unit's next run is another one; what both say is told apart.
        let again = try talkers.run("three")
        #expect(again.invocation != three.invocation)
        #expect(talkers.tail(of: three) == tail)
        let later = try #require(talkers.tail(of: again))
        #expect(later.bytes == tail.bytes)
        #expect(later.cursor != tail.cursor)

        #expect(talkers.tail(of: try talkers.run("silent")) == nil)
        for invocation in [String(repeating: "0", count: 32), "", "x", "\0"] {
            let nobody = JournalTail.Run(of: "three.service", invocation, began: .max)
            #expect(talkers.tail(of: nobody) == nil)
            #expect(talkers.tail(of: .init(of: "\0", invocation, began: .min)) == nil)
        }
        for place in ["\(talkers.journal)/none", "\(talkers.container.directory)/srv", ""] {
            #expect(JournalTail(of: three, in: .directory(place), most: 4096) == nil)
        }
        try damaged(talkers, three)
    }

    /// A reader of a damaged journal finds something, or nothing, and lives.
    private func damaged(_ talkers: Talkers, _ run: JournalTail.Run) throws {
        let machines = try FileManager.default.contentsOfDirectory(atPath: talkers.journal)
        let machine = try #require(machines.first)
        let file = "\(talkers.journal)/\(machine)/system.journal"
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        let copies = "\(talkers.container.directory)/copies"
        try FileManager.default.createDirectory(
            atPath: copies, withIntermediateDirectories: false)
        func tail(_ bytes: [UInt8]) throws -> JournalTail? {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(copies)/system.journal"))
            return JournalTail(of: run, in: .directory(copies), most: 4096)
        }
        #expect(try tail(whole) != nil)
        #expect(try tail([]) == nil)
        #expect(try tail(Array(repeating: 0, count: whole.count)) == nil)
        var lost = 0
        for seed in UInt64(0)..<60 {
            let tail = try tail(Talkers.damage(whole, seed: seed))
            if tail == nil { lost += 1 }
            #expect(tail?.bytes.count ?? 0 <= 4096)
        }
        #expect(lost > 0)
    }
}
