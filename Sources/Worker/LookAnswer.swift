public import Supervision

/// What a looker says: one line for each request, told apart by its keys.
public enum LookAnswer: Equatable, Sendable {
    /// What a probe found.
    case probe(Answer)
    /// What came of a remedy.
    case remedy(RemedyAnswer)
    /// What a diagnosis needs.
    case survey(Survey)

    /// The longest line in bytes.
    public static let longestLine = 256 << 10

    /// The number that the request had.
    public var serial: Int {
        switch self {
        case .probe(let answer): answer.serial
        case .remedy(let answer): answer.serial
        case .survey(let survey): survey.serial
        }
    }
}

/// What came of a remedy's deed.
public struct RemedyAnswer: Equatable, Sendable {
    /// The number that the request had.
    public var serial: Int
    /// What came of it.
    public var outcome: RemedyOutcome
    /// What was done or found, for a person; at most `longestReason` bytes.
    public var reason: String
    /// The end of a command's output, at most `mostOutput` bytes. For the operator's eyes only: a
    /// check of a configuration may print what it reads.
    public var output: String
    /// How long it took, in microseconds.
    public var microseconds: Int64

    /// The longest reason in bytes; more is cut.
    public static let longestReason = 1024
    /// The most output in bytes; what comes before is cut.
    public static let mostOutput = 4 << 10

    /// An answer.
    public init(
        serial: Int, outcome: RemedyOutcome, reason: String = "", output: String = "",
        microseconds: Int64 = 0
    ) {
        self.serial = serial
        self.outcome = outcome
        self.reason = reason
        self.output = output
        self.microseconds = microseconds
    }
}
