// A process that appends as fast as the disk allows and says on standard output how many records
// were acknowledged, one 8-byte number each time. A test kills it at any moment.
import Glibc
import Ledger
import Linux

let directory = CommandLine.arguments[1]
let bootID = String(repeating: "b", count: 32)
do {
    var options = LedgerOptions()
    options.segmentRecords = 1 << 9
    let writer = try LedgerWriter(
        opening: directory, bootID: bootID, options: options,
        clock: { Stamp(wall: Clock.realtime(), boot: Clock.boottime()) },
        carry: { segment in
            [CarryRecord(event: "carry", fields: Array("\"from\":\(segment.first)".utf8))]
        })
    var number = 0
    while true {
        for _ in 0..<(number % 7 + 1) {
            number += 1
            let fields = Array("\"number\":\(number)".utf8)
            let stamp = Stamp(wall: Clock.realtime(), boot: Clock.boottime())
            _ = fields.withUnsafeBytes {
                writer.append(event: "soak.step", fields: $0, stamp: stamp)
            }
        }
        guard writer.flush(within: 60_000_000_000) else { exit(3) }
        var acknowledged = UInt64(number)
        guard write(1, &acknowledged, 8) == 8 else { exit(4) }
    }
} catch {
    print("\(error)")
    exit(2)
}
