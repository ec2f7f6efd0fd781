private import Glibc

extension StandardStream {
    /// Writes all the bytes as they are; throws when the disk is full or the reader has gone.
    ///
    /// The corresponding C function is `write`.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            done += try system("write to standard \(self)") {
                Glibc.write(rawValue, bytes.baseAddress! + done, bytes.count - done)
            }
        }
    }
}
