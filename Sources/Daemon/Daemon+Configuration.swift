import Configuration
import Control
import Ledger
import Linux
import Records
import Supervision

/// A configuration comes into force.
extension Daemon {
    /// The mind's view of a configuration, and how to make each instance's process.
    struct Order {
        var definitions: [InstanceDefinition] = []
        var hands: [Hand] = []
    }

    func order(_ configuration: Configuration) throws(SystemError) -> Order {
        var order = Order()
        for service in configuration.services {
            let launch = service.fingerprint
            let probes = service.probes.map {
                ProbeDefinition(policy: $0.policy, fingerprint: $0.fingerprint)
            }
            for name in service.instanceNames {
                order.definitions.append(
                    InstanceDefinition(
                        name: name, service: service.name, policy: service.policy, launch: launch,
                        probes: probes,
                        remedies: service.remedies.map(\.kind),
                        detaches: service.sequence != nil))
                order.hands.append(try forge.hand(for: service, named: name))
            }
        }
        return order
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
            guard let place = mind.id(named: definition.name)?.index else { continue }
            while hands.count <= place { hands.append(nil) }
            if let old = hands[place], old.facts.name == definition.name {
                if old.facts.launch == hand.facts.launch {
                    observe(place, old, hand.watch)
                    continue
                }
                forgetProbes(place, old)
                hand.takeOver(old)
            } else {
                hands[place]?.leaves?.remove()
                if let old = hands[place] { forgetProbes(place, old) }
            }
            hand.watch.since = now.boot
            hands[place] = hand
        }
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
        for id in mind.all {
            let definition = mind.definition(id)
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
