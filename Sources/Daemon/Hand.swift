import Configuration
import Linux
import Probing
import Records
import Systemd
import Worker

/// The daemon's hold on one instance: what is known of it, whoever keeps its process.
class Hand {
    /// What the ledger and people are told of it.
    let facts: InstanceFacts
    /// Its log, where it has one, and the size at which that is cut.
    let log: (path: String, bound: Int64)?
    /// What is known of its health.
    private(set) var watch: Watch
    /// Where its commands run.
    let directory: String?
    /// What its commands get as their environment, without its marks.
    let environment: [String]
    /// Whom it runs as; `nil`: the daemon's own user.
    var identity: Identity?
    /// The account behind `identity`, once there is one.
    var account: Account?
    /// How often the process was started again since this daemon holds it.
    var restarts = 0

    init(
        facts: InstanceFacts, identity: Identity?, log: (path: String, bound: Int64)?,
        watch: Watch, directory: String?, environment: [String]
    ) {
        self.facts = facts
        self.identity = identity
        self.log = log
        self.watch = watch
        self.directory = directory
        self.environment = environment
    }

    /// What its start leaves behind is not ours.
    var detaches: Bool { false }
    /// The user that its processes begin as, and nobody else's are taken for its.
    var user: UInt32? { .max }
    /// What a looker looks at.
    var subject: Subject {
        Subject(main: nil, cgroup: nil, directory: directory, environment: environment)
    }
    /// The cgroup in which whatever does not descend from the main process is left over from an
    /// earlier one; `nil`: there is none such.
    var leftovers: String? { nil }
    /// The run that it is in, or was in last, where it is a unit's.
    var run: JournalTail.Run? { nil }
    /// The run that went down last, and how, as far as systemd says so.
    var lastFailure: (run: JournalTail.Run?, end: UnitEnd?) { (nil, nil) }

    /// Its facts with what its probes found last.
    var toldFacts: InstanceFacts {
        guard !watch.probes.isEmpty || !watch.remedyReason.isEmpty else { return facts }
        var facts = facts
        facts.remedyReason = watch.remedyReason
        facts.probeNames = watch.names
        facts.probeReasons = watch.sightings.map(\.reason)
        return facts
    }

    /// Whom a service runs as, in the configuration's words.
    struct Identity: Equatable {
        var user: String
        var group: String?
        var groups: [String]?

        func account() throws(Account.Unknown) -> Account {
            try Account.named(user, group: group, groups: groups)
        }
    }

    /// Its probes or remedies were configured anew.
    func observe(_ watch: Watch) {
        watch.takeOver(self.watch)
        self.watch = watch
    }
}
