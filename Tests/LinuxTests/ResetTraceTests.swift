import Foundation
import Linux
import Testing

@Suite("what a reset leaves behind") struct ResetTraceTests {
    private let directory = NSTemporaryDirectory() + "regen-traces-\(UUID().uuidString)"

    private func write(_ path: String, _ text: String, modified: Int64? = nil) throws {
        let path = "\(directory)/\(path)"
        let folder = path[..<path.lastIndex(of: "/")!]
        try FileManager.default.createDirectory(
            atPath: String(folder), withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        guard let modified else { return }
        let date = Date(timeIntervalSince1970: Double(modified))
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
    }

    @Test("each driver that tells is heard, and the kernel's own timer never can")
    func drivers() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try write("watchdog0/bootstatus", "32\n")
        try write("watchdog0/identity", "i6300ESB timer\n")
        try write("watchdog1/bootstatus", "0\n")
        try write("watchdog1/identity", "Software Watchdog\n")
        try write("watchdog2/identity", "says nothing\n")
        try write("watchdog3/bootstatus", "nonsense\n")
        try write("watchdog4/bootstatus", "1\n")
        let all = WatchdogStatus.all(in: directory)
        #expect(all.map(\.name) == ["watchdog0", "watchdog1", "watchdog4"])
        #expect(all.map(\.hasReset) == [true, false, false])
        #expect(all.map(\.canTell) == [true, false, true])
        #expect(all[0].identity == "i6300ESB timer")
        #expect(WatchdogStatus.all(in: "\(directory)/none").isEmpty)
    }

    @Test("no more devices are looked at than the bound")
    func manyDrivers() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for number in 0..<40 { try write("watchdog\(number)/bootstatus", "0\n") }
        #expect(WatchdogStatus.all(in: directory).count == WatchdogStatus.most)
    }

    @Test("the newest dump since then counts, also where systemd has moved it; nothing else does")
    func dumps() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let second: Int64 = 1_000_000_000
        try write("pstore/dmesg-efi-1", "old", modified: 1000)
        try write("pstore/console-ramoops-0", "no crash", modified: 3000)
        let places = ["\(directory)/pstore", "\(directory)/none", "\(directory)/archive"]
        #expect(CrashDump.newest(since: 1001 * second, in: places) == nil)
        #expect(
            CrashDump.newest(since: 1000 * second, in: places) == "\(directory)/pstore/dmesg-efi-1")
        let moved = "\(directory)/archive/1790/001/dmesg.txt"
        try write("archive/1790/001/dmesg.txt", "moved", modified: 2000)
        #expect(CrashDump.newest(since: 1001 * second, in: places) == moved)
        try write("archive/1/2/3/dmesg-too-deep", "", modified: 4000)
        #expect(CrashDump.newest(since: 1001 * second, in: places) == moved)
        #expect(
            try String(contentsOfFile: "\(directory)/pstore/dmesg-efi-1", encoding: .utf8) == "old")
    }

    @Test("a link leads nowhere, and no more names are looked at than the bound")
    func boundedDumps() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try write("far/dmesg-1", "", modified: 5000)
        try FileManager.default.createDirectory(
            atPath: "\(directory)/pstore", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(directory)/pstore/far", withDestinationPath: "\(directory)/far")
        #expect(CrashDump.newest(since: 0, in: ["\(directory)/pstore"]) == nil)
        try write("many/dmesg-0", "", modified: 5000)
        for number in 0..<CrashDump.mostNames { try write("many/x\(number)", "") }
        #expect(CrashDump.newest(since: 0, in: ["\(directory)/many"]) == nil)
    }
}
