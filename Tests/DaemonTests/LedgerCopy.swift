import Foundation
import Ledger

/// What the ledger's files held at one moment.
struct LedgerCopy {
    private var segments: [String: Data] = [:]

    init(of installation: Installation) throws {
        let folder = "\(installation.state)/ledger"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names where name.hasSuffix(".jsonl") {
            segments[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
    }

    var isEmpty: Bool { segments.isEmpty }

    /// The segments in which `later` does not begin with every whole line that stands here. Behind
    /// the last whole line there may be a torn one, which is nobody's record.
    func lost(in later: LedgerCopy) -> [String] {
        segments.keys.sorted().filter { name in
            let old = segments[name]!
            let whole = old.prefix(through: (old.lastIndex(of: 10) ?? -1))
            return !whole.isEmpty && later.segments[name]?.starts(with: whole) != true
        }
    }
}

extension Installation {
    /// What is wrong with the ledger, in words; `nil`: nothing. A torn end is nothing wrong.
    func ledgerFault() throws -> String? {
        let report = try LedgerVerifier(directory: "\(state)/ledger").verify()
        switch report.verdict {
        case .sound, .torn: return nil
        case .unreadable, .tampered, .unanchored, .stale, .forked, .gap:
            return "\(report.verdict): \(report.faults)"
        }
    }

    /// Runs docs/verify-ledger.py, which knows nothing but SHA-256; its exit status.
    func verifyIndependently() throws -> Int32 {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "\(root)/docs/verify-ledger.py", "\(state)/ledger"]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
