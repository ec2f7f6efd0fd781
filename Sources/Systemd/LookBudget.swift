/// How many looks at units may begin in a second. Those that nothing has asked for but completeness,
/// of which there may be thousands at once, leave some to units that change meanwhile.
package struct LookBudget {
    private static let second: Int64 = 1_000_000_000
    /// The second that is counted, and what has begun in it.
    private var start = Int64.min
    private var looks = 0
    private var routine = 0

    /// Nothing has begun yet.
    package init() {}

    /// Begins a look, if there is room for it.
    package mutating func take(isRoutine: Bool, at now: Int64) -> Bool {
        if now - Self.second >= start { (start, looks, routine) = (now, 0, 0) }
        guard hasRoom(isRoutine) else { return false }
        looks += 1
        if isRoutine { routine += 1 }
        return true
    }

    /// From when on there is room for a look.
    package func room(isRoutine: Bool) -> Int64 {
        hasRoom(isRoutine) ? .min : start + Self.second
    }

    private func hasRoom(_ isRoutine: Bool) -> Bool {
        looks < SystemBus.looksPerSecond
            && !(isRoutine && routine >= SystemBus.routineLooksPerSecond)
    }
}
