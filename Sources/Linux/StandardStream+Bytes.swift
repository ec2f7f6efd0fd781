extension StandardStream {
    /// Writes all the bytes as they are; throws when the disk is full or the reader has gone.
    ///
    /// The corresponding C function is `write`.
    public func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) {
        try bytes.write(to: rawValue, "write to standard \(self)")
    }
}
