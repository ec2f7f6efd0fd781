public import Linux

extension SystemBus {
    /// Something asked of PID 1, by its own number.
    public struct Call: Hashable, Sendable {
        let number: UInt64
    }

    /// What becomes of jobs that conflict with a new one.
    public enum JobMode: String, Sendable {
        /// They are cancelled, as `systemctl` does.
        case replace
        /// They go on, and the new one is refused.
        case fail
    }

    /// A job for a unit, as `systemctl` knows them.
    public enum Job: String, Sendable {
        case start = "StartUnit"
        case stop = "StopUnit"
        case restart = "RestartUnit"
    }

    /// How a call ended.
    public enum Outcome: Equatable, Sendable {
        /// What was asked for has been done.
        case done
        /// The job has ended otherwise: `failed`, `canceled`, `timeout`, `dependency`, `skipped`, …
        case ended(String)
        /// It was not taken on, or not answered: the bus answers so for a PID 1 that has left.
        case refused(BusRefusal)
        /// No end in the time that the caller gave it. It may still come about.
        case timedOut
        /// The connection was lost. Whether it came about, the unit's state says.
        case lost
    }

    /// What the owner is told.
    public enum Event: Equatable, Sendable {
        /// PID 1 answers. The state of everything watched follows.
        case connected
        /// PID 1 cannot be reached, and why. This says nothing about any unit. It is tried again by
        /// itself; told once, until the reason changes.
        case lost(BusFailure)
        /// A watched unit's state, whenever something about it may have changed.
        case unit(UnitName, UnitState)
        /// A watched unit's state could not be had.
        case unreadable(UnitName, BusRefusal)
        /// The instances of a template that are not inactive now, whenever one comes, or goes that is
        /// not watched by name. No more than `mostInstances`; `isWhole` says whether these are all.
        case instances(UnitPattern, [UnitName], isWhole: Bool)
        /// PID 1 has begun to read all unit files again, or has ended that.
        case reloading(Bool)
        /// A call has ended.
        case finished(Call, Outcome)
    }

    /// Why a call was not even sent.
    public enum Unsent: Error, Equatable, Sendable, CustomStringConvertible {
        /// PID 1 cannot be reached now; `connected` will tell.
        case notConnected
        /// `mostCalls` wait for their end already.
        case tooManyCalls
        /// It is too long, or has a NUL in it, or no absolute path to run.
        case malformed
        /// sd-bus has no room for it.
        case noRoom

        /// What an operator should read, and what to do.
        public var description: String {
            switch self {
            case .notConnected: "PID 1 cannot be reached; try again when it answers"
            case .tooManyCalls: "\(SystemBus.mostCalls) calls wait for systemd; try again later"
            case .malformed: "the unit cannot be described to systemd: check its command"
            case .noRoom: "too much waits to be sent to systemd; try again later"
            }
        }
    }

    /// What the poller has to do.
    public enum PollChange: Equatable, Sendable {
        case add(descriptor: Int32, Readiness)
        case modify(descriptor: Int32, Readiness)
        /// Before it is closed.
        case remove(descriptor: Int32)
    }
}
