extension SystemBus {
    /// Watches a unit from now on: its state is told soon, and again whenever it changes. False:
    /// `mostUnits` are watched. A unit that PID 1 has never heard of has a state, too: `not-found`.
    public func watch(_ unit: UnitName) -> Bool {
        add(Subject(unit), most: Self.mostUnits)
    }

    /// Watches which instances of a template there are; for their states `watch` each. False:
    /// `mostPatterns` are watched.
    public func watch(_ pattern: UnitPattern) -> Bool {
        add(Subject(pattern), most: Self.mostPatterns)
    }

    /// Stops watching it. Nothing more is told of it.
    public func unwatch(_ unit: UnitName) { drop(unit.objectPath) }

    /// Stops watching it. Its instances that are watched by name stay so.
    public func unwatch(_ pattern: UnitPattern) { drop(pattern.text) }

    /// Looks at a watched unit though nothing says that it has changed: PID 1 tells of no change of
    /// its memory.
    public func refresh(_ unit: UnitName) {
        if let subject = subjects[unit.objectPath] { enqueue(subject) }
    }

    /// Looks at a watched unit with this turn, whatever was looked at lately: its main process has
    /// just ended.
    public func look(_ unit: UnitName) {
        guard let subject = subjects[unit.objectPath] else { return }
        subject.notBefore = .min
        enqueue(subject)
        // Before all that can wait.
        guard let place = queue.firstIndex(where: { $0 === subject }) else { return }
        queue.remove(at: place)
        queue.insert(subject, at: 0)
    }

    private func add(_ subject: Subject, most: Int) -> Bool {
        guard subjects[subject.key] == nil else { return true }
        let isPattern = subject.kind.isPattern
        guard order.count(where: { $0.kind.isPattern == isPattern }) < most else { return false }
        subjects[subject.key] = subject
        order.append(subject)
        enlist(subject)
        return true
    }

    private func drop(_ key: String) {
        guard let subject = subjects.removeValue(forKey: key) else { return }
        subject.isWatched = false
        order.removeAll { $0 === subject }
        queue.removeAll { $0 === subject }
        unpin(subject)
    }

    /// PID 1 need not keep it for us.
    func unpin(_ subject: Subject) {
        guard subject.isPinned, case .unit(let unit) = subject.kind else { return }
        subject.isPinned = false
        _ = link?.call(destination, Self.path, Self.interface, "UnrefUnit") {
            $0.append(unit.text)
        }
    }

    // MARK: - Looking

    var looks: Int { requests.count { $0.isLook } }
    var routineLooks: Int { requests.count { $0.isRoutineLook } }

    /// It shall be looked at when those that have changed were, though nothing is known of a change.
    func enlist(_ subject: Subject) {
        guard mayQueue(subject), !subject.isQueued else { return }
        subject.isQueued = true
        subject.isRoutine = true
        queue.append(subject)
    }

    /// It has changed, and shall be looked at, once for however many reasons.
    func enqueue(_ subject: Subject) {
        guard mayQueue(subject), !subject.isQueued || subject.isRoutine else { return }
        if subject.isQueued { queue.removeAll { $0 === subject } }
        subject.isQueued = true
        subject.isRoutine = false
        queue.insert(subject, at: queue.firstIndex { $0.isRoutine } ?? queue.endIndex)
    }

    /// While it is looked at, another look follows that one.
    private func mayQueue(_ subject: Subject) -> Bool {
        guard phase == .up, subject.isWatched else { return false }
        if subject.isLooking { subject.isStale = true }
        return !subject.isLooking
    }

    /// Begins as many looks as may be.
    func look(at now: Int64) {
        guard phase == .up, !queue.isEmpty else { return }
        var room = Self.looksAtOnce - looks
        var routineRoom = Self.routineLooksAtOnce - routineLooks
        var rest: [Subject] = []
        for subject in queue {
            guard room > 0, subject.notBefore <= now,
                !subject.isRoutine || routineRoom > 0,
                budget.take(isRoutine: subject.isRoutine, at: now), begin(subject, at: now)
            else {
                rest.append(subject)
                continue
            }
            room -= 1
            if subject.isRoutine { routineRoom -= 1 }
        }
        queue = rest
    }

    /// The states of units that are there; the others are down, and PID 1 forgets them when it likes.
    static let presentStates = [
        "active", "reloading", "refreshing", "activating", "deactivating", "maintenance", "failed",
    ]

    private func begin(_ subject: Subject, at now: Int64) -> Bool {
        guard let link else { return false }
        let cookie: UInt64?
        switch subject.kind {
        case .unit(let unit):
            pin(subject, unit, link, at: now)
            cookie = link.call(
                destination, subject.key, "org.freedesktop.DBus.Properties", "GetAll"
            ) { $0.append("") }  // of all its interfaces
        case .pattern(let pattern):
            cookie = link.call(destination, Self.path, Self.interface, "ListUnitsByPatterns") {
                $0.container("a", "s") { call in
                    for state in Self.presentStates { call.append(state) }
                }
                $0.container("a", "s") { $0.append(pattern.text) }
            }
        }
        subject.spend(lookAt: now)
        guard let cookie else { return false }
        subject.isQueued = false
        subject.isLooking = true
        subject.isStale = false
        requests.append(
            Request(
                purpose: .look(subject), cookie: cookie, deadline: now + Self.answerPatience))
        return true
    }

    /// Without this PID 1 would load a unit for a look and unload it after it. At PID 1's own socket
    /// there is no such thing.
    private func pin(_ subject: Subject, _ unit: UnitName, _ link: BusLink, at now: Int64) {
        guard address.isBus, !subject.isPinned, pins < Self.mostPins else { return }
        let cookie = link.call(destination, Self.path, Self.interface, "RefUnit") {
            $0.append(unit.text)
        }
        guard let cookie else { return }
        requests.append(
            Request(purpose: .pin(subject), cookie: cookie, deadline: now + Self.answerPatience))
    }

    private var pins: Int {
        order.count { $0.isPinned }
            + requests.count { if case .pin = $0.purpose { true } else { false } }
    }

    /// A look has ended.
    func seen(_ subject: Subject) {
        subject.isLooking = false
        if subject.isStale { enqueue(subject) }
    }

    /// The answer to a look.
    func take(_ message: borrowing BusMessage, for subject: Subject) {
        defer { seen(subject) }
        guard subject.isWatched else { return }
        switch subject.kind {
        case .unit(let unit):
            guard message.kind == .answer else { return tell(.unreadable(unit, message.refusal)) }
            guard let state = UnitState(message) else {
                let refusal = BusRefusal(name: "", message: "systemd's answer cannot be read")
                return tell(.unreadable(unit, refusal))
            }
            subject.isInactive = state.activeState == "inactive"
            tell(.unit(unit, state))
        case .pattern(let pattern):
            guard message.kind == .answer else { return }
            let (names, isWhole) = Self.instances(message)
            tell(.instances(pattern, names, isWhole: isWhole))
        }
    }

    /// The names in an answer to ListUnitsByPatterns, and whether these are all.
    static func instances(_ message: borrowing BusMessage) -> ([UnitName], Bool) {
        var names: [UnitName] = []
        var isWhole = true
        let isRead = message.array(of: "(ssssssouso)") {
            message.inside("r", "ssssssouso") {
                guard let name = message.string() else { return false }
                if names.count == mostInstances {
                    isWhole = false
                } else if let name = UnitName(name) {
                    names.append(name)
                }
                return message.skip("sssssouso")
            }
        }
        return (names.sorted { $0.text < $1.text }, isRead && isWhole)
    }
}

extension Subject.Kind {
    var isPattern: Bool {
        if case .pattern = self { true } else { false }
    }
}
