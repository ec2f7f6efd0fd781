/// Where a service's standard output and error go.
public enum Log: Equatable, Sendable {
    /// A file of at most `bound` bytes, and one older file of the same size.
    ///
    /// Without a path it is `logs/INSTANCE.log` in the state directory.
    case file(path: String?, bound: Int64)
    /// Where the daemon's own go.
    case inherit
    /// Nowhere.
    case none

    /// A file in the state directory, of the default size.
    public static let standard = Log.file(path: nil, bound: standardBound)
    /// 16 MiB.
    public static let standardBound: Int64 = 16 << 20
    /// What a configuration may ask for: 4 KiB to 1 TiB.
    public static let bounds: ClosedRange<Int64> = 4096...(1 << 40)
}
