import Linux
public import SafeSwitch

extension Surveyor {
    /// How a service compares between two systems. All is unknown where one of them is not there
    /// any more: that a unit is gone with its whole system says nothing of the unit.
    ///
    /// Closures are compared by the store paths that are run: what a store path refers to never
    /// changes, so those of two closures are the same exactly where the closures are. Nix need not be
    /// asked, and need not answer.
    public func compare(_ question: Question) -> Comparison {
        let before = SystemView(tree: tree, system: question.before)
        let after = SystemView(tree: tree, system: question.after)
        var comparison = Comparison()
        let systems = [question.before, question.after].map { system($0) }
        guard !systems.contains(where: { $0.defects.contains(.missing) }) else {
            comparison.paths = question.subject.paths.map { .init(unknown: $0) }
            return comparison
        }
        comparison.kernel = systems[0].kernel == systems[1].kernel ? .same : .differs
        comparison.systemd = Self.difference(systems[0].systemd, systems[1].systemd)
        comparison.paths = paths(question.subject, before, after)
        if let unit = question.subject.unit {
            compare(unit, before, after, into: &comparison)
        } else if let first = comparison.paths.first {
            comparison.closure = Self.difference(
                before.storePath(ofProgram: first.before), after.storePath(ofProgram: first.after))
        }
        return comparison
    }

    private func paths(
        _ subject: Subject, _ before: SystemView, _ after: SystemView
    ) -> [Comparison.PathDifference] {
        var contents = ContentComparison(before, after)
        return subject.paths.enumerated().map { index, path in
            guard index < Self.mostPaths else { return .init(unknown: path) }
            let former = subject.formerPaths.indices.contains(index)
            let old = before.resolve(root.plain(former ? subject.formerPaths[index] : path))
            let new = after.resolve(root.plain(path))
            return Comparison.PathDifference(
                path: path, difference: contents.compare(old, new), before: old, after: new)
        }
    }

    private func compare(
        _ unit: String, _ before: SystemView, _ after: SystemView,
        into comparison: inout Comparison
    ) {
        switch (UnitText.read(unit, in: before), UnitText.read(unit, in: after)) {
        case (.absent, .text):
            comparison.unit = .new
            comparison.closure = .new
        case (.text, .absent):
            comparison.unit = .gone
            comparison.closure = .gone
        case (.text(let old), .text(let new)):
            comparison.unit = old == new ? .same : .differs
            comparison.closure = Self.difference(
                before.storePaths(of: old.execStart), after.storePaths(of: new.execStart))
        case (.absent, .absent), (.unreadable, _), (_, .unreadable): break
        }
    }

    private static func difference<Thing: Equatable>(_ old: Thing?, _ new: Thing?) -> Difference {
        guard let old else { return new == nil ? .unknown : .new }
        guard let new else { return .gone }
        return old == new ? .same : .differs
    }

    /// Of more paths nothing is said.
    private static let mostPaths = 64
}

extension SystemView {
    /// The store path of a program; `nil`: it is no program, or in no store path of its own. A path to
    /// blame may be a directory of /etc, or a file of the system itself, whose store paths are others
    /// whenever anything is.
    fileprivate func storePath(ofProgram place: String?) -> String? {
        guard let place, let status = try? tree.status(place), status.kind == .file,
            status.mode & 0o111 != 0, let path = AbsolutePath.storePath(place), path != system
        else { return nil }
        return path
    }

    /// The store paths that commands run and name; `nil`: there are no commands, or a program is in
    /// no store.
    fileprivate func storePaths(of commands: [String]) -> Set<String>? {
        var paths: Set<String> = []
        for command in commands {
            guard let path = storePath(ofProgram: resolve(UnitText.program(of: command)))
            else { return nil }
            paths.insert(path)
            paths.formUnion(UnitText.storePaths(in: command))
        }
        return paths.isEmpty ? nil : paths
    }
}

extension Comparison.PathDifference {
    fileprivate init(unknown path: String) {
        self.init(path: path, difference: .unknown, before: nil, after: nil)
    }
}
