// The ledger's rooms doing what floor.c does.
//   ledger-bench append DIRECTORY GROUPS SIZE    groups of SIZE records, each waited for
//   ledger-bench hand DIRECTORY COUNT            nanoseconds that the loop's thread pays for one
//   ledger-bench verify DIRECTORY                records per second
import Glibc
import Ledger
import Linux

let bootID = "0123456789abcdef0123456789abcdef"

func stamp() -> Stamp { Stamp(wall: Clock.realtime(), boot: Clock.boottime()) }

func open(_ directory: String) throws -> LedgerWriter {
    try LedgerWriter(opening: directory, bootID: bootID, clock: { stamp() }, carry: { _ in [] })
}

let body = Array(
    #""service":"web","pid":1234,"signal":9,"ran":"1234567890","incident":"4f2a""#.utf8)

func append(_ writer: LedgerWriter) -> UInt64? {
    body.withUnsafeBytes { writer.append(event: "process.exit", fields: $0, stamp: stamp()) }
}

func seconds(since start: Int64) -> Double { Double(Condition.now() - start) / 1e9 }

func run(_ arguments: [String]) throws -> Int32 {
    switch (arguments.first, arguments.count) {
    case ("append", 4):
        guard let groups = Int(arguments[2]), let size = Int(arguments[3]) else { return 2 }
        let writer = try open(arguments[1])
        let start = Condition.now()
        for _ in 0..<groups {
            writer.together { for _ in 0..<size { _ = append(writer) } }
            _ = writer.flush(within: 10_000_000_000)
        }
        print(Int(Double(groups * size) / seconds(since: start)))
        _ = writer.close(within: 10_000_000_000)
    case ("hand", 3):
        guard let count = Int(arguments[2]) else { return 2 }
        let writer = try open(arguments[1])
        var spent: Double = 0
        for _ in 0..<(count / 64) {
            let start = Condition.now()
            writer.together { for _ in 0..<64 { _ = append(writer) } }
            spent += seconds(since: start)
            _ = writer.flush(within: 10_000_000_000)
        }
        print(Int(spent / Double(count / 64 * 64) * 1e9))
        _ = writer.close(within: 10_000_000_000)
    case ("verify", 2):
        let start = Condition.now()
        let report = try LedgerVerifier(directory: arguments[1]).verify()
        print(Int(Double(report.records) / seconds(since: start)))
        return report.verdict.rawValue
    default:
        print(
            "usage: ledger-bench append DIRECTORY GROUPS SIZE | hand DIRECTORY COUNT | verify DIRECTORY"
        )
        return 2
    }
    return 0
}

do {
    exit(try run(Array(CommandLine.arguments.dropFirst())))
} catch {
    print("\(error)")
    exit(1)
}
