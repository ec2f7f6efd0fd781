/// How often a probe looks, and when its word counts.
public struct ProbePolicy: Equatable, Sendable {
    /// From the beginning of one look to the beginning of the next.
    public var interval: Interval
    /// A look without an answer for so long has failed.
    public var timeout: Interval
    /// So many failed looks in a row, and the service is unhealthy.
    public var strikes: Int
    /// After a strike, from the end of that look to the next.
    public var confirmInterval: Interval

    /// Every 2 s, 1 s to answer, three strikes, 250 ms after a strike unless told otherwise.
    public init(
        interval: Interval = .seconds(2), timeout: Interval = .seconds(1), strikes: Int = 3,
        confirmInterval: Interval = .milliseconds(250)
    ) {
        self.interval = interval
        self.timeout = timeout
        self.strikes = strikes
        self.confirmInterval = confirmInterval
    }

    /// The most strikes that a configuration may ask for.
    public static let mostStrikes = 100
}

/// One probe of an instance, as far as the mind has to know it.
public struct ProbeDefinition: Equatable, Sendable {
    /// How often, and when its word counts.
    public var policy: ProbePolicy
    /// A fingerprint of all that it looks at. A probe with another one has never passed.
    public var fingerprint: UInt64

    /// A probe.
    public init(policy: ProbePolicy = ProbePolicy(), fingerprint: UInt64) {
        self.policy = policy
        self.fingerprint = fingerprint
    }
}

/// What a look found.
public enum ProbeOutcome: Equatable, Sendable {
    /// The service answered as it should.
    case passed
    /// It did not, or not in time.
    case failed
    /// Nobody could look: the probing itself is broken. Says nothing of the service.
    case unknown
}

/// One step of recovery, as far as the mind has to know it.
public enum RemedyKind: String, CaseIterable, Sendable {
    /// Starts the service again, and does nothing else.
    case restart
    /// Ends a stale process of the same service that holds its port.
    case portConflict = "port_conflict"
    /// Runs the service's own check of its configuration.
    case validateConfig = "validate_config"
    /// Restores declared files, directories and links.
    case dependencies
    /// Looks whether declared files with declared keys are there.
    case environment
}

/// What came of a remedy.
public enum RemedyOutcome: String, CaseIterable, Sendable {
    /// Something was mended: the service may be started.
    case applied
    /// There was nothing to mend: the next remedy's turn.
    case notNeeded = "not-needed"
    /// A start would be useless or harmful: a human must look.
    case refused
    /// It could not be tried, or not in time: the next remedy's turn.
    case failed
}
