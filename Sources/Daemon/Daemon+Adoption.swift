import Configuration
import Ledger
import Linux
import Probing
import Records
import SafeSwitch
import Supervision
import Systemd

/// Started again, the daemon takes over what runs, without touching it, and only then starts what
/// is missing.
extension Daemon {
    func begin(_ configuration: Configuration, _ memory: Memory) throws(SystemError) {
        let order = try order(configuration)
        let survivors = Survivors(state: forge.stateID)
        let leftovers = try leftovers(order, survivors, memory)

        tellOnly(.configured(order.definitions + leftovers.definitions))
        var both = order
        both.definitions += leftovers.definitions
        both.hands += leftovers.hands
        place(both)
        for definition in both.definitions { reunite(definition, survivors, memory) }
        if !leftovers.definitions.isEmpty { tellOnly(.configured(order.definitions)) }
        loaded(configuration)
        ResourceLimits.releaseProgram()
        configureSwitching(configuration)
        // What is started from here on is young, however long all this took.
        beginTurn()
        // A device that an earlier daemon held goes on counting, and the first exec may take its time.
        takeWatchdogs(configuration.watchdog)
        // It is told at the end of the loop's first turn, or while an exec lasts.
        manager?.ready()
        tell(.begun)
        tellSwitch(.begun)
        if manager != nil { stayInMemory() }
        // Reading secrets may take its time, and starting services must not wait for it.
        open(configuration.notices)
        tellOfOpenHandovers()
    }

    private func place(_ order: Order) {
        for (definition, hand) in zip(order.definitions, order.hands) {
            guard let hand, let place = mind.id(named: definition.name)?.index else { continue }
            while hands.count <= place { hands.append(nil) }
            put(hand, at: place)
        }
    }

    /// What runs and is no longer configured: it gets a place, so that it can be stopped properly.
    private func leftovers(
        _ order: Order, _ survivors: Survivors, _ memory: Memory
    ) throws(SystemError) -> Order {
        var leftovers = Order()
        let configured = Set(order.definitions.map(\.name))
        for name in survivors.names(memory)
        where !configured.contains(name) && !isUnit(name, memory) {
            let past = memory.instances[name]
            let found = survivors.main(of: name, past, user: nil)
            let service = String(name.prefix { $0 != "@" })
            leftovers.definitions.append(
                InstanceDefinition(
                    name: name, service: service, policy: ServicePolicy(),
                    launch: found?.launch ?? 0))
            leftovers.hands.append(try forge.hand(ofLeftover: name))
        }
        return leftovers
    }

    /// A unit's process is systemd's: who no longer looks after it leaves it alone. Of a template's
    /// instances nobody knows yet which are there.
    private func isUnit(_ name: String, _ memory: Memory) -> Bool {
        let isKept = memory.instances[name].map { $0.process != nil && $0.launch == 0 } ?? false
        return isKept || units.templates.keys.contains(String(name.prefix { $0 != "@" }))
    }

    private func reunite(
        _ definition: InstanceDefinition, _ survivors: Survivors, _ memory: Memory
    ) {
        let name = definition.name
        guard let id = mind.id(named: name) else { return }
        guard let hand = process(at: id.index) else { return yield(name, survivors) }
        let past = memory.instances[name]
        let found = survivors.main(of: name, past, user: hand.user)
        let main = found.flatMap { hold($0, by: hand, at: id.index) }
        for pid in survivors.stragglers(of: name, besides: main.map { _ in found!.attempt }) {
            Signal.send(Signal.kill, to: pid)
        }
        if let found, let main {
            let process = ProcessIdentity(pid: main.pid, startTicks: main.startTicks)
            tellOnly(
                .instance(
                    id,
                    .adopted(
                        process, attempt: found.attempt,
                        since: Instant(nanoseconds: found.since), launch: found.launch)))
        } else if let process = past?.process {
            hand.leaves?.sweep()
            tellOnly(.instance(id, .vanished(process)))
        }
    }

    /// What was Regen's own process is systemd's unit now: of that two at once would be one too many.
    private func yield(_ name: String, _ survivors: Survivors) {
        for pid in survivors.stragglers(of: name, besides: nil) {
            Signal.send(Signal.terminate, to: pid)
        }
    }

    /// Opens the process; `nil` when it has ended since it was found.
    private func hold(_ found: Survivors.Found, by hand: ProcessHand, at place: Int) -> ProcessHand
        .Running?
    {
        guard let pidfd = try? PidFD(opening: found.pid) else { return nil }
        let running = ProcessHand.Running(pid: found.pid, pidfd: pidfd, isAdopted: true)
        // Only now nobody else can have the number: is it still the one that was found?
        let ticks = running.startTicks
        guard Int64(ticks) * (1_000_000_000 / Clock.ticksPerSecond) == found.since else {
            return nil
        }
        hand.adopt(running)
        // What it said to an earlier daemon nobody knows, but that daemon let it run.
        hand.watch.notice = Notice(isReady: true, alive: now.boot)
        // Whoever inherited it from the earlier daemon inherits its orphans too.
        if let heir = ProcessTable.entry(found.pid)?.parent { orphanages.insert(heir) }
        if let leaves = hand.leaves {
            // It may be in none of its leaves, but in our own cgroup: that must never be killed.
            hand.isOutsideLeaf =
                !(Linux.Cgroup.path(of: found.pid).map { leaves.goOn(in: $0) } ?? false)
        }
        watch(running, at: place)
        if let log = hand.log {
            hand.isLogWatched = true
            logWatch?.check(place, log.path, at: now.boot)
        }
        return running
    }
}
