/// Where an operator wants a rollback to go.
public enum RollbackWish: Equatable, Sendable {
    /// Wherever the rule leads.
    case anywhere
    /// To this generation.
    case generation(Int64)
    /// To the newest known good one.
    case knownGood
}

/// What an operator wants to put on trial.
public enum SwitchTarget: Equatable, Sendable {
    /// The system with this store path.
    case path(String)
    /// The one that this generation leads to.
    case generation(Int64)
}

extension ControlRequest {
    /// The numbers that a generation may have.
    public static let generationNumbers: ClosedRange<Int64> = 1...Int64(Int32.max)
    /// How long a human may take to confirm a trial, in milliseconds: 10 s to 1 day.
    public static let confirmations: ClosedRange<Int64> = 10_000...86_400_000
    /// The longest path, in bytes.
    static let longestPath = 4095
}

extension Parameters {
    /// `to` or `known_good`; the rule's own target without either.
    func rollbackWish() throws(ControlError) -> RollbackWish {
        let number = try optionalInteger("to", in: ControlRequest.generationNumbers)
        let isKnownGood = try optionalBool("known_good") ?? false
        guard let number else { return isKnownGood ? .knownGood : .anywhere }
        guard !isKnownGood else { throw .invalidParameter(parameter: "known_good") }
        return .generation(number)
    }

    /// One of `path` and `generation`.
    func switchTarget() throws(ControlError) -> SwitchTarget {
        let path = try optionalPath("path")
        let number = try optionalInteger("generation", in: ControlRequest.generationNumbers)
        switch (path, number) {
        case (let path?, nil): return .path(path)
        case (nil, let number?): return .generation(number)
        case (nil, nil): throw .invalidParameter(parameter: "path")
        case (_?, _?): throw .invalidParameter(parameter: "generation")
        }
    }

    /// An absolute path that may be missing.
    func optionalPath(_ key: String) throws(ControlError) -> String? {
        guard let path = try optionalString(key) else { return nil }
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= ControlRequest.longestPath
        else { throw .invalidParameter(parameter: key) }
        return path
    }
}
