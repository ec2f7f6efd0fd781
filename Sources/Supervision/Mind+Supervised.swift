/// What the hands still owe the mind of an instance.
public enum Debt: Sendable {
    /// Word that its process has ended.
    case exit
    /// Word of the process that was asked for.
    case spawn
}

/// Whether critical services are supervised: not that they are healthy, but that something is to come
/// which moves each of them on, or that a rule lets it rest.
extension Mind {
    /// The first critical instance, or one that such a one is started after, that nothing would ever
    /// move again; `nil`: there is none. Looks at those alone, and makes nothing.
    public func abandoned(isOwed: (InstanceID, Debt) -> Bool) -> InstanceID? {
        guard hasBegun, ending == nil else { return nil }
        return needed.first { !isMoving($0, isOwed) }.map { InstanceID($0) }
    }

    private func isMoving(_ i: Int, _ isOwed: (InstanceID, Debt) -> Bool) -> Bool {
        let instance = instances[i]
        // systemd sees to its units itself; that it cannot be asked how they are is an answer.
        if instance.isVacant || isUnit(i) { return true }
        if instance.pausedUntil != nil, instance.careDeadline == nil { return false }
        let isPaused = instance.pausedUntil != nil
        switch instance.phase {
        case .stopped: return true
        case .starting(.parked): return isPaused || isHeldBack(instance)
        case .starting(.spawning): return isOwed(InstanceID(i), .spawn)
        case .starting(.awaited), .starting(.remedying): return instance.deadline != nil
        case .starting(.unproven):
            return (isPaused || instance.deadline != nil) && isWatched(i, isOwed)
        case .running: return isWatched(i, isOwed)
        case .backingOff, .handedOver:
            return isPaused || instance.deadline != nil
                || instance.patience == .queued && trouble != nil
        case .stopping(let stopping):
            return stopping.stage == .unspawned
                ? isOwed(InstanceID(i), .spawn) : instance.deadline != nil
        }
    }

    /// Its end would be heard of, and its probes look.
    private func isWatched(_ i: Int, _ isOwed: (InstanceID, Debt) -> Bool) -> Bool {
        (instances[i].isDetached || isOwed(InstanceID(i), .exit))
            && (!isLookedAt(i) || instances[i].careDeadline != nil)
    }

    /// It waits for another, whose next step starts it.
    private func isHeldBack(_ instance: Instance) -> Bool {
        instance.dependencies.contains { dependency in
            if case .stopping = instances[dependency].phase { return true }
            return instances[dependency].holdsBackDependents
        }
    }

    /// Whom to look at: critical instances, and whatever those are started after.
    mutating func gatherNeeded() {
        var isNeeded = [Bool](repeating: false, count: instances.count)
        needed = instances.indices.filter {
            !instances[$0].isVacant && instances[$0].policy.critical
        }
        for i in needed { isNeeded[i] = true }
        var next = 0
        while next < needed.count {
            for dependency in instances[needed[next]].dependencies where !isNeeded[dependency] {
                isNeeded[dependency] = true
                needed.append(dependency)
            }
            next += 1
        }
    }
}
