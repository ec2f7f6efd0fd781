/// Services that systemd keeps: what it says of them, and what that means.
extension Mind {
    mutating func see(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {}

    mutating func jobEnded(
        _ i: Int, _ end: UnitJobEnd, at now: Instant, into actions: inout [Action]
    ) {}
}
