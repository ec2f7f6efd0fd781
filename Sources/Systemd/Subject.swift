/// Something watched: a unit, or a template's instances.
final class Subject {
    enum Kind {
        case unit(UnitName)
        case pattern(UnitPattern)
    }

    let kind: Kind
    /// Its key among the subjects.
    let key: String
    /// Of a pattern: how the paths of its instances begin.
    let pathPrefix: String?
    var isWatched = true
    /// It waits for a look.
    var isQueued = false
    /// Nothing is known to have changed: it waits its turn.
    var isRoutine = false
    /// A look is under way.
    var isLooking = false
    /// Something has changed since that look began.
    var isStale = false
    /// PID 1 keeps the unit loaded for us, so that nothing of it is forgotten.
    var isPinned = false
    /// It was down when it was looked at last.
    var isInactive = false
    /// It may be looked at again from then on.
    var notBefore = Int64.min
    /// Where the pauses after all looks so far add up to.
    private var spent = Int64.min

    /// A look begins. What happens to a unit comes in steps, which a pause after each would keep us
    /// from seeing: some looks are free, and in the long run there is one a pause.
    func spend(lookAt now: Int64) {
        spent = max(spent, now) + SystemBus.lookPause
        notBefore = spent - SystemBus.looksInARow * SystemBus.lookPause + SystemBus.lookPause
    }

    init(_ unit: UnitName) {
        kind = .unit(unit)
        key = unit.objectPath
        pathPrefix = nil
    }

    init(_ pattern: UnitPattern) {
        kind = .pattern(pattern)
        key = pattern.text
        pathPrefix = pattern.pathPrefix
    }
}

/// A call that waits for its end.
struct Request {
    enum Purpose {
        /// The first word to PID 1 on a connection.
        case subscription
        /// The bus shall tell us something.
        case match
        case look(Subject)
        case pin(Subject)
        /// The owner's, done with the answer.
        case plain(SystemBus.Call)
        /// The owner's, answered with a job.
        case job(SystemBus.Call)
        /// The owner's: the answer has come, the job's end has not.
        case awaitedJob(SystemBus.Call, UInt32)
    }

    var purpose: Purpose
    /// The answer's mark.
    let cookie: UInt64
    /// Boot-time nanoseconds.
    let deadline: Int64

    var call: SystemBus.Call? {
        switch purpose {
        case .plain(let call), .job(let call), .awaitedJob(let call, _): call
        case .subscription, .match, .look, .pin: nil
        }
    }

    var isLook: Bool {
        if case .look = purpose { true } else { false }
    }

    var isRoutineLook: Bool {
        if case .look(let subject) = purpose { subject.isRoutine } else { false }
    }

    var awaitsAnswer: Bool {
        if case .awaitedJob = purpose { false } else { true }
    }
}
