extension SystemBus {
    private static let busName = "org.freedesktop.DBus"
    private static let busPath = "/org/freedesktop/DBus"

    /// What the bus shall pass on to us. One rule for all units: a bus allows 512 of them.
    private static let rules = [
        "type='signal',sender='\(busName)',interface='\(busName)',member='NameOwnerChanged',"
            + "arg0='\(name)'",
        "type='signal',sender='\(name)',path='\(path)',interface='\(interface)',"
            + "member='JobRemoved'",
        "type='signal',sender='\(name)',path='\(path)',interface='\(interface)',member='UnitNew'",
        "type='signal',sender='\(name)',path='\(path)',interface='\(interface)',"
            + "member='UnitRemoved'",
        "type='signal',sender='\(name)',path='\(path)',interface='\(interface)',"
            + "member='Reloading'",
        "type='signal',sender='\(name)',interface='org.freedesktop.DBus.Properties',"
            + "member='PropertiesChanged',path_namespace='\(path)/unit'",
    ]

    /// The first words on a connection: what we want to hear of, then that we listen.
    func introduce(at now: Int64) throws(BusFailure) {
        if address.isBus {
            for rule in Self.rules {
                try ask(.match, Self.busName, Self.busPath, Self.busName, "AddMatch", at: now) {
                    $0.append(rule)
                }
            }
        }
        try subscribe(at: now)
    }

    private func subscribe(at now: Int64) throws(BusFailure) {
        try ask(.subscription, destination, Self.path, Self.interface, "Subscribe", at: now)
    }

    private func ask(
        _ purpose: Request.Purpose, _ destination: String?, _ path: String, _ interface: String,
        _ member: String, at now: Int64, _ arguments: (inout BusCallMessage) -> Void = { _ in }
    ) throws(BusFailure) {
        let cookie = link?.call(destination, path, interface, member, arguments)
        guard let cookie else { throw BusFailure(reason: "\(member) could not be sent") }
        requests.append(
            Request(purpose: purpose, cookie: cookie, deadline: now + Self.answerPatience))
    }

    /// A message has come.
    func take(_ message: consuming BusMessage, at now: Int64) {
        switch message.kind {
        case .signal: hear(message, at: now)
        case .call: message.decline()
        case .answer, .refusal:
            let cookie = message.cookie
            let index = requests.firstIndex { $0.awaitsAnswer && $0.cookie == cookie }
            guard let index else { return }
            let request = requests.remove(at: index)
            answer(message, to: request, at: now)
        }
    }

    private func answer(_ message: borrowing BusMessage, to request: Request, at now: Int64) {
        switch request.purpose {
        case .subscription: subscribed(message, at: now)
        case .match:
            if message.kind == .refusal {
                lose(BusFailure(reason: "AddMatch: \(message.refusal)"), at: now)
            }
        case .look(let subject): take(message, for: subject)
        case .pin(let subject):
            subject.isPinned = message.kind == .answer
            // Meanwhile nobody may want it any more.
            if !subject.isWatched { unpin(subject) }
        case .plain(let call), .job(let call), .awaitedJob(let call, _):
            take(message, for: request, call)
        }
    }

    private func subscribed(_ message: borrowing BusMessage, at now: Int64) {
        guard case .joining = phase else { return }
        let refusal = message.refusal
        switch (message.kind, refusal.name) {
        case (.answer, _), (_, "org.freedesktop.systemd1.AlreadySubscribed"):
            if address.isBus { manager = message.sender }
            join()
        case (_, "org.freedesktop.DBus.Error.NameHasNoOwner"),
            (_, "org.freedesktop.DBus.Error.ServiceUnknown"),
            (_, "org.freedesktop.DBus.Error.NoReply"):
            // The bus is there before PID 1 is on it. NameOwnerChanged will tell.
            break
        default:
            lose(BusFailure(reason: "Subscribe: \(refusal)"), at: now)
        }
    }

    // MARK: - Signals

    private func hear(_ message: borrowing BusMessage, at now: Int64) {
        if address.isBus {
            if message.sender == Self.busName, message.isSignal(Self.busName, "NameOwnerChanged") {
                return ownerChanged(message, at: now)
            }
            // Anybody may say so; only PID 1 is believed.
            guard let manager, message.sender == manager else { return }
        }
        if message.isSignal("org.freedesktop.DBus.Properties", "PropertiesChanged") {
            guard let path = message.path else { return }
            guard let subject = subjects[path] else { return changed(path) }
            // PID 1 loads a unit that is down and not pinned for a look, and tells of that, too.
            if !subject.isPinned, subject.isInactive, !message.tellsOfLife { return }
            enqueue(subject)
        } else if message.isSignal(Self.interface, "JobRemoved") {
            guard let number = message.uint32(), message.skip("os"), let result = message.string()
            else { return }
            jobEnded(number, result)
        } else if message.isSignal(Self.interface, "Reloading") {
            guard let isReloading = message.boolean() else { return }
            tell(.reloading(isReloading))
            if !isReloading { for subject in order { enlist(subject) } }
        } else if message.isSignal(Self.interface, "UnitNew") {
            cameOrWent(message)
        } else if message.isSignal(Self.interface, "UnitRemoved") {
            cameOrWent(message)
        }
    }

    private func ownerChanged(_ message: borrowing BusMessage, at now: Int64) {
        guard message.string() == Self.name, message.skip("s"), let owner = message.string() else {
            return
        }
        miss(at: now)
        guard !owner.isEmpty else { return }
        manager = owner
        do throws(BusFailure) { try subscribe(at: now) } catch { lose(error, at: now) }
    }

    /// Something has changed about a unit that is not watched by its name.
    private func changed(_ path: String) {
        for subject in order where subject.kind.isPattern {
            if let prefix = subject.pathPrefix, path.hasPrefix(prefix) { enqueue(subject) }
        }
    }

    /// PID 1 has loaded or forgotten a unit.
    private func cameOrWent(_ message: borrowing BusMessage) {
        guard let name = message.string(), let path = message.objectPath() else { return }
        // A look at a unit that is not pinned makes PID 1 load it, and say so: looking then again
        // would never end.
        if let subject = subjects[path], subject.isPinned { enqueue(subject) }
        for subject in order {
            if case .pattern(let pattern) = subject.kind, pattern.matches(name) {
                enqueue(subject)
            }
        }
    }
}

extension BusMessage {
    /// Of a PropertiesChanged: it says that a unit is no longer down.
    fileprivate var tellsOfLife: Bool {
        guard string() == "org.freedesktop.systemd1.Unit" else { return false }
        var state: String?
        _ = dictionary { name in
            if name == "ActiveState" {
                state = variant("s") { string() }
                return true
            }
            return skip("v")
        }
        return state.map { $0 != "inactive" } ?? false
    }
}
