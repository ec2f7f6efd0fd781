import Foundation
import JSON
import Ledger
import Linux
import Testing

@Suite("ledger commands") struct LedgerCommandsTests {
    /// A real ledger: a segment.open and records of two services.
    private func makeLedger() throws -> Folder {
        let state = try Folder()
        let writer = try writer(state)
        for number in 0..<6 {
            let name = number % 2 == 0 ? "web" : "db@\(number)"
            append(#""service":"\#(name)","number":\#(number)"#, to: writer)
        }
        #expect(writer.close(within: 10_000_000_000))
        return state
    }

    private func writer(_ state: Folder) throws -> LedgerWriter {
        let stamp = Stamp(wall: 1_795_231_650_123_000_000, boot: 77)
        return try LedgerWriter(
            opening: "\(state.url.path)/ledger", bootID: String(repeating: "0a", count: 16),
            clock: { stamp }, carry: { _ in [] })
    }

    private func append(_ fields: String, to writer: LedgerWriter) {
        let stamp = Stamp(wall: 1_795_231_650_123_000_000, boot: 78)
        let ticket = Array(fields.utf8).withUnsafeBytes {
            writer.append(event: "process.exit", fields: $0, stamp: stamp)
        }
        #expect(ticket != nil)
    }

    private func segment(_ state: Folder) throws -> String {
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(state.url.path)/ledger")
        return "\(state.url.path)/ledger/\(try #require(files.first { $0.hasSuffix(".jsonl") }))"
    }

    @Test("a sound ledger is told by its ranges and its head, and the answer is 0") func sound()
        throws
    {
        let state = try makeLedger()
        let told = try run(["ledger", "verify", state.url.path])
        #expect(told.code == 0)
        #expect(told.output.contains("records    0 to 6 (7 records)\n"))
        #expect(told.output.contains("unsealed   0 to 6 (7 records)\n"))
        let head = try LedgerVerifier(directory: "\(state.url.path)/ledger").verify().head.text
        #expect(told.output.contains("head       \(head)\n"))
        #expect(told.output.contains("kept outside of this machine"))
        #expect(!told.output.contains("OK"))
        // The ledger's own directory will do, too.
        let again = try run(["ledger", "verify", "\(state.url.path)/ledger"])
        #expect(again.output == told.output)
    }

    @Test("a changed byte is told with its record, file and place, and the answer is 2")
    func tampered() throws {
        let state = try makeLedger()
        let path = try segment(state)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let changed = text.replacingOccurrences(of: #""number":3"#, with: #""number":4"#)
        try Data(changed.utf8).write(to: URL(fileURLWithPath: path))
        let told = try run(["ledger", "verify", state.url.path])
        #expect(told.code == 2)
        let lines = text.split(separator: "\n")
        let offset = lines[..<4].reduce(0) { $0 + $1.utf8.count + 1 }
        let file = try #require(path.split(separator: "/").last)
        #expect(told.output.contains("fault      at record 4, \(file) byte \(offset): expected "))
        #expect(told.output.contains("Tampered or damaged: 1 fault."))
        let json = try run(["ledger", "verify", "--json", state.url.path])
        #expect(json.code == 2)
        let report = try JSONValue.parse(Array(json.output.utf8), limit: 100_000)
        #expect(report["verdict"]?.string == "tampered")
    }

    @Test("a torn tail is 3, no ledger and wrong usage are 1: 2 is kept for tampering")
    func otherAnswers() throws {
        let state = try makeLedger()
        let file = try #require(FileHandle(forWritingAtPath: try segment(state)))
        try file.seekToEnd()
        file.write(Data(#"{"prev":"00"#.utf8))
        let torn = try run(["ledger", "verify", state.url.path])
        #expect(torn.code == 3)
        #expect(torn.output.contains("torn       11 bytes from byte "))
        let nothing = try Folder()
        #expect(try run(["ledger", "verify", nothing.url.path]).code == 1)
        #expect(try run(["ledger", "verify", "--frobnicate"]).code == 1)
        #expect(try run(["ledger", "show", "--frobnicate"]).code == 2)
    }

    @Test("show prints the last records in words, or as they are") func show() throws {
        let state = try makeLedger()
        let told = try run(["ledger", "show", state.url.path, "-n", "2"])
        #expect(
            told.output == """
                2026-11-21 03:27:30.123  process.exit        service=web number=4
                2026-11-21 03:27:30.123  process.exit        service=db@5 number=5

                """)
        let text = try String(contentsOfFile: try segment(state), encoding: .utf8)
        #expect(try run(["ledger", "show", state.url.path, "--json"]).output == text)
        #expect(try run(["ledger", "show", state.url.path, "-n", "0"]).output == "")
    }

    @Test("show finds a service's records, and those of its instances") func service() throws {
        let state = try makeLedger()
        func numbers(_ service: String, _ count: Int) throws -> [Int64?] {
            let told = try run(
                [
                    "ledger", "show", state.url.path, "--json", "--service", service, "-n",
                    "\(count)",
                ])
            return try told.output.split(separator: "\n")
                .map { try JSONValue.parse(Array($0.utf8), limit: 5000)["number"]?.integer }
        }
        #expect(try numbers("web", 10) == [0, 2, 4])
        #expect(try numbers("web", 2) == [2, 4])
        #expect(try numbers("db", 10) == [1, 3, 5])
        #expect(try numbers("db@3", 10) == [3])
        #expect(try numbers("d", 10) == [])
    }

    @Test("show makes spans, truths, lists and hostile texts readable") func words() throws {
        let members = """
            "ev":"x.y","uptime_ms":61000,"asked":true,"services":["a","b"],"none":[],"nil":null,\
            "text":"two words","evil":"\\u001b[2Jx","exit":{"code":3},"launch":7
            """
        let told = try show(members)
        #expect(
            told == """
                2026-11-21 03:27:30.123  x.y                 uptime=1m1s asked=yes services=a,b \
                text="two words" evil=\\u{1b}[2Jx exit.code=3

                """)
    }

    @Test(
        "moments are dates in UTC",
        arguments: [
            ("0", "1970-01-01 00:00:00.000"),
            ("-1", "1969-12-31 23:59:59.999"),
            ("951782400000000000", "2000-02-29 00:00:00.000"),
            ("951868799999999999", "2000-02-29 23:59:59.999"),
            ("1709251199000000000", "2024-02-29 23:59:59.000"),
            ("1709251200000000000", "2024-03-01 00:00:00.000"),
            ("1735689599500000000", "2024-12-31 23:59:59.500"),
            ("4107542400000000000", "2100-03-01 00:00:00.000"),
            ("9223372036854775807", "2262-04-11 23:47:16.854"),
        ])
    func dates(_ nanoseconds: String, _ expected: String) throws {
        #expect(try show(#""ev":"x.y""#, at: nanoseconds) == "\(expected)  x.y\n")
    }

    /// What `show` makes of a line with these members.
    private func show(_ members: String, at time: String = "1795231650123000000") throws -> String {
        let state = try Folder()
        let zeros = String(repeating: "0", count: 64)
        let line =
            #"{"prev":"\#(zeros)","seq":0,"t":"\#(time)","bt":"1","boot":"\#(zeros.prefix(32))",\#(members)}"#
        _ = try state.write("00000000000000000000.jsonl", line + "\n")
        return try run(["ledger", "show", state.url.path]).output
    }

    @Test("show follows what is recorded, more at once than it looks at by itself included")
    func follow() throws {
        let state = try makeLedger()
        let output = Pipe()
        let process = Process()
        process.executableURL = regen
        process.arguments = ["ledger", "show", state.url.path, "-f", "-n", "1", "--json"]
        process.standardOutput = output
        try process.run()
        defer {
            // It may have inherited a mask that blocks every other signal.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        var seen: [Int64] = []
        func wait(for last: Int64) throws {
            var text = ""
            while seen.last != last {
                text += String(decoding: try output.next(), as: UTF8.self)
                try #require(!text.isEmpty)
                while let end = text.firstIndex(of: "\n") {
                    let line = try JSONValue.parse(Array(text[..<end].utf8), limit: 5000)
                    if let number = line["number"]?.integer { seen.append(number) }
                    text = String(text[text.index(after: end)...])
                }
            }
        }
        try wait(for: 5)
        let writer = try writer(state)
        append(#""number":6"#, to: writer)
        #expect(writer.flush(within: 10_000_000_000))
        try wait(for: 6)
        for number in 7...506 { append(#""number":\#(number)"#, to: writer) }
        #expect(writer.close(within: 10_000_000_000))
        try wait(for: 506)
        #expect(seen == Array(5...506))
    }
}
