import Linux

/// What lies in a ledger's directory beside the segments.
enum LedgerFiles {
    static let temporarySuffix = ".tmp"

    static func lock(in directory: String) -> String { "\(directory)/lock" }
    static func reserve(in directory: String) -> String { "\(directory)/reserve" }
    static func torn(in directory: String) -> String { "\(directory)/torn" }

    /// Takes the reserve from the disk, unless it is there.
    static func makeReserve(
        in directory: String, _ disk: any LedgerDisk
    ) throws(SystemError) {
        let path = reserve(in: directory)
        if let file = try? File(opening: path, .read), try file.size() == LedgerLimits.reserve {
            return
        }
        try disk.removeIfPresent(path)
        do {
            try disk.allocate(try disk.create(path), LedgerLimits.reserve)
        } catch {
            try? disk.remove(path)
            throw error
        }
    }

    /// The directory that holds `path`.
    static func parent(of path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).dropLast()
        let parent = parts.joined(separator: "/")
        return path.hasPrefix("/") ? "/" + parent : parent.isEmpty ? "." : parent
    }

    /// Makes a directory 0700, durably, unless it is there.
    static func makeDirectory(_ path: String, _ disk: any LedgerDisk) throws(SystemError) {
        do {
            try Directory.create(path, mode: 0o700)
        } catch {
            if error.code == SystemError.exists { return }
            throw error
        }
        try disk.synchronizeDirectory(parent(of: path))
    }
}
