import Linux
import Supervision
import Worker

/// What one look found.
struct Finding: Equatable {
    var outcome: Answer.Outcome
    var reason = ""
    /// What was measured, for kinds that weigh it against earlier looks.
    var value: Int64?

    static let passed = Finding(outcome: .passed)

    static func failed(_ reason: String) -> Finding { Finding(outcome: .failed, reason: reason) }

    static func unknown(_ reason: String) -> Finding { Finding(outcome: .unknown, reason: reason) }

    /// A measurement says nothing by itself: the daemon weighs it.
    static func measured(_ value: Int64) -> Finding { Finding(outcome: .passed, value: value) }
}

/// What came of a remedy.
struct Deed: Equatable {
    var outcome: RemedyOutcome
    var reason: String
    /// What a command wrote.
    var output = ""

    init(_ outcome: RemedyOutcome, _ reason: String, output: String = "") {
        self.outcome = outcome
        self.reason = reason
        self.output = output
    }

    func answer(_ request: LookRequest, _ microseconds: Int64) -> RemedyAnswer {
        RemedyAnswer(
            serial: request.serial, outcome: outcome, reason: reason, output: output,
            microseconds: microseconds)
    }
}
