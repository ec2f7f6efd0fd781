import Foundation
import JSON

extension Container {
    /// Where the ledger is, as the host sees it.
    var ledger: String { "\(directory)/state/ledger" }

    /// The ledger's records that are on the disk, oldest first.
    func records() throws -> [JSONValue] {
        let segments = try FileManager.default.contentsOfDirectory(atPath: ledger)
            .filter { $0.hasSuffix(".jsonl") }.sorted()
        return try segments.flatMap { segment in
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(ledger)/\(segment)"))
            // What comes after the last newline is being written.
            return try data.prefix(upTo: data.lastIndex(of: 10) ?? data.startIndex)
                .split(separator: 10)
                .map { try JSONValue.parse(Array($0), limit: 4096) }
        }
    }
}
