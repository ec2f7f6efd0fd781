import Linux

/// One profile of Nix's: a link to one of its numbered links, which lead to the store. Changed as Nix
/// changes it, under Nix's lock.
struct Profile: ~Copyable {
    /// So long Nix's lock is waited for, in nanoseconds.
    static let lockPatience: Int64 = 10_000_000_000
    /// So long between two tries, in milliseconds.
    static let lockPause: Int32 = 20

    private let name: String
    private let directory: RootedDirectory

    /// The profile with this name in this directory.
    init(_ name: String, in path: String, root: SystemRoot) throws(DeedFailure) {
        self.name = name
        directory = try deed { () throws(SystemError) in
            try RootedDirectory(root: root.directory, path)
        }
    }

    /// What the generation's link says; `nil`: there is no such generation.
    func target(of number: Int) throws(DeedFailure) -> String? {
        try deed { () throws(SystemError) in try directory.link(link(number)) }
    }

    /// The numbers of its generations, lowest first.
    func numbers() throws(DeedFailure) -> [Int] {
        let names = try deed { () throws(SystemError) in try directory.names() }
        return names.compactMap { number(ofLink: $0) }.sorted()
    }

    /// Whether the profile leads to this generation.
    func leads(to number: Int) throws(DeedFailure) -> Bool {
        try deed { () throws(SystemError) in try directory.link(name) } == link(number)
    }

    /// Makes the profile lead to this generation, at no moment to none, and waits for the disk.
    func lead(to number: Int) throws(DeedFailure) {
        try deed { () throws(SystemError) in
            try directory.remove(prepared)
            if try directory.link(name) != link(number) {
                try directory.makeLink(prepared, to: link(number))
                do throws(SystemError) {
                    try directory.rename(prepared, to: name)
                } catch {
                    try? directory.remove(prepared)
                    throw error
                }
            }
            // Also where the link is as wanted: a run that was killed may not have waited.
            try directory.synchronize()
        }
        guard try leads(to: number) else {
            throw DeedFailure(
                "\(directory.path)/\(name) was set to generation \(number) and leads elsewhere "
                    + "now: something changes it without Nix's lock; find out what",
                isTransient: true)
        }
    }

    /// The number of a generation that leads to this path: the highest one if it does already, as
    /// Nix has it, or else a new one.
    func add(_ path: String) throws(DeedFailure) -> Int {
        let last = try numbers().last
        if let last, try target(of: last) == path { return last }
        let next = (last ?? 0) + 1
        try deed { () throws(SystemError) in
            try directory.makeLink(link(next), to: path)
            try directory.synchronize()
        }
        return next
    }

    /// Takes away all generations but this one and so many before it.
    func prune(keeping number: Int, and before: Int) throws(DeedFailure) {
        for old in try numbers().filter({ $0 < number }).dropLast(before) {
            try deed { () throws(SystemError) in try directory.remove(link(old)) }
        }
    }

    /// Does something under Nix's lock of this profile.
    func locked<Result>(
        _ body: () throws(DeedFailure) -> Result
    ) throws(DeedFailure) -> Result {
        let lock = try takeLock()
        defer { release(lock) }
        return try body()
    }

    private func link(_ number: Int) -> String { "\(name)-\(number)-link" }

    private func number(ofLink link: String) -> Int? {
        guard link.hasPrefix("\(name)-"), link.hasSuffix("-link") else { return nil }
        let digits = link.dropFirst(name.utf8.count + 1).dropLast("-link".utf8.count)
        guard let number = Int(digits), String(number) == digits, number > 0 else { return nil }
        return number
    }

    /// The link that is renamed. The builders of boot menus take a name in `system-profiles` for a
    /// profile unless it ends like this.
    private var prepared: String { ".\(name)-regen-link" }

    private var lockName: String { "\(name).lock" }

    /// Nix's lock: a file is locked with flock(2), and then looked at, for whoever had it may have
    /// deleted it meanwhile. Nix says so by a byte in it.
    private func takeLock() throws(DeedFailure) -> LockedFile {
        let deadline = Clock.boottime() + Self.lockPatience
        repeat {
            if let lock = try tryLock() { return lock }
            pause(milliseconds: Self.lockPause)
        } while Clock.boottime() < deadline
        throw DeedFailure(
            "another process has held Nix's lock \(directory.path)/\(lockName) for "
                + "\(Self.lockPatience / 1_000_000_000) s; lslocks names it; try again when it is "
                + "done",
            isTransient: true)
    }

    /// One try. A file that is not empty although it still has its name would keep Nix waiting for
    /// ever: it is the lock's holder who takes it away, and that is us now.
    private func tryLock() throws(DeedFailure) -> LockedFile? {
        try deed { () throws(SystemError) in
            guard let lock = try directory.lock(lockName) else { return nil }
            let (size, names) = try lock.status()
            if size == 0, names > 0 { return lock }
            if names > 0 { try directory.remove(lockName) }
            return nil
        }
    }

    /// As Nix does it, but that the byte needs no room on the disk.
    private func release(_ lock: borrowing LockedFile) {
        try? directory.remove(lockName)
        try? lock.resize(to: 1)
    }
}
