import Linux

/// Which logs have grown and must be looked at. A log is watched by a one-shot inotify watch: a
/// busy service costs a wake-up a second, a quiet one costs none.
struct LogWatch: ~Copyable {
    /// From a log's first change to the look at its size; what it writes between costs nothing.
    static let pause: Int64 = 1_000_000_000
    /// The same for a log that cannot be watched (max_user_watches of inotify(7) is used up, or
    /// it does not exist yet).
    static let unwatchedPause: Int64 = 60_000_000_000

    /// Stands for what switch-to-configuration prints to: no instance's place.
    static let switchPlace = -1

    private let inotify: Inotify
    /// The place whose log a watch is on.
    private var places: [Int32: Int] = [:]
    /// When to look at which place's log.
    private var checks: [(due: Int64, place: Int)] = []

    init() throws(SystemError) { inotify = try Inotify() }

    var raw: Int32 { inotify.raw }

    var nextCheck: Int64? { checks.map(\.due).min() }

    /// Looks at a log for the first time.
    mutating func check(_ place: Int, _ path: String, at now: Int64) {
        checks.append((now + Self.pause, place))
    }

    /// Watches for the log's next change.
    mutating func arm(_ place: Int, _ path: String, at now: Int64) {
        do throws(SystemError) {
            places[try inotify.watchOnce(path)] = place
        } catch {
            checks.append((now + Self.unwatchedPause, place))
        }
    }

    /// Takes in which watches have fired.
    mutating func takeIn(at now: Int64) {
        for watch in inotify.fired() {
            guard let place = places.removeValue(forKey: watch) else { continue }
            checks.append((now + Self.pause, place))
        }
    }

    /// The places whose logs are to be looked at now.
    mutating func takeDue(at now: Int64) -> [Int] {
        guard checks.contains(where: { $0.due <= now }) else { return [] }
        let due = checks.filter { $0.due <= now }.map(\.place)
        checks.removeAll { $0.due <= now }
        return due
    }
}
