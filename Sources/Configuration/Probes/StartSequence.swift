public import Supervision

/// A deploy tool's own way to start a service: `run.preflight`, `run.start`, `run.postflight`.
public struct StartSequence: Equatable, Sendable {
    /// Before a start, one after the other; a failure ends the sequence.
    public var preflight: [String]
    /// The start itself: each but the last must return; the last may stay.
    public var start: [String]
    /// After the start.
    public var postflight: [String]
    /// How long each step may take that has to return.
    public var timeout: Interval

    /// Steps, each run by `/bin/sh -c`; 5 min each unless told otherwise.
    public init(
        preflight: [String] = [], start: [String], postflight: [String] = [],
        timeout: Interval = .minutes(5)
    ) {
        self.preflight = preflight
        self.start = start
        self.postflight = postflight
        self.timeout = timeout
    }

    /// The most steps of each kind.
    public static let mostSteps = 32
    /// The longest step in bytes.
    public static let longestStep = 16 << 10
}
