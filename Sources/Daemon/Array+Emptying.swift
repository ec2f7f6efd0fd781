extension Array {
    /// More elements than this are a storm's, and their memory is given back after it.
    private static var usual: Int { 256 }

    /// Empties the array. Its memory is kept for the next turn of the loop, unless it was a storm:
    /// then the answer is true.
    mutating func empty() -> Bool {
        let wasStorm = capacity > Self.usual
        removeAll(keepingCapacity: !wasStorm)
        return wasStorm
    }
}
