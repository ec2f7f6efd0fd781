import Linux
import SafeSwitch

/// Compares what two paths of the store have in them: `/etc/nginx` is another store path whenever
/// anything in /etc is, be nginx's files the same.
struct ContentComparison {
    let tree: RootedTree
    let before: SystemView
    let after: SystemView
    /// Bytes that may still be read.
    private var bytes = 16 << 20
    /// Names that may still be looked at.
    private var names = 4096

    init(_ before: SystemView, _ after: SystemView) {
        tree = before.tree
        self.before = before
        self.after = after
    }

    /// Compares what a path led to before with what it leads to after. `unknown` where that would
    /// take longer than it may, or cannot be read.
    mutating func compare(_ old: String?, _ new: String?) -> Difference {
        guard let old else { return new == nil ? .unknown : .new }
        guard let new else { return .gone }
        return difference(old, new, depth: 0)
    }

    private mutating func difference(_ old: String, _ new: String, depth: Int) -> Difference {
        let areInStore = [old, new].map { AbsolutePath.storePath($0) != nil }
        // What is in the store never changes; of anything else there is only what it is now.
        if old == new { return areInStore[0] ? .same : .unknown }
        guard areInStore == [true, true], let (a, b) = statuses(old, new) else { return .differs }
        guard a.kind == b.kind, a.mode & 0o111 == b.mode & 0o111 else { return .differs }
        switch a.kind {
        case .file: return files(old, new)
        case .directory: return depth < Self.mostDepth ? directories(old, new, depth) : .unknown
        case .link, .special: return .unknown
        }
    }

    private func statuses(_ old: String, _ new: String) -> (FileStatus, FileStatus)? {
        guard let a = try? tree.status(old), let b = try? tree.status(new) else { return nil }
        return (a, b)
    }

    private mutating func files(_ old: String, _ new: String) -> Difference {
        guard bytes > 0, let a = try? tree.beginning(of: old, most: bytes),
            let b = try? tree.beginning(of: new, most: bytes)
        else { return .unknown }
        guard a == b else { return .differs }
        let isWhole = a.count < bytes
        bytes -= a.count
        return isWhole ? .same : .unknown
    }

    private mutating func directories(_ old: String, _ new: String, _ depth: Int) -> Difference {
        guard let a = try? tree.names(in: old, most: names + 1).sorted(),
            let b = try? tree.names(in: new, most: names + 1).sorted(),
            max(a.count, b.count) <= names
        else { return .unknown }
        guard a == b else { return .differs }
        names -= a.count
        var result = Difference.same
        for name in a {
            switch entry(before.resolve("\(old)/\(name)"), after.resolve("\(new)/\(name)"), depth) {
            case .same: continue
            case .unknown: result = .unknown
            case .differs, .new, .gone: return .differs
            }
        }
        return result
    }

    /// A link that leads nowhere in both is the same.
    private mutating func entry(_ old: String?, _ new: String?, _ depth: Int) -> Difference {
        guard let old, let new else { return old == new ? .same : .differs }
        return difference(old, new, depth: depth + 1)
    }

    private static let mostDepth = 16
}
