import JSON
import Ledger
import Records
import SafeSwitch
import Supervision

/// The lines that a made-up machine writes, in the ledger's form, on clocks that a test moves.
struct Diary {
    static let second: Int64 = 1_000_000_000
    static let year: Int64 = 365 * 86_400 * second

    /// Nanoseconds since 1970.
    var wall: Int64 = 1_790_000_000 * second
    /// Nanoseconds since boot.
    var boottime: Int64 = 100 * second
    private(set) var boot = 1
    private(set) var lines: [[UInt8]] = []
    private var encoder = Encoder()

    var bootID: String { String(repeating: "0", count: 31) + String(boot, radix: 16) }

    /// Both clocks go on.
    mutating func pass(_ nanoseconds: Int64) {
        wall += nanoseconds
        boottime += nanoseconds
    }

    /// The machine boots again, so long after it went down.
    mutating func reboot(after nanoseconds: Int64 = 20 * second) {
        boot += 1
        wall += nanoseconds
        boottime = 10 * Self.second
    }

    /// Writes a record and returns its event.
    @discardableResult
    mutating func write(
        _ entry: Entry,
        facts: InstanceFacts = InstanceFacts(name: "web", program: "web", launch: 7)
    ) -> String {
        let event = encoder.encode(entry) { _ in facts }
        lines.append(line("\(event)", encoder.fields))
        return "\(event)"
    }

    /// Puts in a line that another wrote.
    mutating func append(_ line: [UInt8]) { lines.append(line) }

    mutating func write(_ record: Supervision.Record) { write(.mind(record)) }

    mutating func write(_ record: SwitchRecord) { write(.switching(record)) }

    /// What a new segment would begin with.
    func carried(_ recollection: Recollection) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        recollection.carry(wall: wall, boottime: boottime, boot: bootID) {
            lines.append(line("carry", $0))
        }
        return lines
    }

    /// A line as the ledger's LineComposer makes it.
    func line(_ event: String, _ fields: [UInt8]) -> [UInt8] {
        let zeros = String(repeating: "0", count: 64)
        let head =
            "{\"prev\":\"\(zeros)\",\"seq\":\(lines.count),\"t\":\"\(wall)\",\"bt\":\"\(boottime)\","
            + "\"boot\":\"\(bootID)\",\"ev\":\"\(event)\",\"synced\":true"
        return Array(head.utf8) + (fields.isEmpty ? [] : [UInt8(ascii: ",")]) + fields
            + Array("}\n".utf8)
    }

    /// What the lines add up to, told to a daemon that starts now.
    func memory(of lines: [[UInt8]]) -> Memory {
        recollection(of: lines).memory(wall: wall, boottime: boottime, boot: bootID)
    }

    var memory: Memory { memory(of: lines) }

    /// The same of what SafeSwitch is told.
    func switchMemory(of lines: [[UInt8]]) -> SwitchMemory {
        recollection(of: lines).switchMemory(wall: wall, boottime: boottime, boot: bootID)
    }

    var switchMemory: SwitchMemory { switchMemory(of: lines) }

    func recollection(of lines: [[UInt8]]) -> Recollection {
        var recollection = Recollection()
        for line in lines { line.withUnsafeBytes { recollection.take($0) } }
        return recollection
    }
}

extension Instant {
    static func seconds(_ n: Int64) -> Instant { Instant(nanoseconds: n * Diary.second) }
}
