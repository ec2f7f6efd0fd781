/// When healing a service by itself ends and a human is asked.
public struct EscalationPolicy: Equatable, Sendable {
    /// So many times all remedies are tried in one incident; from 1 to `mostAttempts`.
    public var attempts: Int

    /// Three attempts unless told otherwise.
    public init(attempts: Int = 3) { self.attempts = attempts }

    /// The most attempts that a configuration may ask for.
    public static let mostAttempts = 100
}
