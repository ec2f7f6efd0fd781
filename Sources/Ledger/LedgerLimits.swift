/// The bounds of everything in a ledger. What happens at each is told where it is used.
public enum LedgerLimits {
    /// Bytes of a line, its LF included. A longer record keeps its event and loses its keys.
    public static let line = 4_096
    /// Bytes of an event's name.
    public static let event = 64
    /// Bytes of the records that wait for the disk; behind them records are lost and counted. Ten
    /// thousand services that start at once are 3 MiB, and a slow disk needs its time for them.
    public static let queueBytes = 16 << 20
    /// Records that wait for the disk; behind them records are lost and counted.
    public static let queueRecords = 1 << 16
    /// Bytes of one write; a longer queue becomes several groups.
    public static let group = 256 << 10
    /// Records of a segment; a power of two.
    public static let segmentRecords: Int64 = 1 << 17
    /// Bytes kept aside, to be given back to a full disk for the last records.
    public static let reserve: Int64 = 256 << 10
    /// Bytes of the longest sector. A disk that loses its power while it writes one may lose what
    /// stood there before, too.
    public static let sector = 4 << 10
    /// Bytes of a file system's longest block. e2fsck makes a file end where its last block does.
    public static let block = 64 << 10
    /// Bytes of a torn tail, in the order of the file: the line that ends in the first lost sector,
    /// that sector, one write, and what is left of the last block. A longer damage is nothing that
    /// a crash of ours leaves behind.
    public static let tornTail = Int64(line + sector + group + block)
    /// Nanoseconds between two attempts while the disk refuses.
    public static let retryInterval: Int64 = 5_000_000_000
    /// Faults that a verification lists; more are counted.
    public static let listedFaults = 1_000
}
