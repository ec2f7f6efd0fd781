import Foundation
import Ledger
import Records
import SafeSwitch
import Testing

@Suite("regen vet") struct VetTests {
    private static let good = "/nix/store/good-nixos-system"
    private static let bad = "/nix/store/bad-nixos-system"

    /// A ledger in which the bad system was quarantined; `later` is what the next segment begins with.
    private func book(
        _ entries: [Entry] = [
            .switching(.quarantined(system: bad, generation: 42, culprit: nil, incident: 7))
        ]
    ) throws -> Folder {
        let state = try Folder()
        let writer = try LedgerWriter(
            opening: "\(state.url.path)/ledger", bootID: String(repeating: "0a", count: 16),
            clock: { Stamp(wall: 1_795_231_650_123_000_000, boot: 77) }, carry: { _ in [] })
        var encoder = Encoder()
        for entry in entries {
            let event = encoder.encode(entry) { _ in
                InstanceFacts(
                    name: "web", program: "web", launch: 7, probeNames: [], probeReasons: [])
            }
            let ticket = encoder.fields.withUnsafeBytes {
                writer.append(
                    event: event, fields: $0,
                    stamp: Stamp(wall: 1_795_231_650_123_000_000, boot: 100))
            }
            #expect(ticket != nil)
        }
        #expect(writer.close(within: 10_000_000_000))
        return state
    }

    @Test("what Regen has switched away from is refused, with the reason") func quarantined()
        throws
    {
        let state = try book()
        let told = try run(["vet", Self.bad, state.url.path])
        #expect(
            told
                == Outcome(
                    code: 1,
                    output: """
                        /nix/store/bad-nixos-system, generation 42, is quarantined: Regen switched \
                        away from it on 2026-11-21 03:27:30 UTC because of incident 7; see: regen \
                        explain 7

                        """, error: ""))
        let json = try run(["vet", Self.bad, "--json", state.url.path])
        #expect(
            json.output == """
                {"system":"/nix/store/bad-nixos-system","quarantined":true,\
                "t":"1795231650123000000","generation":42,"incident":7}

                """)
    }

    @Test("any other system may be switched to, and a link is followed") func fine() throws {
        let state = try book()
        let told = try run(["vet", Self.good, state.url.path])
        #expect(told.code == 0)
        #expect(told.output == "/nix/store/good-nixos-system is not quarantined\n")
        let link = state.url.appending(path: "result")
        try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "/")
        #expect(try run(["vet", link.path, state.url.path]).output == "/ is not quarantined\n")
    }

    @Test("a ledger of a newer Regen, with events and keys that nobody knows yet, is read")
    func newer() throws {
        let state = try book()
        let folder = state.url.appending(path: "ledger")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .first { $0.hasSuffix(".jsonl") })
        let file = folder.appending(path: name)
        var text = try String(contentsOf: file, encoding: .utf8)
        let last = try #require(
            text.split(separator: "\n").last { $0.contains("quarantine.add") })
        // Another event, and a known one with more in it: only what carries the chain is as today.
        text += last.replacing("quarantine.add", with: "oracle.speak") + "\n"
        text +=
            last.replacing(Self.bad, with: Self.good)
            .replacing("\"incident\":7", with: "\"incident\":7,\"mood\":{\"of\":[\"day\",1.5]}")
            + "\n"
        try text.write(to: file, atomically: true, encoding: .utf8)
        #expect(try run(["vet", Self.bad, state.url.path]).code == 1)
        #expect(try run(["vet", Self.good, state.url.path]).code == 1)
        #expect(try run(["vet", "/nix/store/x", state.url.path]).code == 0)
    }

    @Test("where there is no ledger nobody knows, which is neither yes nor no") func none() throws {
        let state = try Folder()
        let told = try run(["vet", Self.bad, state.url.path])
        #expect(told.code == 2)
        #expect(told.output == "")
        #expect(told.error.contains("if the ledger is elsewhere, name its directory"))
    }
}
