import Configuration

/// The steps around a start that a deploy tool's configuration asks for, under way.
final class Course {
    /// One step.
    struct Step {
        /// `preflight`, `start` or `postflight`.
        let kind: String
        /// Its place among those of its kind.
        let number: Int
        let text: String
    }

    let place: Int
    /// The instance's name: the place may be another's by now.
    let name: String
    /// The attempt that waits for its end; `nil` when it comes after the start.
    let attempt: Int?
    let steps: [Step]
    let timeout: Int64
    /// The step that runs, or comes next.
    var next = 0
    /// The running step's process.
    var pid: Int32?
    /// When that step began.
    var began: Int64 = 0
    /// When the first step begins, where that is later.
    var due: Int64?

    init(_ place: Int, _ name: String, attempt: Int?, _ steps: [Step], timeout: Int64) {
        self.place = place
        self.name = name
        self.attempt = attempt
        self.steps = steps
        self.timeout = timeout
    }
}

extension StartSequence {
    /// Everything that has to be done before the last start command.
    var before: [Course.Step] {
        Self.steps("preflight", preflight) + Self.steps("start", Array(start.dropLast()))
    }

    /// Everything after it.
    var after: [Course.Step] { Self.steps("postflight", postflight) }

    private static func steps(_ kind: String, _ texts: [String]) -> [Course.Step] {
        texts.enumerated().map { Course.Step(kind: kind, number: $0, text: $1) }
    }
}
