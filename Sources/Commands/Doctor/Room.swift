import SafeSwitch

/// How much room something needs on its file system, and what is so if there is less.
struct Room {
    /// A rollback makes a link.
    static let leastStore: Int64 = 1 << 20
    /// The next deployment needs as much.
    static let comfortableStore: Int64 = 1 << 30
    /// See `PlanFacts`.
    static let leastBoot = PlanFacts.leastBootSpace
    /// A kernel and an initrd.
    static let comfortableBoot: Int64 = 64 << 20
    /// A few thousand records.
    static let leastState: Int64 = 1 << 20
    /// Weeks of records, and logs.
    static let comfortableState: Int64 = 256 << 20
    /// Less than one inode in so many being free is little.
    static let fewInodes: Int64 = 100

    let group: Finding.Group
    let check: String
    let path: String
    /// With fewer bytes it does not work.
    let least: Int64
    /// With fewer it will soon not.
    let comfortable: Int64
    /// What does not work then.
    let effect: String
    let fix: String

    func judge(_ space: PathFacts.Space) -> Finding {
        let found = "\(Self.words(space.free)) free at \(path)"
        if space.isReadOnly {
            return Finding(
                group, check,
                .fault(fix: "mount -o remount,rw $(findmnt -no TARGET -T \(path.pasted))"),
                "\(path) is read-only: \(effect)")
        }
        if space.free < least {
            return Finding(group, check, .fault(fix: fix), "\(found): \(effect)")
        }
        if space.inodes > 0, space.freeInodes == 0 {
            return Finding(group, check, .fault(fix: fix), "no inode is free at \(path): \(effect)")
        }
        if space.free < comfortable {
            return Finding(group, check, .warning(fix: fix), "only \(found)")
        }
        if space.inodes > 0, space.freeInodes < space.inodes / Self.fewInodes {
            return Finding(
                group, check, .warning(fix: fix),
                "only \(space.freeInodes) of \(space.inodes) inodes are free at \(path)")
        }
        return Finding(group, check, .fine, found)
    }

    /// `1.4 GiB`, `512 KiB`
    static func words(_ bytes: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var tenths = max(bytes, 0).multipliedReportingOverflow(by: 10).partialValue
        if max(bytes, 0) > .max / 10 { tenths = .max }
        var unit = 0
        while tenths >= 10 * 1024, unit + 1 < units.count {
            tenths /= 1024
            unit += 1
        }
        let whole = "\(tenths / 10)"
        return unit == 0 || tenths >= 100
            ? "\(whole) \(units[unit])" : "\(whole).\(tenths % 10) \(units[unit])"
    }
}
