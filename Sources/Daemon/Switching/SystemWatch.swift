import Linux

/// Where a change of generation shows: the profile's links, `/run/current-system`, and the lock of
/// switch-to-configuration. Costs nothing while nothing happens.
struct SystemWatch: ~Copyable {
    /// From the first sign to the telling: a switch gives several at once.
    static let pause: Int64 = 50_000_000
    /// The least time between two tellings.
    static let spacing: Int64 = 1_000_000_000

    private let inotify: Inotify
    private let places: [Place]
    /// The place that a watch is on.
    private var watches: [Int32: Int] = [:]
    private var lastTold = Int64.min / 2
    /// When to tell of what was seen.
    private(set) var due: Int64?

    private struct Place {
        let path: String
        let changes: Inotify.Changes
        let matters: @Sendable (String) -> Bool
    }

    /// Watches below this root; empty: the machine's own.
    init(root: String) throws(SystemError) {
        inotify = try Inotify()
        places = [
            Place(path: "\(root)/nix/var/nix/profiles", changes: [.created, .movedHere]) {
                $0 == "system" || $0.hasPrefix("system-")
            },
            Place(path: "\(root)/run", changes: [.created, .movedHere]) {
                $0 == "current-system" || $0 == "nixos"
            },
            Place(path: "\(root)/run/nixos", changes: [.opened, .closed]) {
                $0 == "switch-to-configuration.lock"
            },
        ]
        watchAll()
    }

    var raw: Int32 { inotify.raw }

    /// Watches whatever is there by now. What is not is looked for again with the next look at the
    /// generations, which come by themselves as well.
    mutating func watchAll() {
        for (index, place) in places.enumerated() where !watches.values.contains(index) {
            let watch = try? inotify.watch(directory: place.path, for: place.changes)
            if let watch { watches[watch] = index }
        }
    }

    /// Takes in what has happened.
    mutating func takeIn(at now: Int64) {
        for sign in inotify.signs() {
            guard let index = watches[sign.watch] else {
                if sign.watch < 0 { notice(at: now) }
                continue
            }
            if sign.isLast { watches[sign.watch] = nil }
            if sign.isLast || places[index].matters(sign.name) { notice(at: now) }
        }
    }

    private mutating func notice(at now: Int64) {
        due = due ?? max(now + Self.pause, lastTold + Self.spacing)
    }

    /// Whether it is time to tell.
    mutating func takeDue(at now: Int64) -> Bool {
        guard let due, due <= now else { return false }
        self.due = nil
        lastTold = now
        watchAll()
        return true
    }
}
