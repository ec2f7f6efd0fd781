import Foundation
import Records
import Testing

@Suite("the journal's catalog") struct MessageIDTests {
    private static func catalog() throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../..").standardized.path
        return try String(
            contentsOfFile: "\(root)/examples/systemd/regen.catalog", encoding: .utf8)
    }

    @Test("every message that has an id is explained under it, and no other")
    func complete() throws {
        let entries = try Self.catalog().matches(of: /(?m)^# (\S+)\n-- ([0-9a-f]{32})\nSubject: ./)
        #expect(entries.map { "\($0.1) \($0.2)" } == MessageID.all.map { "\($0.event) \($0.id)" })
        #expect(Set(MessageID.all.map(\.id)).count == MessageID.all.count)
        #expect(Set(MessageID.all.map(\.event)).count == MessageID.all.count)
    }

    @Test("an id is found by its event, and never changes")
    func stable() {
        #expect(MessageID.of("incident.handover") == "116f47651e415918ba32fbd2e37545a9")
        #expect(MessageID.of("no.such") == nil)
    }
}
