private import Glibc

extension ArraySlice<UInt8> {
    /// Writes all the bytes as they are; `operation` says what failed.
    ///
    /// The corresponding C function is `write`.
    func write(
        to descriptor: Int32, _ operation: @autoclosure () -> String
    ) throws(SystemError) {
        var rest = self
        while !rest.isEmpty {
            rest = rest.dropFirst(
                try system(operation()) {
                    rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                })
        }
    }
}
