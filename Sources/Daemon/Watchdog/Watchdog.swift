import Configuration
import Linux
import Supervision

/// The hardware watchdogs: which are wanted, which are held, and when they are fed.
final class Watchdog {
    /// What the configuration wants; `nil`: nothing is touched, and nothing here costs anything.
    private(set) var policy: WatchdogPolicy?
    var posts: [WatchdogPost] = []
    /// When to feed; `nil` while nothing is held.
    var feeding: Feeding?
    /// Since when the loop has waited for an exec; `nil`: it does not.
    var execSince: Instant?
    /// From when on it may be told again, on the boot clock, that an exec lasts.
    var nextExecComplaint: Int64 = 0
    /// Why no device is opened, and until when; from the ledger's story of resets.
    var ban: Ban?
    /// Tells what comes and who lets go, while something is awaited.
    private(set) var inotify: Inotify?
    var token: Poller.Token?

    struct Ban {
        let reason: String
        let until: Instant

        /// In words, for people who read it now.
        func words(at now: Instant) -> String {
            "\(reason); it is used again in \((max(until, now) - now).words)"
        }
    }

    func take(_ policy: WatchdogPolicy?, at now: Int64) {
        let kept = policy.map { $0.isTest } == self.policy.map { $0.isTest } ? posts : []
        self.policy = policy
        posts = Self.wanted(policy).map { paths in
            kept.first { $0.paths == paths }
                ?? WatchdogPost(paths, isTest: policy?.isTest ?? false, at: now)
        }
    }

    /// The posts of a policy, by their paths.
    static func wanted(_ policy: WatchdogPolicy?) -> [[String]] {
        guard let policy else { return [] }
        return policy.devices.isEmpty ? [WatchdogPolicy.usual] : policy.devices.map { [$0] }
    }

    /// When the loop has to come by; `nil`: not for this.
    var due: Int64? {
        guard policy != nil else { return nil }
        var due = feeding?.due.nanoseconds ?? .max
        for post in posts {
            if let next = post.nextTry { due = min(due, max(next, ban?.until.nanoseconds ?? next)) }
        }
        return due == .max ? nil : due
    }

    /// The shortest time-out of what is held; `nil`: nothing is.
    var timeout: Interval? {
        posts.compactMap { post -> Interval? in
            switch post.state {
            case .armed(let device):
                device.timeout.map { .seconds(Int64($0)) } ?? WatchdogPolicy.shortestTimeout
            case .test: policy?.timeout
            case .awaited, .busy, .unusable: nil
            }
        }.min()
    }

    // MARK: - What comes

    /// Watches for what is awaited; not at all where nothing is.
    func listen() throws(SystemError) {
        guard posts.contains(where: \.isWaiting) else {
            inotify = nil
            return
        }
        if inotify == nil { inotify = try Inotify() }
        for post in posts where post.isWaiting {
            for path in post.paths {
                // The kernel keeps one watch for each directory.
                _ = try? inotify?.watch(directory: folder(path), for: [.created, .movedHere])
                // What cannot be used is not held by anybody: of that, our own close would be told.
                if !post.isUnusable { _ = try? inotify?.watchClosing(of: path) }
            }
        }
    }

    var descriptor: Int32? { inotify?.raw }

    /// Something came, or somebody let go.
    func takeIn(at now: Int64) {
        guard let signs = inotify?.signs(), !signs.isEmpty else { return }
        for i in posts.indices {
            let names = posts[i].paths.map { $0[$0.index(after: $0.lastIndex(of: "/")!)...] }
            let concerns = signs.contains { sign in
                // Without a name: a file was closed, or signs were lost.
                sign.name.isEmpty ? !posts[i].isUnusable : names.contains { $0 == sign.name }
            }
            if concerns { posts[i].tryAnew(at: now + WatchdogPost.firstPause) }
        }
    }

    private func folder(_ path: String) -> String {
        let folder = path[..<path.lastIndex(of: "/")!]
        return folder.isEmpty ? "/" : String(folder)
    }
}
