import Configuration
import Linux
import Records
import Supervision
import Systemd

/// Units come under a configuration, and templates' instances come and go.
extension Daemon {
    /// The units of a configuration that is about to come into force: its templates go on with the
    /// instances that they have.
    func prepareUnits(_ configuration: Configuration) {
        var templates: [String: Units.Template] = [:]
        let named = Set(configuration.services.compactMap { $0.unit?.name })
        for service in configuration.services {
            guard let unit = service.unit else { continue }
            units.open()
            guard let pattern = UnitPattern(unit.name) else { continue }
            var template = Units.Template(service: service, pattern: pattern)
            if let old = units.templates[service.name], old.pattern == pattern {
                template.instances = old.instances.filter { !named.contains($0.text) }
            }
            templates[service.name] = template
            if !units.bus.watch(pattern) {
                narrator.say(.error, "\(service.name): more templates than systemd is asked for")
            }
        }
        let patterns = Set(templates.values.map(\.pattern))
        for old in units.templates.values where !patterns.contains(old.pattern) {
            units.bus.unwatch(old.pattern)
        }
        units.templates = templates
    }

    /// The hand at this place takes hold of its unit.
    func watchUnit(_ hand: UnitHand, at place: Int) {
        units.places[hand.unit] = place
        if !units.bus.watch(hand.unit) {
            narrator.say(
                .error, "\(hand.facts.name): \(SystemBus.mostUnits) units are watched already")
        }
    }

    /// An instance's hand is no longer needed.
    func letGo(of hand: Hand, _ place: Int) {
        forgetProbes(place, hand)
        if let process = hand as? ProcessHand { process.leaves?.remove() }
        guard let unit = hand as? UnitHand else { return }
        if let main = unit.hold(nil), let token = main.token {
            poller.remove(token, main.pidfd.raw)
        }
        guard units.places[unit.unit] == place else { return }
        units.places[unit.unit] = nil
        units.bus.unwatch(unit.unit)
    }

    /// Systemd has said which instances of a template there are. Those that it no longer has leave
    /// when they are seen to be over.
    func saw(_ pattern: UnitPattern, _ names: [UnitName], isWhole: Bool) {
        for (service, template) in units.templates where template.pattern == pattern {
            let known = Set(template.instances)
            let room = SystemBus.mostInstances - known.count
            let new = names.filter { !known.contains($0) && units.places[$0] == nil }
            if !isWhole || new.count > room {
                narrator.say(
                    .error, "\(service): no more than \(SystemBus.mostInstances) are looked after")
            }
            guard !new.isEmpty, room > 0 else { continue }
            units.templates[service]?.instances += new.prefix(room)
            takeInstances()
        }
    }

    /// An instance of a template that is down, and left alone, is none any more.
    func dropIfOver(_ hand: UnitHand, _ place: Int) {
        guard hand.sight?.activity == .inactive || hand.sight?.activity == .missing else { return }
        let id = InstanceID(place)
        let service = mind.definition(id).service
        guard let index = units.templates[service]?.instances.firstIndex(of: hand.unit) else {
            return
        }
        // What an operator has stopped by our own word waits for his word to start.
        guard case .stopped(let rest) = mind.status(id, at: instant).phase, rest != .asked else {
            return
        }
        units.templates[service]?.instances.remove(at: index)
        takeInstances()
    }

    /// Tells the mind which instances there are now.
    private func takeInstances() {
        var order = Order(definitions: units.others, hands: units.others.map { _ in nil })
        for template in units.templates.values.sorted(by: { $0.service.name < $1.service.name }) {
            add(template, to: &order)
        }
        take(order)
        perform()
        tellSubjects()
    }

    /// The instances of a template; those that have a hand keep it.
    func add(_ template: Units.Template, to order: inout Order) {
        for unit in template.instances {
            let name = template.name(of: unit)
            order.definitions.append(definition(of: template.service, named: name))
            let isHeld = units.places[unit].map { hands[$0]?.facts.name == name } ?? false
            let hand = template.service.unit.map {
                UnitHand(template.service, unit, $0, named: name)
            }
            order.hands.append(isHeld ? nil : hand)
        }
    }
}

extension Units.Template {
    /// `worker@3` of `worker@3.service` for a service `worker`.
    fileprivate func name(of unit: UnitName) -> String {
        let instance = unit.text.drop { $0 != "@" }.dropLast(".service".count)
        return service.name + instance
    }
}
