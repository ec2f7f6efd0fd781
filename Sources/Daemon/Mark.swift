import Configuration
import Linux

/// What every child of ours carries in its environment, and its descendants with it.
///
/// Anybody can write the same into his own. A mark alone may therefore cost a process its life, which
/// harms nobody but its maker; for everything else the process must also be the service's user's.
struct Mark {
    /// The instance's name.
    let service: String
    /// The number of the attempt.
    let attempt: Int
    /// The fingerprint of what it was given.
    let launch: UInt64

    /// No service was ever started so often; counting on from here cannot overflow.
    static let mostAttempts = 1 << 53

    /// Reads the mark of a process; `nil` when it has none, one that we did not write, or another
    /// state directory's.
    init?(of pid: Int32, state: String) {
        var service: String?
        var attempt = 0
        var launch: UInt64 = 0
        var isOurs = false
        for variable in ProcessTable.environment(pid) {
            if variable.hasPrefix("REGEN_SERVICE=") {
                service = String(variable.dropFirst("REGEN_SERVICE=".count))
            } else if variable.hasPrefix("REGEN_ATTEMPT=") {
                attempt = Int(variable.dropFirst("REGEN_ATTEMPT=".count)) ?? 0
            } else if variable.hasPrefix("REGEN_LAUNCH=") {
                launch = UInt64(variable.dropFirst("REGEN_LAUNCH=".count), radix: 16) ?? 0
            } else if variable == "REGEN_STATE=\(state)" {
                isOurs = true
            }
        }
        guard isOurs, let service, ServiceConfiguration.isInstanceName(service),
            0...Self.mostAttempts ~= attempt
        else { return nil }
        self.service = service
        self.attempt = attempt
        self.launch = launch
    }
}
