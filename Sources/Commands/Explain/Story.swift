import JSON
import Ledger
import Linux
import Records

/// What the ledger says of one incident or switch, in order, each decision with what its rule says of
/// it today.
struct Story {
    /// So many records are told; of more, how many.
    static let mostSteps = 1000
    /// So many of a service's records before its incident are told, as far back as this.
    static let mostBefore = 16
    static let longestBefore: Int64 = 3_600_000_000_000

    /// What is to be explained.
    enum Subject {
        case incident(Int)
        case flight(Int)
    }

    /// One record.
    struct Step {
        let line: StoryLine
        let text: String
        let today: Again
    }

    let subject: Subject
    /// Whose incident it is.
    private(set) var services: [String] = []
    private(set) var steps: [Step] = []
    private(set) var leftOut = 0

    private var flights: Set<Int> = []
    /// By number: the decisions that led to the switch that is to be explained.
    private var reasons: Set<Int64> = []
    /// The first and the last record of it.
    private var span: ClosedRange<Int64>?

    /// Reads the whole ledger, twice. `nil`: there is nothing of it.
    init?(_ subject: Subject, in reader: LedgerReader) throws(SystemError) {
        self.subject = subject
        guard !(try reader.segments()).isEmpty else {
            throw SystemError(SystemError.noEntry, "find a ledger in \(reader.directory)")
        }
        try find(in: reader)
        guard span != nil else { return nil }
        try tell(from: reader)
    }

    private mutating func find(in reader: LedgerReader) throws(SystemError) {
        if case .flight(let number) = subject { flights = [number] }
        var decisions = Decisions()
        try reader.forEachLine { line in
            guard Self.mayBeOfOne(line.bytes), let line = StoryLine(line.bytes) else { return true }
            if case .flight = subject {
                let led = isOfIt(line) ? decisions.led(to: line) : []
                for line in led {
                    reasons.insert(line.sequence)
                    include(line)
                }
                decisions.note(line)
            }
            if isOfIt(line) { include(line) }
            return true
        }
    }

    private mutating func include(_ line: StoryLine) {
        if let service = line.service, !services.contains(service) { services.append(service) }
        if case .incident = subject, line.event == "switch.intent", let flight = line.flight {
            flights.insert(flight)
        }
        let span = self.span ?? line.sequence...line.sequence
        self.span =
            min(span.lowerBound, line.sequence)...max(span.upperBound, line.sequence)
    }

    private mutating func tell(from reader: LedgerReader) throws(SystemError) {
        guard let span else { return }
        var before: [Step] = []
        var memory = StoryMemory()
        try reader.forEachLine { raw in
            memory.take(raw.bytes)
            guard let line = StoryLine(raw.bytes) else { return true }
            guard line.sequence <= span.upperBound else { return false }
            guard isOfIt(line) || isEvidence(line, within: span) else { return true }
            let step = Step(line: line, text: line.text, today: memory.decideAgain(line))
            memory.note(line)
            if line.sequence < span.lowerBound {
                before.append(step)
                if before.count > Self.mostBefore { before.removeFirst() }
                return true
            }
            if steps.isEmpty {
                steps = before.filter { line.wall - $0.line.wall <= Self.longestBefore }
            }
            if steps.count < Self.mostSteps { steps.append(step) } else { leftOut += 1 }
            return true
        }
    }

    private static let marks = ["\"incident\":", "\"switch\":", "\"wish\":"].map { Array($0.utf8) }

    /// Most lines belong to no incident and no switch, and need not be read for that.
    private static func mayBeOfOne(_ line: UnsafeRawBufferPointer) -> Bool {
        marks.contains { mark in mark.withUnsafeBytes { line.contains($0) } }
    }

    private func isOfIt(_ line: StoryLine) -> Bool {
        if line.event == "carry" { return false }
        if let flight = line.flight, flights.contains(flight) { return true }
        if reasons.contains(line.sequence) { return true }
        if case .incident(let number) = subject { return line.incident == number }
        return false
    }

    /// What a decision may have been made on: the services' own records, and the system's.
    private func isEvidence(_ line: StoryLine, within span: ClosedRange<Int64>) -> Bool {
        if line.event == "carry" || line.incident.map({ $0 > 0 }) == true { return false }
        if let service = line.service { return services.contains(service) }
        let subjects = ["generation", "probation", "knowngood", "foreignswitch", "boot", "clock"]
        return span.contains(line.sequence) && line.flight == nil
            && subjects.contains { line.event == $0 || line.event.hasPrefix("\($0).") }
    }
}

/// The latest decisions, each of which a switch may follow.
private struct Decisions {
    /// By incident; 0: what an operator wished.
    private var verdicts: [Int: StoryLine] = [:]
    private var plans: [Int: StoryLine] = [:]

    mutating func note(_ line: StoryLine) {
        switch line.event {
        case "triage.verdict": verdicts[line.incident ?? 0] = line
        case "rollback.plan": plans[line.incident ?? 0] = line
        default: break
        }
    }

    /// Those that an intent followed. Trials have none.
    func led(to intent: StoryLine) -> [StoryLine] {
        guard intent.event == "switch.intent",
            ["rollback", "asked"].contains(intent.string("purpose"))
        else { return [] }
        let incident = intent.incident ?? 0
        return [verdicts[incident], plans[incident]].compactMap { $0 }
    }
}

extension Story.Subject {
    /// `incident 7`
    var words: String {
        switch self {
        case .incident(let number): "incident \(number)"
        case .flight(let number): "switch \(number)"
        }
    }
}

/// A line of the ledger, read.
struct StoryLine {
    let json: JSONValue
    let event: String
    let sequence: Int64
    /// Nanoseconds since 1970, and since boot.
    let wall: Int64
    let boottime: Int64
    let boot: String

    /// `nil`: it cannot be read.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let json = try? JSONValue.parse(bytes, limit: LedgerLimits.line),
            let event = json["ev"]?.string, let sequence = json["seq"]?.integer,
            let wall = json["t"]?.string.flatMap(Int64.init),
            let boottime = json["bt"]?.string.flatMap(Int64.init),
            let boot = json["boot"]?.string
        else { return nil }
        (self.json, self.event, self.sequence) = (json, event, sequence)
        (self.wall, self.boottime, self.boot) = (wall, boottime, boot)
    }

    var service: String? { json["service"]?.string }
    var incident: Int? { number("incident") }
    var flight: Int? { number("switch") }

    func number(_ key: String) -> Int? { json[key]?.integer.flatMap { Int(exactly: $0) } }
    func string(_ key: String) -> String? { json[key]?.string }
    /// A length of time in words.
    func span(_ key: String) -> String? {
        json[key]?.integer.map { "\(Span(milliseconds: $0))" }
    }
}
