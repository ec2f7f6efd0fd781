import JSON
import Linux

/// Bytes behind the last line that can be gone on from, as a crash leaves them. They are kept
/// in torn/, under a name with a mark until the ledger tells of them.
struct TornTail {
    /// The segment whose end they are.
    var segment: LedgerSegment
    /// Where they begin. 0: the file has no whole line, and goes altogether.
    var offset: Int64
    /// How many they are.
    var size: Int64

    private static let mark = ".pending"

    /// Copies the bytes aside and cuts them off. Done again after a crash at any point, it comes to
    /// the same: the copy's name is made of where the bytes stood and what they are.
    func quarantine(_ disk: any LedgerDisk) throws(SystemError) {
        if size > 0 {
            let torn = LedgerFiles.torn(in: segment.directory)
            try LedgerFiles.makeDirectory(torn, disk)
            try copy(into: torn, disk)
            try disk.synchronizeDirectory(torn)
        }
        if offset > 0 {
            let file = try File(opening: segment.path, .readWrite)
            try disk.truncate(file, to: offset)
            try disk.synchronize(file)
        } else {
            try disk.remove(segment.path)
            try disk.synchronizeDirectory(segment.directory)
        }
    }

    private func copy(into torn: String, _ disk: any LedgerDisk) throws(SystemError) {
        let source = try File(opening: segment.path, .read)
        let bytes = try TornTail.contents(of: source, from: offset)
        let digest = bytes.withUnsafeBytes { SHA256().digest(of: $0) }
        let name =
            "\(segment.name.prefix(LedgerSegment.digits))-\(offset)-\(digest.text.prefix(16))"
        let path = "\(torn)/\(name)\(TornTail.mark)"
        try disk.removeIfPresent(path)
        let copy = try disk.create(path)
        let outcome = bytes.withUnsafeBytes { bytes -> Result<Void, SystemError> in
            Result { () throws(SystemError) in try disk.writeAll(bytes, to: copy, at: 0) }
        }
        try outcome.get()
        try disk.synchronize(copy)
    }

    /// At most `LedgerLimits.tornTail` bytes.
    private static func contents(
        of file: borrowing File, from offset: Int64
    ) throws(SystemError) -> [UInt8] {
        let size = min(try file.size() - offset, LedgerLimits.tornTail)
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            let buffer = UnsafeMutableRawBufferPointer(buffer)
            do throws(SystemError) {
                while count < buffer.count {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                    let step = try file.read(into: rest, at: offset + Int64(count))
                    if step == 0 { return }
                    count += step
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// The tails in torn/ of which the ledger does not tell yet, by their names without the mark.
    static func pending(in directory: String) throws(SystemError) -> [String] {
        do {
            return try Directory.names(in: LedgerFiles.torn(in: directory)).filter {
                $0.hasSuffix(mark)
            }.map { String($0.dropLast(mark.utf8.count)) }
        } catch {
            if error.code == SystemError.noEntry { return [] }
            throw error
        }
    }

    /// Takes the mark off.
    static func settle(
        _ name: String, in directory: String, _ disk: any LedgerDisk
    ) throws(SystemError) {
        let torn = LedgerFiles.torn(in: directory)
        try disk.rename("\(torn)/\(name)\(mark)", to: "\(torn)/\(name)")
        try disk.synchronizeDirectory(torn)
    }

    /// The keys of the `ledger.repair` that tells of a pending tail; `last` is the last record
    /// before it.
    static func repairFields(
        _ name: String, in directory: String, last: Int64
    ) throws(SystemError) -> [UInt8] {
        let path = "\(LedgerFiles.torn(in: directory))/\(name)\(mark)"
        let bytes = try contents(of: try File(opening: path, .read), from: 0)
        var writer = JSONWriter()
        writer.integer("bytes", Int64(bytes.count))
        writer.string("sha256", bytes.withUnsafeBytes { SHA256().digest(of: $0) }.text)
        writer.string("file", "torn/\(name)")
        writer.integer("last", last)
        return writer.bytes
    }
}
