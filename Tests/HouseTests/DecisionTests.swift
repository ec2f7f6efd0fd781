import Foundation
import Testing

/// Decisions that nobody finds are made again.
struct DecisionTests {
    private static let docs = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("docs")

    @Test("docs/README.md names every decision by its own heading") func index() throws {
        let index = try String(
            contentsOf: Self.docs.appendingPathComponent("README.md"), encoding: .utf8)
        let folder = Self.docs.appendingPathComponent("decisions")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        try #require(files.count > 30)
        for file in files.sorted() {
            let text = try String(
                contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
            let heading = text.prefix { $0 != "\n" }.drop { "# ".contains($0) }
            #expect(index.contains("- [\(heading)](decisions/\(file))"))
        }
    }
}
