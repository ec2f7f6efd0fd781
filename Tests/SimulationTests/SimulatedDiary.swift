import Records
import SafeSwitch
import Supervision

/// What both minds have to say, as the lines that the real encoder writes, taken in one by one by the
/// real recollection: SafeSwitch's memory comes from there.
struct SimDiary {
    private var encoder = Encoder()
    private var recollection = Recollection()
    /// What is on the disk for certain, and outlives a power cut.
    private var certain = Recollection()
    private var last: (boot: Int, at: Int64, wall: Int64)?

    mutating func write(_ entry: Entry, _ stamp: SimStamp, name: String = "", launch: UInt64 = 0) {
        let step = last.map {
            $0.boot == stamp.boot ? (stamp.wall - $0.wall) - (stamp.at - $0.at) : 0
        }
        last = (stamp.boot, stamp.at, stamp.wall)
        if let step, abs(step) > ClockWatch.tolerance {
            take(.clockStepped(by: step), stamp, "", 0)
        }
        take(entry, stamp, name, launch)
    }

    private mutating func take(
        _ entry: Entry, _ stamp: SimStamp, _ name: String, _ launch: UInt64
    ) {
        let event = encoder.encode(entry) { _ in
            InstanceFacts(name: name, program: "program", launch: launch)
        }
        var line = Array(
            """
            {"t":"\(stamp.wall)","bt":"\(stamp.at)","boot":"\(stamp.boot)","ev":"\(event)",
            """.utf8)
        line += encoder.fields
        line.append(UInt8(ascii: "}"))
        line.withUnsafeBytes { recollection.take($0) }
    }

    /// Everything so far is on the disk.
    mutating func sync() { certain = recollection }

    /// What was not, is lost.
    mutating func losePower() { recollection = certain }

    func memory(_ stamp: SimStamp) -> SwitchMemory {
        recollection.switchMemory(
            wall: stamp.wall, boottime: stamp.at, boot: String(stamp.boot))
    }
}

/// When something is written down.
struct SimStamp {
    var boot: Int
    /// Nanoseconds since that boot.
    var at: Int64
    var wall: Int64
}
