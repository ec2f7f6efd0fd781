import Configuration
import Control
import Ledger
import Linux
import Records
import Supervision
import Systemd

/// A configuration comes into force.
extension Daemon {
    /// The mind's view of a configuration, and how to make each instance's process.
    struct Order {
        var definitions: [InstanceDefinition] = []
        /// `nil`: it has its hand already.
        var hands: [Hand?] = []
    }

    func order(_ configuration: Configuration) throws(SystemError) -> Order {
        var order = Order()
        prepareUnits(configuration)
        for service in configuration.services {
            for name in service.instanceNames {
                order.definitions.append(definition(of: service, named: name))
                order.hands.append(try forge.hand(for: service, named: name))
            }
        }
        units.others = units.templates.isEmpty ? [] : order.definitions
        for service in configuration.services {
            if let template = units.templates[service.name] { add(template, to: &order) }
        }
        return order
    }

    /// The mind's view of one instance.
    func definition(
        of service: ServiceConfiguration, named name: String
    ) -> InstanceDefinition {
        InstanceDefinition(
            name: name, service: service.name, policy: service.policy, launch: service.fingerprint,
            probes: service.probes.map {
                ProbeDefinition(policy: $0.policy, fingerprint: $0.fingerprint)
            },
            remedies: service.remedies.map(\.kind), detaches: service.sequence != nil,
            keeper: service.unit.map { .systemd(healsStops: $0.onStop == .heal) } ?? .regen)
    }

    /// Puts a configuration that was read again into force.
    func apply(_ configuration: Configuration) throws(Refusal) -> ReloadReply {
        guard options.below(configuration.stateDirectory) == stateDirectory,
            options.below(configuration.runtimeDirectory) == runtimeDirectory,
            configuration.cgroup == cgroup
        else {
            throw Refusal(
                text: "state_directory, runtime_directory and cgroup cannot change while regend "
                    + "runs; stop it and start it again")
        }
        for service in configuration.services {
            if let id = mind.ids(of: service.name).first,
                (hands[id.index] is UnitHand) != (service.unit != nil)
            {
                throw Refusal(
                    text: "\(service.name) cannot become a unit, or cease to be one, while regend "
                        + "runs; give it another name")
            }
        }
        if let refusal = watchdogRefusal(configuration.watchdog) { throw refusal }
        let changes = changes(configuration)
        do throws(SystemError) {
            take(try order(configuration))
        } catch { throw Refusal(text: "\(error)") }
        server.admit(Parts.actors(configuration, &narrator))
        loaded(configuration)
        ResourceLimits.releaseProgram()
        configureSwitching(configuration)
        perform()
        open(configuration.notices)
        watch(configuration.watchdog)
        mustTrim = true
        return changes
    }

    func loaded(_ configuration: Configuration) {
        write(
            .configurationLoaded(
                file: options.configurationFile, services: configuration.services.count,
                instances: configuration.instanceCount))
    }

    /// Tells the mind, and gives each instance its hand. What runs goes on in the new hand.
    func take(_ order: Order) {
        writeRecords()  // what is pending tells of the old hands
        tellOnly(.configured(order.definitions))
        for (definition, hand) in zip(order.definitions, order.hands) {
            guard let hand, let place = mind.id(named: definition.name)?.index else { continue }
            while hands.count <= place { hands.append(nil) }
            guard let old = hands[place], old.facts.name == definition.name else {
                if let old = hands[place] { letGo(of: old, place) }
                hand.watch.since = now.boot
                put(hand, at: place)
                continue
            }
            if !replace(old, by: hand, at: place) { observe(place, old, hand.watch) }
        }
    }

    /// Takes hold of what the mind has at this place.
    func put(_ hand: Hand, at place: Int) {
        hands[place] = hand
        if let unit = hand as? UnitHand { watchUnit(unit, at: place) }
    }

    /// A hand that is made otherwise goes on where the old one leaves off. False: it is as before.
    private func replace(_ old: Hand, by hand: Hand, at place: Int) -> Bool {
        switch (old, hand) {
        case (let old as ProcessHand, let hand as ProcessHand):
            if old.facts.launch == hand.facts.launch { return false }
            forgetProbes(place, old)
            hand.takeOver(old)
        case (let old as UnitHand, let hand as UnitHand):
            if old.unit == hand.unit, old.rules == hand.rules { return false }
            if old.unit == hand.unit {
                forgetProbes(place, old)
                hand.takeOver(old)
            } else {
                letGo(of: old, place)
            }
        default: letGo(of: old, place)
        }
        hand.watch.since = now.boot
        put(hand, at: place)
        if let unit = hand as? UnitHand { units.bus.refresh(unit.unit) }
        return true
    }

    /// The process goes on, and other things may be looked at from now on.
    private func observe(_ place: Int, _ hand: Hand, _ watch: Watch) {
        if hand.watch.probes == watch.probes, hand.watch.remedies == watch.remedies { return }
        forgetProbes(place, hand)
        watch.since = now.boot
        hand.observe(watch)
    }

    private func changes(_ configuration: Configuration) -> ReloadReply {
        var known: [String: (launch: UInt64, instances: Int)] = [:]
        for name in units.templates.keys { known[name] = (0, 1) }
        for id in mind.all {
            let definition = mind.definition(id)
            if units.templates[definition.service] != nil { continue }
            known[definition.service, default: (definition.launch, 0)].instances += 1
        }
        var reply = ReloadReply(added: [], changed: [], removed: [])
        for service in configuration.services {
            guard let before = known.removeValue(forKey: service.name) else {
                reply.added.append(service.name)
                continue
            }
            if before != (service.fingerprint, service.instances) {
                reply.changed.append(service.name)
            }
        }
        reply.removed = known.keys.sorted()
        return reply
    }
}
