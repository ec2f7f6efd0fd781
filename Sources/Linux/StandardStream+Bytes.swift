private import CLinux
private import Glibc

extension StandardStream {
    /// Writes all the bytes as they are; throws when the disk is full or the reader has gone.
    ///
    /// The corresponding C function is `write`.
    public func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            rest = rest.dropFirst(
                try system("write to standard \(self)") {
                    rest.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
                })
        }
    }
}
