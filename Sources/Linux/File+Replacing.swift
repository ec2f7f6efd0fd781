extension File {
    /// Puts a file with these bytes in the place of the one of that name, so that whoever reads it sees
    /// all of the old one or all of the new one. It is written as `path.new` beside it, and then takes its
    /// name; where that fails, the old one stays, and nothing else. Nothing waits for the disk: after
    /// a loss of power it may be empty. Two that replace the same file at once: one of them fails.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: UInt32
    ) throws(SystemError) {
        let new = path + ".new"
        // Of one that was killed in the middle.
        if try Directory.contains(new) { try Directory.remove(new) }
        let file = try File(opening: new, [.readWrite, .create, .exclusive], mode: mode)
        do throws(SystemError) {
            try bytes[...].write(to: file.raw, "write \(new)")
            try Directory.rename(new, to: path)
        } catch {
            try? Directory.remove(new)
            throw error
        }
    }
}
