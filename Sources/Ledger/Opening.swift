import JSON
import Linux

/// Makes a directory ready for a writer: the lock, the repair of what a crash left, or a new ledger
/// where the old one cannot be gone on with. Each step can be done again after a crash behind it.
struct Opening {
    let directory: String
    let disk: any LedgerDisk
    var lock: FileLock
    var examination: Examination
    /// Where a ledger went that could not be gone on with.
    var movedAside: String?

    init(_ directory: String, _ disk: any LedgerDisk) throws(LedgerError) {
        self.directory = directory
        self.disk = disk
        do {
            try LedgerFiles.makeDirectory(directory, disk)
        } catch {
            throw .refused(error)
        }
        lock = try Self.lock(directory)
        do throws(SystemError) {
            examination = try Examination(of: directory)
        } catch {
            throw .refused(error)
        }
    }

    private static func lock(_ directory: String) throws(LedgerError) -> FileLock {
        let path = LedgerFiles.lock(in: directory)
        let lock: FileLock?
        do {
            lock = try FileLock(path)
        } catch {
            throw .refused(error)
        }
        guard let lock else { throw .busy(lock: path, holder: FileLock.holder(path)) }
        return lock
    }

    mutating func prepare() throws(LedgerError) {
        do throws(SystemError) {
            if examination.evidence == nil {
                try repair()
            } else {
                try moveAside()
            }
        } catch {
            throw .refused(error)
        }
        guard movedAside != nil else { return }
        // The lock went with the directory.
        do throws(SystemError) {
            try LedgerFiles.makeDirectory(directory, disk)
        } catch {
            throw .refused(error)
        }
        lock = try Self.lock(directory)
    }

    private func repair() throws(SystemError) {
        for name in try Directory.names(in: directory)
        where name.hasSuffix(LedgerSegment.suffix + LedgerFiles.temporarySuffix) {
            try disk.remove("\(directory)/\(name)")
        }
        for tail in examination.tails {
            do {
                try tail.quarantine(disk)
            } catch {
                guard error.isFull else { throw error }
                // A torn tail is what the reserve is for.
                try disk.remove(LedgerFiles.reserve(in: directory))
                try tail.quarantine(disk)
            }
        }
    }

    private mutating func moveAside() throws(SystemError) {
        var number = 1
        while try Directory.contains(Self.aside(directory, number)) { number += 1 }
        let path = Self.aside(directory, number)
        try disk.rename(directory, to: path)
        try disk.synchronizeDirectory(LedgerFiles.parent(of: directory))
        movedAside = path
        examination.end = nil
    }

    private static func aside(_ directory: String, _ number: Int) -> String {
        "\(directory).broken-\(number)"
    }

    /// The newest ledger beside this one that was moved aside. A new ledger tells of it, whether or
    /// not it is this start that moved it: the one that did may have ended before it could tell.
    private func newestAside() throws(SystemError) -> String? {
        var number = 0
        while try Directory.contains(Self.aside(directory, number + 1)) { number += 1 }
        return number > 0 ? Self.aside(directory, number) : nil
    }

    /// What the writer records before anything else.
    func notices(at stamp: Stamp) throws(SystemError) -> [Scribe.Notice] {
        var notices: [Scribe.Notice] = []
        if examination.end == nil, let path = try newestAside() {
            notices.append(
                Scribe.Notice(
                    event: "ledger.broken", fields: try brokenFields(path), stamp: stamp))
        }
        for name in try TornTail.pending(in: directory) {
            if examination.toldTails.contains(name) {
                try TornTail.settle(name, in: directory, disk)
                continue
            }
            let fields = try TornTail.repairFields(
                name, in: directory, last: examination.end?.last ?? -1)
            notices.append(
                Scribe.Notice(
                    event: "ledger.repair", fields: fields, stamp: stamp, pendingTail: name))
        }
        return notices
    }

    private func brokenFields(_ path: String) throws(SystemError) -> [UInt8] {
        let broken = try Examination(of: path)
        var writer = JSONWriter()
        writer.string("directory", path)
        writer.string("origin", broken.end?.origin ?? "")
        writer.integer("size", (broken.end?.last ?? -1) + 1)
        writer.string("head", (broken.end?.head ?? .zero).text)
        writer.string("evidence", broken.evidence ?? "")
        return writer.bytes
    }
}
