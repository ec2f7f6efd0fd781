import Records
import Supervision

/// The same as `remember`, but by way of the bytes: each record as the line that the real encoder
/// writes, taken in by the real recollection.
func rememberByLines(
    _ ledger: [SimRecord], boot: Int, now: Instant, wall: Int64
) -> Memory {
    var encoder = Encoder()
    var recollection = Recollection()
    for record in ledger {
        let event = encoder.encode(.mind(record.record)) { _ in
            InstanceFacts(name: record.name, program: "program", launch: record.launch)
        }
        var line = Array(
            """
            {"t":"\(record.wall)","bt":"\(record.at.nanoseconds)","boot":"\(record.boot)",\
            "ev":"\(event)",
            """.utf8)
        line += encoder.fields + Array("}".utf8)
        line.withUnsafeBytes { recollection.take($0) }
    }
    return recollection.memory(
        wall: wall, boottime: now.nanoseconds, boot: String(boot))
}
