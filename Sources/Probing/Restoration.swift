import Configuration
import Linux
import Supervision

/// Restores declared files, directories and links, and only those: with the rights of the daemon, in
/// places where a service's user may plant what he likes.
///
/// What is changed is held by descriptor, was found without following any link, has no other name,
/// and still had this name after all that was looked at.
struct Restoration {
    /// Nothing in it is ever touched.
    var store = "/nix/store"

    /// Why something is left as it is.
    private struct Obstacle: Error {
        let outcome: RemedyOutcome
        let text: String

        static func refused(_ text: String) -> Obstacle { Obstacle(outcome: .refused, text: text) }
    }

    /// All of them, in the order of the configuration: a directory before what is in it.
    func restore(_ dependencies: [Dependency]) -> Deed {
        var mended: [String] = []
        var obstacles: [Obstacle] = []
        for dependency in dependencies {
            do throws(Obstacle) {
                let deeds = try restore(dependency)
                if !deeds.isEmpty {
                    mended.append("\(full(dependency)): \(deeds.joined(separator: ", "))")
                }
            } catch { obstacles.append(error) }
        }
        let done = mended.isEmpty ? [] : ["mended " + mended.joined(separator: "; ")]
        guard !obstacles.isEmpty else {
            return mended.isEmpty
                ? Deed(.notNeeded, "all that is declared is there") : Deed(.applied, done[0])
        }
        let isRefused = obstacles.contains { $0.outcome == .refused }
        return Deed(
            isRefused ? .refused : .failed,
            (obstacles.map(\.text) + done).joined(separator: "; "))
    }

    /// What was mended of one.
    private func restore(_ dependency: Dependency) throws(Obstacle) -> [String] {
        let base = try attempt(dependency) { () throws(SystemError) in
            try ConfinedDirectory(normal(dependency.base))
        }
        let found = try attempt(dependency) { () throws(SystemError) in
            try base.find(dependency.path)
        }
        guard let found else { return try make(dependency, in: base) }
        if case .link(let target) = dependency.kind {
            return try mendLink(found, to: target, dependency, in: base)
        }
        return try mend(found, dependency)
    }

    // MARK: What is there

    private func mend(
        _ found: borrowing ConfinedFile, _ dependency: Dependency
    ) throws(Obstacle) -> [String] {
        let status = try check(found, dependency)
        let wanted = try ownership(dependency)
        // Who may write in a directory can move a file there and call it by this name. What its owner
        // kept to himself is not given away.
        let isSecret = status.mode & 0o077 == 0
        if case .file = dependency.kind, isSecret, let owner = wanted.owner, owner != status.owner {
            throw .refused(
                "\(full(dependency)) belongs to user \(status.owner), who lets nobody else read it, "
                    + "and is not given away: chown it by hand, if that is right")
        }
        return try adjust(found, status, dependency, wanted, dependency.mode)
    }

    /// That it is what was declared, has no other name, is where it was found, and outside the store.
    private func check(
        _ found: borrowing ConfinedFile, _ dependency: Dependency
    ) throws(Obstacle) -> FileStatus {
        let status = try attempt(dependency) { () throws(SystemError) in try found.status() }
        let path = full(dependency)
        let (kind, word): (FileStatus.Kind, String) =
            switch dependency.kind {
            case .file: (.file, "regular file")
            case .directory: (.directory, "directory")
            case .link: (.link, "symbolic link")
            }
        guard status.kind == kind else { throw .refused("\(path) is no \(word)") }
        // Another name could be that of a file elsewhere, which is not ours to give away. First how
        // many names there are; then, with no removal under way, that this one is still among them:
        // so it was the one that was counted.
        if kind == .file, status.links != 1 {
            throw .refused("\(path) has \(status.links) names (hard links), and is left alone")
        }
        try attempt(dependency) { () throws(SystemError) in try found.settle() }
        guard found.place == path else {
            throw .refused("\(path) was moved while it was looked at")
        }
        try stayOut(of: store, found.location, path)
        return status
    }

    private func adjust(
        _ file: borrowing ConfinedFile, _ status: FileStatus, _ dependency: Dependency,
        _ wanted: (owner: UInt32?, group: UInt32?), _ mode: UInt32?
    ) throws(Obstacle) -> [String] {
        let owner = wanted.owner == status.owner ? nil : wanted.owner
        let group = wanted.group == status.group ? nil : wanted.group
        let isOther = owner != nil || group != nil
        let isModeOther = mode.map { $0 != status.mode } ?? false
        try attempt(dependency) { () throws(SystemError) in
            if isOther { try file.change(owner: owner, group: group) }
            // Giving a file away takes its set-user-ID bit from it.
            if let mode, isOther || isModeOther { try file.change(mode: mode) }
        }
        return [
            owner.map { "owner \(dependency.owner ?? "\($0)")" },
            group.map { "group \(dependency.group ?? "\($0)")" },
            isModeOther ? mode.map { "mode \(octal($0))" } : nil,
        ].compactMap { $0 }
    }

    private func mendLink(
        _ found: borrowing ConfinedFile, to target: String, _ dependency: Dependency,
        in base: borrowing ConfinedDirectory
    ) throws(Obstacle) -> [String] {
        let status = try check(found, dependency)
        let present = try attempt(dependency) { () throws(SystemError) in
            try found.linkTarget()
        }
        if present == target {
            return try adjust(found, status, dependency, ownership(dependency), nil)
        }
        let path = full(dependency)
        guard dependency.create else {
            throw .refused("\(path) is a link to \(present), not to \(target)")
        }
        try attempt(dependency) { () throws(SystemError) in
            try base.replaceLink(dependency.path, to: target)
        }
        try finishLink(to: target, dependency, in: base)
        return ["a link to \(target), no longer to \(present)"]
    }

    /// Gives a link that we have just made to whom it belongs, unless it has been replaced.
    private func finishLink(
        to target: String, _ dependency: Dependency, in base: borrowing ConfinedDirectory
    ) throws(Obstacle) {
        let found = try attempt(dependency) { () throws(SystemError) in
            try base.find(dependency.path)
        }
        guard let found else { throw .refused("\(full(dependency)) was taken away at once") }
        let status = try check(found, dependency)
        let present = try attempt(dependency) { () throws(SystemError) in try found.linkTarget() }
        guard present == target else {
            throw .refused("\(full(dependency)) was replaced while it was made")
        }
        _ = try adjust(found, status, dependency, ownership(dependency), nil)
    }

    // MARK: What is missing

    /// What a new file or directory is, where nothing is declared.
    private static let fileMode: UInt32 = 0o644
    private static let directoryMode: UInt32 = 0o755

    private func make(
        _ dependency: Dependency, in base: borrowing ConfinedDirectory
    ) throws(Obstacle) -> [String] {
        let path = full(dependency)
        guard dependency.create else {
            throw .refused("\(path) is missing, and `create` does not allow to make it")
        }
        let wanted = try ownership(dependency)
        let parent = try attempt(dependency) { () throws(SystemError) in
            try base.location(ofParentOf: dependency.path)
        }
        try stayOut(of: store, parent, path)
        switch dependency.kind {
        case .file:
            let file = try attempt(dependency) { () throws(SystemError) in
                try base.makeFile(dependency.path)
            }
            // Made by us this moment: nobody else's, whatever its name has become.
            try finish(file, dependency, wanted, dependency.mode ?? Self.fileMode)
        case .directory: try makeDirectory(dependency, wanted, in: base)
        case .link(let target):
            try attempt(dependency) { () throws(SystemError) in
                try base.makeLink(dependency.path, to: target)
            }
            try finishLink(to: target, dependency, in: base)
        }
        return ["made"]
    }

    private func makeDirectory(
        _ dependency: Dependency, _ wanted: (owner: UInt32?, group: UInt32?),
        in base: borrowing ConfinedDirectory
    ) throws(Obstacle) {
        let before = Clock.realtime()
        let found = try attempt(dependency) { () throws(SystemError) in
            try base.makeDirectory(dependency.path)
            return try base.find(dependency.path)
        }
        guard let found else { throw .refused("\(full(dependency)) was taken away at once") }
        let status = try check(found, dependency)
        // Where others may rename, another directory may stand there by now. Only root makes one that
        // belongs to root, and only by writing to one does its time change.
        guard status.owner == ProcessTable.effectiveUser,
            status.modified >= before - Self.clockStep
        else { throw .refused("\(full(dependency)) was replaced while it was made") }
        try finish(found, dependency, wanted, dependency.mode ?? Self.directoryMode)
    }

    /// Files get the time of the last tick.
    private static let clockStep: Int64 = 20_000_000

    private func finish(
        _ file: borrowing ConfinedFile, _ dependency: Dependency,
        _ wanted: (owner: UInt32?, group: UInt32?), _ mode: UInt32
    ) throws(Obstacle) {
        let status = try attempt(dependency) { () throws(SystemError) in try file.status() }
        _ = try adjust(file, status, dependency, wanted, mode)
    }

    // MARK: Rules

    private func stayOut(
        of store: String, _ location: MountLocation?, _ path: String
    ) throws(Obstacle) {
        if isWithin(path, store) {
            throw .refused("\(path) is in \(store), which is never touched")
        }
        guard let location else {
            throw .refused("where \(path) is mounted from cannot be found out")
        }
        // A bind mount shows the store under another name.
        if let place = MountLocation(of: store), location.isWithin(place) {
            throw .refused("\(path) is mounted from \(store), which is never touched")
        }
    }

    private func ownership(
        _ dependency: Dependency
    ) throws(Obstacle) -> (owner: UInt32?, group: UInt32?) {
        do throws(Account.Unknown) {
            let owner = try dependency.owner.map { name throws(Account.Unknown) in
                try Account.named(name, group: nil, groups: []).user
            }
            let group = try dependency.group.map { name throws(Account.Unknown) in
                try Account.groupID(name)
            }
            return (owner, group)
        } catch { throw .refused("\(full(dependency)): there is no \(error.what)") }
    }

    private func attempt<Result: ~Copyable>(
        _ dependency: Dependency, _ body: () throws(SystemError) -> Result
    ) throws(Obstacle) -> Result {
        do throws(SystemError) { return try body() } catch {
            switch error.code {
            case SystemError.symbolicLink:
                throw .refused(
                    "\(full(dependency)): a part of this path is a symbolic link, and none is"
                        + " followed here: declare the path that it leads to")
            case SystemError.leadsOut:
                throw .refused("\(full(dependency)) leads out of \(dependency.base)")
            default: throw Obstacle(outcome: .failed, text: "\(error)")
            }
        }
    }

    private func full(_ dependency: Dependency) -> String {
        normal("\(dependency.base)/\(dependency.path)")
    }

    /// As the kernel writes it. `..` stays: it leads out, and is refused.
    private func normal(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }
}

/// Whether a path is that directory's, or below it.
func isWithin(_ path: String, _ directory: String) -> Bool {
    path == directory || path.hasPrefix(directory.hasSuffix("/") ? directory : "\(directory)/")
}
